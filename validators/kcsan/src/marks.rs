//! The way from the program to the runtime, if there is one in the program.

#![allow(unreachable_pub, reason = "public for both halves of the crate")]
#![expect(unsafe_code, reason = "a pointer that the runtime sets before `main`")]

use std::sync::atomic::{AtomicPtr, Ordering};

/// What the runtime can be told.
#[repr(C)]
pub struct Calls {
    /// An access: address, length, bits.
    pub check: extern "C" fn(usize, usize, u32),
    /// Do not look at this thread.
    pub disable: extern "C" fn(),
    /// Look again.
    pub enable: extern "C" fn(),
    /// The next check is about these bits.
    pub set_mask: extern "C" fn(u64),
}

/// Null in a program without the runtime.
#[repr(C)]
#[derive(Debug)]
pub struct Marks(pub(crate) AtomicPtr<Calls>);

impl Marks {
    /// A program without the runtime.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// The runtime.
    #[inline]
    #[must_use]
    pub fn calls(&self) -> Option<&'static Calls> {
        // SAFETY: null, or the runtime's own.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }
}

impl Default for Marks {
    fn default() -> Self {
        Self::new()
    }
}

/// The runtime looks for this name in the program.
#[cfg(not(feature = "runtime"))]
#[unsafe(export_name = "__kcsan_marks")]
pub(crate) static MARKS: Marks = Marks::new();
#[cfg(feature = "runtime")]
pub(crate) static MARKS: Marks = Marks::new();
