//! Who is at the other end of a socket, and what it may send.
#![expect(
    unsafe_code,
    reason = "the pid of a peer may be 0, which the safe wrapper has no value for; the option that refuses \
              descriptors has no wrapper"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// A process that has connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// As this process sees it; 0 if it does not see it.
    pub pid: i32,
    /// The user, as the server sees it.
    pub uid: u32,
}

/// The process that was at the other end when it connected.
///
/// # Errors
/// Those of `getsockopt(2)`.
pub fn of(socket: BorrowedFd<'_>) -> io::Result<Peer> {
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

/// `SO_PASSRIGHTS` of `asm-generic/socket.h`, since Linux 6.16; libc has no name for it yet.
const PASSRIGHTS: libc::c_int = 83;

/// Has the kernel refuse descriptors that are sent to this socket, or to those that are accepted at it
/// (`EPERM` for the sender).
///
/// Without it a hostile program can stop the server: the last reference of what was sent goes when the message is
/// received or dropped, and to close a TCP socket with `SO_LINGER` takes as long as its maker likes. Before
/// Linux 6.16 there is no such option, and nothing changes.
pub fn refuse_descriptors(socket: BorrowedFd<'_>) {
    let off: libc::c_int = 0;
    let Ok(len) = libc::socklen_t::try_from(size_of_val(&off)) else { return };
    let place = (&raw const off).cast();
    // SAFETY: the pointer is to an int, and the call is told its length.
    let _unsupported =
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, PASSRIGHTS, place, len) };
}
