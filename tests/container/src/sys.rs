//! System calls without a safe wrapper.
#![expect(unsafe_code, reason = "namespaces and filters of system calls have no safe wrapper")]

use libc::{sock_filter, sock_fprog};
use rustix::thread::UnshareFlags;
use std::io;

/// Moves this process, which has one thread, into namespaces of its own; children for that of PIDs.
///
/// # Errors
/// The errors of `unshare(2)`.
pub fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: FILES is not among the flags that callers give, so no descriptor changes its meaning.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags - UnshareFlags::FILES) }?)
}

/// Filters the system calls of this process and of all that it becomes.
///
/// # Errors
/// `EACCES` without `CAP_SYS_ADMIN` and `no_new_privs`; `EINVAL` for what is no filter.
pub fn filter(program: &[sock_filter]) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = sock_fprog { len, filter: program.as_ptr().cast_mut() };
    let mode = libc::c_ulong::from(libc::SECCOMP_MODE_FILTER);
    // SAFETY: the kernel reads `len` instructions, which the slice has, and keeps no pointer.
    match unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
