//! The program's `errno`, which the checks must not change.

#![expect(unsafe_code, reason = "a variable of the C library")]

use std::ffi::c_int;

/// Calls `f` and restores the program's `errno`.
pub(crate) fn keeping<R>(f: impl FnOnce() -> R) -> R {
    let before = get();
    let result = f();
    set(before);
    result
}

/// Returns the program's `errno`.
fn get() -> c_int {
    // SAFETY: there is nothing to promise.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: the C library's pointer to this thread's errno is valid as long as the thread.
    unsafe { errno.read() }
}

/// Sets the program's `errno`.
fn set(errno: c_int) {
    // SAFETY: there is nothing to promise.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    unsafe { place.write(errno) };
}
