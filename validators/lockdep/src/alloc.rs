//! A global allocator that reports allocations in atomic context, and held locks that are freed.
//!
//! ```
//! #[global_allocator]
//! static ALLOC: lockdep::Alloc = lockdep::Alloc::new();
//! # fn main() {}
//! ```

#![expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};

/// A global allocator that checks each call and passes it to another allocator, by default the system's.
#[derive(Debug, Default)]
pub struct Alloc<A = System>(A);

impl Alloc {
    /// Makes an allocator that checks calls of the system's.
    #[must_use]
    pub const fn new() -> Self {
        Self(System)
    }
}

impl<A> Alloc<A> {
    /// Makes an allocator that checks calls of another one.
    #[must_use]
    pub const fn with(allocator: A) -> Self {
        Self(allocator)
    }
}

// SAFETY: every call goes to the allocator inside, with the arguments unchanged.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Alloc<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        allocates("alloc", layout.size());
        // SAFETY: the caller's promises are those that the allocator inside asks for.
        unsafe { self.0.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        allocates("alloc_zeroed", layout.size());
        // SAFETY: the caller's promises are those that the allocator inside asks for.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        allocates("realloc", size);
        frees(memory.addr(), layout.size());
        // SAFETY: the caller's promises are those that the allocator inside asks for.
        unsafe { self.0.realloc(memory, layout, size) }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        releases();
        frees(memory.addr(), layout.size());
        // SAFETY: the caller's promises are those that the allocator inside asks for.
        unsafe { self.0.dealloc(memory, layout) }
    }
}

#[inline]
fn allocates(_call: &'static str, _size: usize) {
    #[cfg(feature = "validate")]
    crate::check::sleep::allocates(_call, _size);
}

#[inline]
fn releases() {
    #[cfg(feature = "validate")]
    crate::check::sleep::releases("dealloc");
}

/// Checks that no held lock is in memory that goes.
#[inline]
fn frees(_address: usize, _size: usize) {
    #[cfg(feature = "validate")]
    crate::check::freed::check(_address.._address + _size);
}
