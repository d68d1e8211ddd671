//! System calls for which there is no safe wrapper.
#![expect(unsafe_code, reason = "raw ioctls and terminals: what programs under test do")]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

fn result(value: libc::c_int) -> io::Result<i32> {
    if value < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// Makes an ioctl whose argument is a buffer, at least as large as the code says.
pub(crate) fn ioctl(file: &File, code: u32, buffer: &mut [u8]) -> io::Result<i32> {
    assert!(buffer.len() >= (code >> 16 & 0x3fff) as usize, "the buffer holds the argument");
    // SAFETY: a sequencer moves at most `_IOC_SIZE` bytes, and the buffer has as many.
    result(unsafe { libc::ioctl(file.as_raw_fd(), code as _, buffer.as_mut_ptr()) })
}

/// Makes an ioctl whose argument is an address where nothing is mapped.
pub(crate) fn ioctl_nowhere(file: &File, code: u32) -> io::Result<i32> {
    // SAFETY: nothing is mapped at so low an address: a call that moves bytes fails.
    result(unsafe { libc::ioctl(file.as_raw_fd(), code as _, 8) })
}

/// Calls `file_getattr(2)` on a path (Linux 6.17).
pub(crate) fn file_attributes(path: &std::ffi::CStr) -> io::Result<i32> {
    const FILE_GETATTR: libc::c_long = 468;
    let mut attributes = [0_u8; 24];
    let (room, size) = (attributes.as_mut_ptr(), attributes.len());
    // SAFETY: the call writes at most the number of bytes that it is given.
    let answer =
        unsafe { libc::syscall(FILE_GETATTR, libc::AT_FDCWD, path.as_ptr(), room, size, 0) };
    result(libc::c_int::try_from(answer).unwrap_or(-1))
}

/// Returns a descriptor of this process by its number.
///
/// It is used for the descriptors with which this process was started.
pub(crate) fn inherited(number: i32) -> BorrowedFd<'static> {
    // SAFETY: the descriptors 0 to 2 stay open as long as the process lives.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Opens a terminal. Returns the end of the program, and the end with keyboard and screen.
pub(crate) fn terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let (mut master, mut slave) = (-1, -1);
    let none = std::ptr::null_mut();
    // SAFETY: the first two point to integers; the rest may be null.
    result(unsafe {
        libc::openpty(&raw mut master, &raw mut slave, none, none.cast(), none.cast())
    })?;
    // SAFETY: the call has opened it, and nobody else has it.
    let master = unsafe { OwnedFd::from_raw_fd(master) };
    // SAFETY: as above.
    let slave = unsafe { OwnedFd::from_raw_fd(slave) };
    // A child that inherited the master would keep the terminal alive.
    for end in [&master, &slave] {
        rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
    }
    Ok((slave, master))
}

/// Makes the terminal at standard input the controlling terminal of a new session, in a child process.
pub(crate) fn control_terminal(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt as _;
    // SAFETY: both calls are safe between fork and exec, and touch no memory.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            rustix::process::ioctl_tiocsctty(inherited(0))?;
            Ok(())
        })
    };
}

/// Gives this thread, and the processes that it starts, a mount namespace of their own.
pub(crate) fn unshare_mounts() -> io::Result<()> {
    use rustix::mount::{MountPropagationFlags, mount_change};
    // SAFETY: changes the namespace of this thread only; no memory is involved.
    result(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    Ok(mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?)
}
