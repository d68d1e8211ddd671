//! Checks calls of the C library's allocator.

#![expect(unsafe_code, reason = "exports under the C library's names")]

use libc::{c_void, size_t};
use lockdep::raw;

unsafe extern "C" {
    // These are glibc's other names for its allocator, which this library does not replace. The allocator cannot be
    // looked up like other functions, because the look-up may allocate.
    fn __libc_malloc(size: size_t) -> *mut c_void;
    fn __libc_calloc(count: size_t, size: size_t) -> *mut c_void;
    fn __libc_realloc(memory: *mut c_void, size: size_t) -> *mut c_void;
    fn __libc_free(memory: *mut c_void);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn malloc(size: size_t) -> *mut c_void {
    raw::allocates(size);
    // SAFETY: the same call.
    unsafe { __libc_malloc(size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn calloc(count: size_t, size: size_t) -> *mut c_void {
    raw::allocates(count.saturating_mul(size));
    // SAFETY: the same call.
    unsafe { __libc_calloc(count, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(memory: *mut c_void, size: size_t) -> *mut c_void {
    raw::allocates(size);
    goes(memory);
    // SAFETY: the same call.
    unsafe { __libc_realloc(memory, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn free(memory: *mut c_void) {
    if !memory.is_null() {
        raw::allocates(0);
        goes(memory);
    }
    // SAFETY: the same call.
    unsafe { __libc_free(memory) };
}

/// Checks that no held lock is in memory that is freed, and forgets the locks in it.
fn goes(memory: *mut c_void) {
    if memory.is_null() || raw::is_busy() {
        return;
    }
    // SAFETY: the caller promises memory of this allocator.
    let size = unsafe { libc::malloc_usable_size(memory) };
    let range = memory.addr()..memory.addr() + size;
    raw::frees(range.clone());
    crate::locks::forget(range);
}
