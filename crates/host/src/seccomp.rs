//! Filters of system calls that ask another process what to do: see seccomp_unotify(2).
#![expect(unsafe_code, reason = "seccomp and the requests of its listener have no safe wrapper")]

use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// What the kernel does with a call that reaches the end of a filter.
pub const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
/// The call waits for what the listener says.
pub const NOTIFY: u32 = libc::SECCOMP_RET_USER_NOTIF;

/// One instruction of a filter.
pub type Instruction = libc::sock_filter;

/// A call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Names it, for as long as it waits.
    pub id: u64,
    /// The thread that calls, as the receiver sees it.
    pub thread: i32,
    /// The number of the call, of this machine's own interface.
    pub number: libc::c_long,
    /// Its arguments.
    pub args: [u64; 6],
}

/// With room behind it: a newer kernel may have more to tell, and wants all of it to be zero before.
#[repr(C)]
#[derive(Clone, Copy)]
struct Room {
    notification: libc::seccomp_notif,
    spare: [u64; 16],
}

/// Can calls that were received be waited for without signals, but for those that kill (Linux 5.19)?
pub fn can_wait_killable() -> bool {
    let flags =
        libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    // A flag that is not known is looked at before the filter, which is not there.
    set_filter(flags, std::ptr::null()) == Err(Errno::FAULT)
}

/// Puts a filter on the calling thread and all that it starts, and returns its listener
/// (close-on-exec). Where the thread lacks the privilege, it gives up gaining any by set-uid programs.
///
/// # Errors
/// `EBUSY` if a filter that it has already has a listener; `EINVAL` or `ENOSYS` if the kernel has no
/// such filters; `EPERM` in some sandboxes.
pub fn install(filter: &[Instruction]) -> Result<OwnedFd, Errno> {
    let mut flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    if can_wait_killable() {
        flags |= libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    }
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).map_err(|_| Errno::INVAL)?,
        filter: filter.as_ptr().cast_mut(),
    };
    let fd = match set_filter(flags, &raw const program) {
        Err(Errno::ACCESS) => {
            rustix::thread::set_no_new_privs(true)?;
            set_filter(flags, &raw const program)?
        }
        result => result?,
    };
    // SAFETY: with that flag the call returns a new descriptor, which nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn set_filter(flags: libc::c_ulong, program: *const libc::sock_fprog) -> Result<i32, Errno> {
    let operation = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the program is null, which the kernel refuses, or a valid one whose instructions live
    // through the call.
    let fd = unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, program) };
    i32::try_from(fd).ok().filter(|fd| *fd >= 0).ok_or_else(last_error)
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// The end of a filter at which calls arrive. Readable when one waits.
#[derive(Debug)]
pub struct Listener(OwnedFd);

impl Listener {
    /// Takes the descriptor that a filter was installed with.
    pub const fn new(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }

    /// Lets the caller that is answered run on this processor, which is about to be free (Linux 6.6).
    pub fn wake_here(&self) {
        let flags: libc::c_ulong = 1;
        // SAFETY: the request takes a number; a kernel that does not know it refuses it.
        let _unknown = unsafe {
            libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS as _, flags)
        };
    }

    /// Takes a call. To be asked when the descriptor is readable, else it waits.
    ///
    /// # Errors
    /// `ENOENT` if the caller was killed meanwhile.
    pub fn receive(&self) -> Result<Notification, Errno> {
        let data = libc::seccomp_data { nr: 0, arch: 0, instruction_pointer: 0, args: [0; 6] };
        let notification = libc::seccomp_notif { id: 0, pid: 0, flags: 0, data };
        let mut room = Room { notification, spare: [0; 16] };
        self.ask(libc::SECCOMP_IOCTL_NOTIF_RECV as _, &mut room)?;
        let libc::seccomp_notif { id, pid, data, .. } = room.notification;
        let thread = i32::try_from(pid).unwrap_or(0);
        Ok(Notification { id, thread, number: data.nr.into(), args: data.args })
    }

    /// Does this call still wait?
    pub fn is_valid(&self, id: u64) -> bool {
        let mut id = id;
        self.ask(libc::SECCOMP_IOCTL_NOTIF_ID_VALID as _, &mut id).is_ok()
    }

    /// The call returns this value, or fails with this number of an error.
    ///
    /// # Errors
    /// `ENOENT` if nobody waits for it any more.
    pub fn answer(&self, id: u64, result: Result<i64, i32>) -> Result<(), Errno> {
        let (val, error) = match result {
            Ok(value) => (value, 0),
            Err(errno) => (0, -errno),
        };
        let mut answer = libc::seccomp_notif_resp { id, val, error, flags: 0 };
        self.ask(libc::SECCOMP_IOCTL_NOTIF_SEND as _, &mut answer)
    }

    /// The kernel carries the call out.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn let_through(&self, id: u64) -> Result<(), Errno> {
        let flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or(0);
        let mut answer = libc::seccomp_notif_resp { id, val: 0, error: 0, flags };
        self.ask(libc::SECCOMP_IOCTL_NOTIF_SEND as _, &mut answer)
    }

    /// Gives the caller a copy of a descriptor, at this number or at the lowest free one, as what the
    /// call returns. What was at the number is closed.
    ///
    /// # Errors
    /// As [`answer`](Self::answer); `EMFILE` or `EBADF` if the number is above the caller's limit.
    pub fn answer_with(
        &self,
        id: u64,
        descriptor: BorrowedFd<'_>,
        number: Option<i32>,
        close_on_exec: bool,
    ) -> Result<(), Errno> {
        let set = if number.is_some() { libc::SECCOMP_ADDFD_FLAG_SETFD } else { 0 };
        let mut add = libc::seccomp_notif_addfd {
            id,
            flags: u32::try_from(set | libc::SECCOMP_ADDFD_FLAG_SEND).unwrap_or(0),
            srcfd: u32::try_from(descriptor.as_raw_fd()).map_err(|_| Errno::BADF)?,
            newfd: u32::try_from(number.unwrap_or(0)).map_err(|_| Errno::BADF)?,
            newfd_flags: if close_on_exec { libc::O_CLOEXEC.unsigned_abs() } else { 0 },
        };
        match self.ask(libc::SECCOMP_IOCTL_NOTIF_ADDFD as _, &mut add) {
            // Before Linux 5.14: in two steps.
            Err(Errno::INVAL) => {
                add.flags = u32::try_from(set).unwrap_or(0);
                let fd = self.request(libc::SECCOMP_IOCTL_NOTIF_ADDFD as _, &mut add)?;
                self.answer(id, Ok(fd.into()))
            }
            result => result,
        }
    }

    fn ask<T>(&self, code: libc::c_ulong, argument: &mut T) -> Result<(), Errno> {
        rustix::io::retry_on_intr(|| self.request(code, argument)).map(drop)
    }

    fn request<T>(&self, code: libc::c_ulong, argument: &mut T) -> Result<i32, Errno> {
        // SAFETY: each caller gives a request of the listener's and the struct that goes with it, which
        // lives through the call.
        let value =
            unsafe { libc::ioctl(self.0.as_raw_fd(), code as _, std::ptr::from_mut(argument)) };
        if value < 0 { Err(last_error()) } else { Ok(value) }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
