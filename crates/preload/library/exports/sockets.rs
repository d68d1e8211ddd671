//! Functions for sockets. An open file of ours is a socket, but must look like a device, so they fail.

use super::keeping;
use crate::{file, next};
use libc::{c_int, c_uint, c_void, mmsghdr, msghdr, off_t, socklen_t, ssize_t};

/// Exports functions that fail with the given error for a file of ours.
macro_rules! exports {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty, $error:ident for $($fd:ident)*;)*) => { $(
        #[doc = concat!("`", stringify!($name), "`")]
        ///
        /// # Safety
        /// As the C library's.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $type),*) -> $result {
            if $(file::of($fd).is_some())||* {
                return keeping(|| Err(libc::$error));
            }
            next::$name($($argument),*)
        }
    )* };
}

type Bytes = *mut c_void;

exports! {
    fn recv(fd: c_int, bytes: Bytes, len: usize, flags: c_int) -> ssize_t, ENOTSOCK for fd;
    fn __recv_chk(fd: c_int, bytes: Bytes, len: usize, room: usize, flags: c_int) -> ssize_t, ENOTSOCK for fd;
    fn recvfrom(fd: c_int, bytes: Bytes, len: usize, flags: c_int, from: Bytes, size: Bytes) -> ssize_t, ENOTSOCK for fd;
    fn __recvfrom_chk(fd: c_int, bytes: Bytes, len: usize, room: usize, flags: c_int, from: Bytes, size: Bytes) -> ssize_t, ENOTSOCK for fd;
    fn send(fd: c_int, bytes: *const c_void, len: usize, flags: c_int) -> ssize_t, ENOTSOCK for fd;
    fn sendto(fd: c_int, bytes: *const c_void, len: usize, flags: c_int, to: *const c_void, size: socklen_t) -> ssize_t, ENOTSOCK for fd;
    fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t, ENOTSOCK for fd;
    fn sendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int, ENOTSOCK for fd;
    fn shutdown(fd: c_int, how: c_int) -> c_int, ENOTSOCK for fd;
    fn splice(from: c_int, from_at: *mut off_t, to: c_int, to_at: *mut off_t, len: usize, flags: c_uint) -> ssize_t, EINVAL for from to;
    fn sendfile(to: c_int, from: c_int, at: *mut off_t, len: usize) -> ssize_t, EINVAL for to from;
    fn sendfile64(to: c_int, from: c_int, at: *mut off_t, len: usize) -> ssize_t, EINVAL for to from;
}
