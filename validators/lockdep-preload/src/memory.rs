//! Checks calls of the C library's allocator.

#![expect(unsafe_code, reason = "exports under the C library's names")]

use std::arch::naked_asm;

use libc::{c_void, size_t};
use lockdep::raw;

use crate::blocks;
use crate::exports::before;
use crate::handlers;
use crate::next::{Arguments, Verdict};

unsafe extern "C" {
    // These are glibc's other names for its allocator, which this library does not replace. The allocator cannot be
    // looked up like other functions, because the look-up may allocate.
    fn __libc_malloc(size: size_t) -> *mut c_void;
    fn __libc_calloc(count: size_t, size: size_t) -> *mut c_void;
    fn __libc_realloc(memory: *mut c_void, size: size_t) -> *mut c_void;
    fn __libc_free(memory: *mut c_void);
}

#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn malloc() {
    naked_asm!("mov rsi, [rsp]", "jmp {}", sym allocate)
}

extern "C" fn allocate(size: size_t, caller: usize) -> *mut c_void {
    handlers::check("malloc");
    raw::allocates("malloc", size);
    // SAFETY: the same call.
    from(unsafe { __libc_malloc(size) }, size, caller)
}

#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn calloc() {
    naked_asm!("mov rdx, [rsp]", "jmp {}", sym allocate_zeroed)
}

extern "C" fn allocate_zeroed(count: size_t, size: size_t, caller: usize) -> *mut c_void {
    handlers::check("calloc");
    raw::allocates("calloc", count.saturating_mul(size));
    // SAFETY: the same call.
    from(unsafe { __libc_calloc(count, size) }, count.saturating_mul(size), caller)
}

fn from(block: *mut c_void, size: usize, caller: usize) -> *mut c_void {
    if !raw::is_busy() {
        blocks::made(block.addr(), size, caller);
    }
    block
}

#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(memory: *mut c_void, size: size_t) -> *mut c_void {
    handlers::check("realloc");
    raw::allocates("realloc", size);
    blocks::forget(memory.addr());
    goes(memory);
    // SAFETY: the same call.
    unsafe { __libc_realloc(memory, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn free(memory: *mut c_void) {
    if !memory.is_null() {
        handlers::check("free");
        blocks::forget(memory.addr());
        raw::releases("free");
        goes(memory);
    }
    // SAFETY: the same call.
    unsafe { __libc_free(memory) };
}

/// Checks an allocation by a function of which the C library has no other name.
macro_rules! allocators {
    ($($name:ident: $size:expr;)*) => { $(
        before! {
            |call: &mut Arguments| {
                let size: fn(&Arguments) -> usize = $size;
                handlers::check(stringify!($name));
                raw::allocates(stringify!($name), size(call));
                Verdict::Passes
            };
            $name
        }
    )* };
}

allocators! {
    posix_memalign: |call| call.third;
    aligned_alloc: |call| call.second;
    memalign: |call| call.second;
    valloc: |call| call.first;
    pvalloc: |call| call.first;
    reallocarray: |call| call.second.saturating_mul(call.third);
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
    crate::classes::forget(range);
}
