//! Who is at the other end of a socket.
#![expect(
    unsafe_code,
    reason = "the pid of a peer may be 0, which the safe wrapper has no value for"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// A process that has connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// As this process sees it; 0 if it does not see it.
    pub(crate) pid: i32,
    pub(crate) uid: u32,
}

/// The process that was at the other end when it connected.
///
/// # Errors
/// Those of `getsockopt(2)`.
pub(crate) fn of(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    let mut credentials = MaybeUninit::<libc::ucred>::uninit();
    let mut len = libc::socklen_t::try_from(size_of::<libc::ucred>()).map_err(io::Error::other)?;
    let place = credentials.as_mut_ptr().cast();
    let (level, option) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
    // SAFETY: the pointers are to a struct of the length that the call is told, and to that length.
    match unsafe { libc::getsockopt(socket.as_raw_fd(), level, option, place, &raw mut len) } {
        0 => {
            // SAFETY: the call has succeeded and filled it.
            let credentials = unsafe { credentials.assume_init() };
            Ok(Peer { pid: credentials.pid, uid: credentials.uid })
        }
        _ => Err(io::Error::last_os_error()),
    }
}
