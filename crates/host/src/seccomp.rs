//! Filters of system calls that let another process answer them: see seccomp_unotify(2).
#![expect(unsafe_code, reason = "seccomp and the requests of its listener have no safe wrapper")]

use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// Result of a filter: the kernel carries the call out.
pub const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
/// Result of a filter: the call waits until the listener answers it.
pub const NOTIFY: u32 = libc::SECCOMP_RET_USER_NOTIF;

/// One instruction of a filter.
pub type Instruction = libc::sock_filter;

/// A call that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Names the call for as long as it waits.
    pub id: u64,
    /// The calling thread, in the PID namespace of this process.
    pub thread: i32,
    /// The number of the system call, for this machine's native architecture.
    pub number: libc::c_long,
    /// Its arguments.
    pub args: [u64; 6],
}

/// A notification with spare room, because a newer kernel may write more. The kernel wants all of it to be zero.
#[repr(C)]
#[derive(Clone, Copy)]
struct Room {
    notification: libc::seccomp_notif,
    spare: [u64; 16],
}

/// Returns whether a call that was received can wait without being interrupted by signals other than fatal ones
/// (Linux 5.19 and later).
pub fn can_wait_killable() -> bool {
    let flags =
        libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    // The kernel checks the flags before the filter, which is a null pointer here.
    set_filter(flags, std::ptr::null()) == Err(Errno::FAULT)
}

/// Installs a filter for the calling thread and everything that it starts, and returns the filter's listener
/// (close-on-exec).
///
/// A thread without the privilege to do so gets `no_new_privs` set first.
///
/// # Errors
/// `EBUSY` if another filter of the thread has a listener, `EINVAL` or `ENOSYS` if the kernel has no such filters,
/// `EPERM` in some sandboxes.
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

/// The descriptor at which the calls of a filter arrive. It is readable while a call waits to be received.
#[derive(Debug)]
pub struct Listener(OwnedFd);

impl Listener {
    /// Makes a listener of the descriptor that [`install`] returned.
    pub const fn new(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }

    /// Makes an answered caller run on this processor, which is about to be idle. Does nothing before Linux 6.6.
    pub fn wake_here(&self) {
        let flags: libc::c_ulong = 1;
        // SAFETY: the request takes a number; a kernel that does not know it refuses it.
        let _unknown = unsafe {
            libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS as _, flags)
        };
    }

    /// Receives a call. It sleeps until there is one, so wait until the descriptor is readable.
    ///
    /// # Errors
    /// `ENOENT` if the caller was killed in between.
    pub fn receive(&self) -> Result<Notification, Errno> {
        let data = libc::seccomp_data { nr: 0, arch: 0, instruction_pointer: 0, args: [0; 6] };
        let notification = libc::seccomp_notif { id: 0, pid: 0, flags: 0, data };
        let mut room = Room { notification, spare: [0; 16] };
        self.ask(libc::SECCOMP_IOCTL_NOTIF_RECV as _, &mut room)?;
        let libc::seccomp_notif { id, pid, data, .. } = room.notification;
        let thread = i32::try_from(pid).unwrap_or(0);
        Ok(Notification { id, thread, number: data.nr.into(), args: data.args })
    }

    /// Returns whether the call still waits.
    pub fn is_valid(&self, id: u64) -> bool {
        let mut id = id;
        self.ask(libc::SECCOMP_IOCTL_NOTIF_ID_VALID as _, &mut id).is_ok()
    }

    /// Lets a call return a value, or fail with an error number.
    ///
    /// # Errors
    /// `ENOENT` if the call does not wait any more.
    pub fn answer(&self, id: u64, result: Result<i64, i32>) -> Result<(), Errno> {
        let (val, error) = match result {
            Ok(value) => (value, 0),
            Err(errno) => (0, -errno),
        };
        let mut answer = libc::seccomp_notif_resp { id, val, error, flags: 0 };
        self.ask(libc::SECCOMP_IOCTL_NOTIF_SEND as _, &mut answer)
    }

    /// Lets the kernel carry a call out.
    ///
    /// # Errors
    /// As for [`answer`](Self::answer).
    pub fn let_through(&self, id: u64) -> Result<(), Errno> {
        let flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or(0);
        let mut answer = libc::seccomp_notif_resp { id, val: 0, error: 0, flags };
        self.ask(libc::SECCOMP_IOCTL_NOTIF_SEND as _, &mut answer)
    }

    /// Gives the caller a copy of a descriptor, and lets the call return its number. The copy gets the given number,
    /// where an open descriptor is closed first, or the lowest free one.
    ///
    /// # Errors
    /// As for [`answer`](Self::answer); `EMFILE` or `EBADF` if the number is above the caller's limit.
    pub fn answer_with(
        &self,
        id: u64,
        descriptor: BorrowedFd<'_>,
        number: Option<i32>,
        close_on_exec: bool,
    ) -> Result<(), Errno> {
        let mut add = addition(id, descriptor, number, close_on_exec)?;
        let (set, send) = (add.flags, u32::try_from(libc::SECCOMP_ADDFD_FLAG_SEND).unwrap_or(0));
        add.flags = set | send;
        match self.ask(libc::SECCOMP_IOCTL_NOTIF_ADDFD as _, &mut add) {
            // Linux before 5.14 needs two steps.
            Err(Errno::INVAL) => {
                add.flags = set;
                let fd = self.request(libc::SECCOMP_IOCTL_NOTIF_ADDFD as _, &mut add)?;
                self.answer(id, Ok(fd.into()))
            }
            result => result,
        }
    }

    /// Gives the caller a copy of a descriptor at this number, where an open descriptor is closed first, or at the
    /// lowest free one. Returns the number. The call goes on waiting.
    ///
    /// # Errors
    /// As for [`answer_with`](Self::answer_with).
    pub fn give(
        &self,
        id: u64,
        descriptor: BorrowedFd<'_>,
        number: Option<i32>,
        close_on_exec: bool,
    ) -> Result<i32, Errno> {
        let mut add = addition(id, descriptor, number, close_on_exec)?;
        rustix::io::retry_on_intr(|| self.request(libc::SECCOMP_IOCTL_NOTIF_ADDFD as _, &mut add))
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

/// Returns the argument of a request that gives the caller a descriptor.
fn addition(
    id: u64,
    descriptor: BorrowedFd<'_>,
    number: Option<i32>,
    close_on_exec: bool,
) -> Result<libc::seccomp_notif_addfd, Errno> {
    let set = if number.is_some() { libc::SECCOMP_ADDFD_FLAG_SETFD } else { 0 };
    Ok(libc::seccomp_notif_addfd {
        id,
        flags: u32::try_from(set).unwrap_or(0),
        srcfd: u32::try_from(descriptor.as_raw_fd()).map_err(|_| Errno::BADF)?,
        newfd: u32::try_from(number.unwrap_or(0)).map_err(|_| Errno::BADF)?,
        newfd_flags: if close_on_exec { libc::O_CLOEXEC.unsigned_abs() } else { 0 },
    })
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
