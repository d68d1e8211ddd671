//! The process at the other end of a socket, and what it may send.
#![expect(
    unsafe_code,
    reason = "the pid of a peer may be 0, which the safe wrapper has no value for; the option that refuses \
              descriptors and the request for what is unread have no wrapper"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// The process at the other end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its number in the PID namespace of this process, or 0 if it is outside of that namespace.
    pub pid: i32,
    /// Its user, in the user namespace of this process.
    pub uid: u32,
}

/// Returns the process that made the connection of this socket.
///
/// # Errors
/// The errors of `getsockopt(2)`.
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

/// Returns how much the other end of this socket has not read yet (`SIOCOUTQ`). For Unix sockets that is memory, and not
/// the number of bytes.
///
/// # Errors
/// If the system does not answer this request.
pub fn unread(socket: BorrowedFd<'_>) -> io::Result<i32> {
    let mut unread: libc::c_int = 0;
    // SAFETY: TIOCOUTQ, as SIOCOUTQ is also called, writes an int to the pointer, or nothing.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut unread) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(unread),
    }
}

/// `SO_PASSRIGHTS` of `asm-generic/socket.h`, since Linux 6.16; libc has no name for it yet.
const PASSRIGHTS: libc::c_int = 83;

/// Makes the kernel refuse descriptors that are sent to this socket or to a socket accepted from it. The sender
/// gets `EPERM`.
///
/// Otherwise a hostile program can stop the server. It sends a TCP socket with `SO_LINGER`; the server closes the
/// last reference to it when it receives or drops the message, and that takes as long as the sender likes. Linux
/// before 6.16 has no such option, and this function changes nothing there.
pub fn refuse_descriptors(socket: BorrowedFd<'_>) {
    let off: libc::c_int = 0;
    let Ok(len) = libc::socklen_t::try_from(size_of_val(&off)) else { return };
    let place = (&raw const off).cast();
    // SAFETY: the pointer is to an int, and the call is told its length.
    let _unsupported =
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, PASSRIGHTS, place, len) };
}
