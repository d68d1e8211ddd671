//! Functions that copy, close and receive descriptors.
//!
//! The library must know of every copy, tell the server of every descriptor that is closed, and keep its own
//! connections when a program closes everything.

use super::keeping;
use crate::sys;
use crate::{file, hints, next, pool};
use aseqd_wire::preload::access;
use libc::{c_int, c_uint, c_void, mmsghdr, msghdr, ssize_t};

/// `close`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn close(fd: c_int) -> c_int {
    if pool::is_internal(fd) {
        return keeping(|| Err(libc::EBADF));
    }
    let ours = file::of(fd).is_some();
    hints::closed(fd);
    let result = next::close(fd);
    if ours {
        file::closed();
    }
    result
}

/// `close_range`, which leaves out the library's own connections.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
    let cloexec = flags & CLOSE_RANGE_CLOEXEC != 0;
    let mut from = first;
    if !cloexec {
        while let Some(own) = c_int::try_from(from).ok().and_then(pool::internal_from) {
            let own = own.unsigned_abs();
            if own > last || first > last {
                break;
            }
            if own > from {
                let result = next::close_range(from, own - 1, flags);
                if result != 0 {
                    return result;
                }
            }
            from = own + 1;
        }
    }
    let result =
        if from > last && first <= last { 0 } else { next::close_range(from, last, flags) };
    if !cloexec {
        let bound = |number: c_uint| usize::try_from(number).unwrap_or(usize::MAX);
        hints::closed_between(bound(first), bound(last));
        file::closed_many();
    }
    result
}

const CLOSE_RANGE_CLOEXEC: c_int = 4;

/// `closefrom`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn closefrom(first: c_int) {
    let before = sys::errno();
    let first = c_uint::try_from(first).unwrap_or(0);
    // SAFETY: closes what the caller wants closed.
    let result = unsafe { close_range(first, c_uint::MAX, 0) };
    if result != 0 {
        // The kernel has no close_range: close one after the other.
        let mut limit = libc::rlimit { rlim_cur: 1024, rlim_max: 1024 };
        // SAFETY: the pointer is to a struct that the call fills.
        let _as_it_was = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
        for fd in first..c_uint::try_from(limit.rlim_cur).unwrap_or(1 << 20) {
            // SAFETY: closes what the caller wants closed.
            let _not_open = unsafe { close(c_int::try_from(fd).unwrap_or(-1)) };
        }
    }
    sys::set_errno(before);
}

/// `dup`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn dup(fd: c_int) -> c_int {
    let copy = next::dup(fd);
    hints::changed(copy);
    copy
}

/// Copies a descriptor to a number that may be in use.
fn copied_over(from: c_int, to: c_int, copy: impl FnOnce() -> c_int) -> c_int {
    if from != to {
        pool::move_away(to);
    }
    let closes = from != to && file::of(to).is_some();
    let result = copy();
    hints::changed(result);
    if closes && result >= 0 {
        file::closed();
    }
    result
}

/// `dup2`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn dup2(from: c_int, to: c_int) -> c_int {
    copied_over(from, to, || next::dup2(from, to))
}

/// `dup3`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn dup3(from: c_int, to: c_int, flags: c_int) -> c_int {
    copied_over(from, to, || next::dup3(from, to, flags))
}

/// `fcntl`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn fcntl(fd: c_int, command: c_int, argument: *mut c_void) -> c_int {
    controlled(fd, command, || next::fcntl(fd, command, argument))
}

/// `fcntl64`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn fcntl64(fd: c_int, command: c_int, argument: *mut c_void) -> c_int {
    controlled(fd, command, || next::fcntl64(fd, command, argument))
}

fn controlled(fd: c_int, command: c_int, other: impl FnOnce() -> c_int) -> c_int {
    let result = other();
    match command {
        libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => hints::changed(result),
        // A socket is open in both directions, but the device only in those it was opened for.
        libc::F_GETFL if result >= 0 => {
            if let Some(name) = file::of(fd) {
                let access = match name.access {
                    access::READ => libc::O_RDONLY,
                    access::WRITE => libc::O_WRONLY,
                    _ => libc::O_RDWR,
                };
                return result & !libc::O_ACCMODE | access;
            }
        }
        _ => {}
    }
    result
}

/// `recvmsg`, which may receive descriptors.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t {
    if file::of(fd).is_some() {
        return keeping(|| Err(libc::ENOTSOCK));
    }
    let result = next::recvmsg(fd, message, flags);
    if result >= 0 {
        // SAFETY: the call has succeeded, so the header is there.
        arrived(unsafe { &*message });
    }
    result
}

/// `recvmmsg`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn recvmmsg(
    fd: c_int,
    messages: *mut mmsghdr,
    count: c_uint,
    flags: c_int,
    limit: *mut c_void,
) -> c_int {
    if file::of(fd).is_some() {
        return keeping(|| Err(libc::ENOTSOCK));
    }
    let result = next::recvmmsg(fd, messages, count, flags, limit);
    for at in 0..usize::try_from(result).unwrap_or(0) {
        // SAFETY: the call has filled this header.
        arrived(unsafe { &(*messages.wrapping_add(at)).msg_hdr });
    }
    result
}

/// Notes the descriptors that came in the control data of a message.
fn arrived(message: &msghdr) {
    if message.msg_controllen == 0 || message.msg_control.is_null() {
        return;
    }
    // SAFETY: the header is one that the kernel has filled.
    let mut control = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !control.is_null() {
        // SAFETY: the macros give headers within the control data.
        let header = unsafe { control.read_unaligned() };
        if header.cmsg_level == libc::SOL_SOCKET && header.cmsg_type == libc::SCM_RIGHTS {
            // SAFETY: as above.
            let data = unsafe { libc::CMSG_DATA(control) }.cast::<c_int>();
            let bytes = header.cmsg_len.saturating_sub(data.addr() - control.addr());
            for at in 0..bytes / size_of::<c_int>() {
                // SAFETY: within the data of this header.
                hints::changed(unsafe { data.wrapping_add(at).read_unaligned() });
            }
        }
        // SAFETY: as above.
        control = unsafe { libc::CMSG_NXTHDR(message, control) };
    }
}

/// `pidfd_getfd`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn pidfd_getfd(process: c_int, fd: c_int, flags: c_uint) -> c_int {
    let copy = next::pidfd_getfd(process, fd, flags);
    hints::changed(copy);
    copy
}
