//! Copies and fills of memory, for which the compiler makes calls. `entry` adds the place.

#![expect(unsafe_code, reason = "exports under the compiler's names")]

use std::ffi::{c_int, c_void};

use crate::runtime::access::{Access, kind};
use crate::runtime::watch::counted_access;

fn check(address: *const c_void, size: usize, bits: u32, place: usize) {
    counted_access(Access::new(address.addr(), size, bits), place);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn kcsan_memcpy(
    to: *mut c_void,
    from: *const c_void,
    size: usize,
    place: usize,
) -> *mut c_void {
    check(to, size, kind::WRITE, place);
    check(from, size, kind::READ, place);
    // SAFETY: the program's call.
    unsafe { libc::memcpy(to, from, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn kcsan_memmove(
    to: *mut c_void,
    from: *const c_void,
    size: usize,
    place: usize,
) -> *mut c_void {
    check(to, size, kind::WRITE, place);
    check(from, size, kind::READ, place);
    // SAFETY: the program's call.
    unsafe { libc::memmove(to, from, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn kcsan_memset(
    to: *mut c_void,
    byte: c_int,
    size: usize,
    place: usize,
) -> *mut c_void {
    check(to, size, kind::WRITE, place);
    // SAFETY: the program's call.
    unsafe { libc::memset(to, byte, size) }
}
