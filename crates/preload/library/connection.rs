//! Makes a connection to the server, sends requests, and remembers which process the server is.
#![expect(
    unsafe_code,
    reason = "message headers begin as zeroes; the limit of descriptors is asked for"
)]

use crate::environment;
use crate::page::{PAGE, SLOTS};
use crate::sys::{self, Outcome, Peer};
use aseqd_wire::preload::{
    ANSWER, REFUSED, Reply, Request, SECRET_LEN, VERSION, Welcome, is_same_secret, kind,
};
use core::sync::atomic::Ordering;
use libc::c_int;
use zerocopy::{FromZeros as _, IntoBytes as _};

/// Connections get descriptors below this number, or below the limit of the process. A higher number would
/// make the kernel enlarge the process's table of descriptors.
const TOP: u64 = 1024;

/// Makes a connection. Returns its descriptor, which is a high number, and its inode.
pub(crate) fn connection() -> Outcome<(c_int, u64)> {
    let (address, len) = environment::server()?;
    let mut fd = sys::socket()?;
    let connected = loop {
        match sys::connect(fd, &address, len) {
            Err(libc::EINTR) => {}
            connected => break connected,
        }
    };
    let greeted = connected.and_then(|_| {
        if let Ok(high) = sys::control(fd, libc::F_DUPFD_CLOEXEC, lowest()) {
            let _closed = sys::close(fd);
            fd = high;
        }
        greet(fd)?;
        sys::inode(fd)
    });
    match greeted {
        Ok(inode) => Ok((fd, inode)),
        Err(error) => {
            let _closed = sys::close(fd);
            // If the server is gone, so is the device.
            Err(if matches!(error, libc::EACCES | libc::EMFILE | libc::ENFILE | libc::ENOMEM) {
                error
            } else {
                libc::ENODEV
            })
        }
    }
}

/// Shows the secret and checks that the listener knows its half, too, since the path may belong to another
/// process by now. Then remembers which process the server is.
fn greet(fd: c_int) -> Outcome<()> {
    let secret = environment::secret();
    let hello = Request { kind: kind::HELLO, code: VERSION, ..Request::default() };
    send(fd, &hello, secret.program.as_ptr(), SECRET_LEN)?;
    let mut reply = Reply::new_zeroed();
    let mut welcome = Welcome::new_zeroed();
    let mut parts = [
        libc::iovec {
            iov_base: reply.as_mut_bytes().as_mut_ptr().cast(),
            iov_len: size_of::<Reply>(),
        },
        libc::iovec {
            iov_base: welcome.as_mut_bytes().as_mut_ptr().cast(),
            iov_len: size_of::<Welcome>(),
        },
    ];
    // SAFETY: all of its bytes may be zero.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = parts.len();
    let received = loop {
        match sys::receive_message(fd, &mut message, 0) {
            Err(libc::EINTR) => {}
            received => break received?,
        }
    };
    if received >= size_of::<Reply>() && reply.kind == REFUSED {
        return Err(libc::EACCES);
    }
    let whole = received == size_of::<Reply>() + size_of::<Welcome>();
    if !whole || reply.kind != ANSWER || !is_same_secret(&welcome.proof, &secret.server) {
        return Err(libc::ENODEV);
    }
    note_server(welcome.server, sys::peer(fd)?);
    Ok(())
}

pub(crate) fn note_server(number: u64, peer: Peer) {
    PAGE.server_process.store(peer.process, Ordering::Relaxed);
    PAGE.server_user.store(peer.user, Ordering::Relaxed);
    PAGE.server.store(number, Ordering::Release);
}

/// Returns the server's number, process and user, if this process has connected to it.
pub(crate) fn known_server() -> Option<(u64, Peer)> {
    let number = PAGE.server.load(Ordering::Acquire);
    let process = PAGE.server_process.load(Ordering::Relaxed);
    let user = PAGE.server_user.load(Ordering::Relaxed);
    (number != 0).then_some((number, Peer { process, user }))
}

/// Returns whether the other end of a socket was made by the server, as far as this process knows.
pub(crate) fn is_known_server(fd: c_int) -> bool {
    known_server().is_some_and(|(_, server)| sys::peer(fd) == Ok(server))
}

/// Returns the lowest descriptor for connections.
pub(crate) fn lowest() -> c_int {
    let mut limit = libc::rlimit { rlim_cur: TOP, rlim_max: TOP };
    // SAFETY: the pointer is to a struct that the call fills.
    let _as_it_was = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    let top = c_int::try_from(limit.rlim_cur.min(TOP)).unwrap_or(0);
    top.saturating_sub(c_int::try_from(SLOTS).unwrap_or(0)).max(3)
}

/// Sends a request and the `len` bytes at `data`.
pub(crate) fn send(fd: c_int, request: &Request, data: *const u8, len: usize) -> Outcome {
    let head = request.as_bytes();
    let mut parts = [
        libc::iovec { iov_base: head.as_ptr().cast_mut().cast(), iov_len: head.len() },
        libc::iovec { iov_base: data.cast_mut().cast(), iov_len: len },
    ];
    // SAFETY: all of its bytes may be zero.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = if len == 0 { 1 } else { 2 };
    loop {
        match sys::send_message(fd, &message) {
            Err(libc::EINTR) => {}
            sent => return sent,
        }
    }
}
