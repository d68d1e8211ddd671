//! How the program finds the runtime, if it has one.

#![allow(unreachable_pub, reason = "public for both halves of the crate")]
#![expect(unsafe_code, reason = "a pointer that the runtime sets before `main`")]

use std::sync::atomic::{AtomicPtr, Ordering};

/// The functions of the runtime that marks call.
#[repr(C)]
pub struct Calls {
    /// Checks an access: address, length, bits.
    pub check: extern "C" fn(usize, usize, u32),
    /// Stops checking this thread.
    pub disable: extern "C" fn(),
    /// Checks this thread again.
    pub enable: extern "C" fn(),
    /// Limits the next check to these bits.
    pub set_mask: extern "C" fn(u64),
    /// Begins an assertion about a scope: its memory, address, length, bits.
    pub begin_scope: unsafe extern "C" fn(*mut Scoped, usize, usize, u32),
    /// Ends an assertion about a scope.
    pub end_scope: unsafe extern "C" fn(*mut Scoped),
}

/// Memory in which the runtime notes an assertion about a scope.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Scoped([usize; 4]);

/// An assertion about a scope, with memory that stays where it is.
#[derive(Debug)]
pub(crate) struct Scope(*mut Scoped, &'static Calls);

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

impl Scope {
    /// Begins an assertion, if the program has the runtime.
    pub(crate) fn begin(address: usize, size: usize, kind: u32) -> Option<Self> {
        let calls = MARKS.calls()?;
        let memory = Box::into_raw(Box::<Scoped>::default());
        // SAFETY: the memory stays until `drop`.
        unsafe { (calls.begin_scope)(memory, address, size, kind) };
        Some(Self(memory, calls))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // SAFETY: begun with this memory, by the same thread.
        unsafe { (self.1.end_scope)(self.0) };
        // SAFETY: from a box; nobody has it any more.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// A pointer to the functions of the runtime. It is null in a program without the runtime.
#[repr(C)]
#[derive(Debug)]
pub struct Marks(pub(crate) AtomicPtr<Calls>);

impl Marks {
    /// Makes the pointer of a program without the runtime.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// Returns the functions of the runtime, if there is one.
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

/// The program's pointer. The runtime looks for it by this name.
#[cfg(not(feature = "runtime"))]
#[unsafe(export_name = "__kcsan_marks")]
pub(crate) static MARKS: Marks = Marks::new();
#[cfg(feature = "runtime")]
pub(crate) static MARKS: Marks = Marks::new();
