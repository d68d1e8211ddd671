//! Marks for programs that the concurrency sanitizer checks, under the kernel's names.
//!
//! The sanitizer is in the programs of this crate, `cargo kcsan` and `kcsan-cc`. They compile a program so that it
//! reports its data races. The program needs nothing of this library for that, but with it the program can say more:
//!
//! * [`data_race!`]: this race is intended, so it is not reported.
//! * [`assert_exclusive_writer!`], [`assert_exclusive_access!`], [`assert_exclusive_bits!`]: no other thread writes
//!   here now, or accesses it, or changes these bits. They also find what the language does not call a data race,
//!   such as a second writer of an atomic.
//! * [`assert_exclusive_writer_scoped!`], [`assert_exclusive_access_scoped!`]: the same until the end of the block.
//! * [`check_read`], [`check_write`]: a helper copies memory here in a way that the compiler does not see.
//!
//! In a program that is not instrumented, each is a load and a branch.
//!
//! ```
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! static OWNER: AtomicU32 = AtomicU32::new(0);
//!
//! fn owner_only() {
//!     kcsan::assert_exclusive_writer!(OWNER);
//!     let next = OWNER.load(Ordering::Relaxed) + 1;
//!     OWNER.store(next, Ordering::Relaxed);
//! }
//! # owner_only();
//! ```

#[cfg(any(feature = "program", feature = "runtime"))]
#[doc(hidden)]
pub mod layout;
mod marks;
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod program;
#[cfg(any(feature = "program", feature = "runtime"))]
mod reason;
#[cfg(feature = "runtime")]
mod runtime;

use std::marker::PhantomData;

const READ: u32 = 0;
const WRITE: u32 = 1;
const ASSERT: u32 = 8;

fn check(address: usize, size: usize, kind: u32) {
    if let Some(calls) = marks::MARKS.calls() {
        (calls.check)(address, size, kind);
    }
}

/// Checks a read of `bytes` bytes that the program is about to make.
#[inline]
pub fn check_read<T: ?Sized>(place: *const T, bytes: usize) {
    check(place.cast::<u8>().expose_provenance(), bytes, READ);
}

/// Checks a write of `bytes` bytes that the program is about to make.
#[inline]
pub fn check_write<T: ?Sized>(place: *const T, bytes: usize) {
    check(place.cast::<u8>().expose_provenance(), bytes, WRITE);
}

#[doc(hidden)]
#[inline]
pub fn assert_exclusive<T>(place: *const T, nobody_reads: bool) {
    let kind = if nobody_reads { ASSERT | WRITE } else { ASSERT };
    check(place.expose_provenance(), size_of::<T>(), kind);
}

#[doc(hidden)]
#[inline]
pub fn assert_exclusive_bits<T>(place: *const T, mask: u64) {
    if let Some(calls) = marks::MARKS.calls() {
        (calls.set_mask)(mask);
        (calls.check)(place.expose_provenance(), size_of::<T>(), ASSERT);
        (calls.set_mask)(0);
    }
}

/// A guard during whose life an assertion about a place holds. [`assert_exclusive_writer_scoped!`] and
/// [`assert_exclusive_access_scoped!`] make one. It stays in its thread and borrows the place.
#[derive(Debug)]
#[must_use = "the assertion ends when it is dropped"]
pub struct Exclusive<'a> {
    _scope: Option<marks::Scope>,
    _place: PhantomData<(&'a (), *const ())>,
}

impl<'a> Exclusive<'a> {
    #[doc(hidden)]
    #[inline]
    pub fn new<T>(place: &'a T, nobody_reads: bool) -> Self {
        let kind = if nobody_reads { ASSERT | WRITE } else { ASSERT };
        let address = std::ptr::from_ref(place).expose_provenance();
        let scope = marks::Scope::begin(address, size_of::<T>(), kind);
        Self { _scope: scope, _place: PhantomData }
    }
}

/// A guard during whose life the accesses of its thread are not checked. [`data_race!`] makes one.
///
/// It stays in its thread, which is checked again when the guard is dropped:
///
/// ```
/// let unchecked = kcsan::Unchecked::new();
/// std::thread::scope(|scope| {
///     scope.spawn(|| ());
/// });
/// drop(unchecked);
/// ```
///
/// ```compile_fail,E0277
/// let unchecked = kcsan::Unchecked::new();
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(unchecked));
/// });
/// ```
#[derive(Debug)]
#[must_use = "accesses are checked again when it is dropped"]
pub struct Unchecked(PhantomData<*const ()>);

impl Unchecked {
    /// Makes a guard. From here on, accesses of this thread are not checked.
    #[inline]
    #[expect(clippy::new_without_default, reason = "it has an effect")]
    pub fn new() -> Self {
        if let Some(calls) = marks::MARKS.calls() {
            (calls.disable)();
        }
        Self(PhantomData)
    }
}

impl Drop for Unchecked {
    #[inline]
    fn drop(&mut self) {
        if let Some(calls) = marks::MARKS.calls() {
            (calls.enable)();
        }
    }
}

/// Evaluates an expression whose races are intended: its accesses are not checked.
///
/// Mark the other side too. To an unmarked side, an unchecked write is a change of unknown origin.
#[macro_export]
macro_rules! data_race {
    ($expression:expr) => {{
        let _unchecked = $crate::Unchecked::new();
        $expression
    }};
}

/// Asserts that no other thread writes to this place now.
#[macro_export]
macro_rules! assert_exclusive_writer {
    ($place:expr) => {
        $crate::assert_exclusive(&raw const $place, false)
    };
}

/// Asserts that no other thread reads or writes this place now.
#[macro_export]
macro_rules! assert_exclusive_access {
    ($place:expr) => {
        $crate::assert_exclusive(&raw const $place, true)
    };
}

/// Asserts that no other thread writes to this place until the end of the block. The place stays borrowed.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// static OWNER: AtomicU32 = AtomicU32::new(0);
///
/// {
///     kcsan::assert_exclusive_writer_scoped!(OWNER);
///     let next = OWNER.load(Ordering::Relaxed) + 1;
///     OWNER.store(next, Ordering::Relaxed);
/// }
/// ```
#[macro_export]
macro_rules! assert_exclusive_writer_scoped {
    ($place:expr) => {
        let _exclusive = $crate::Exclusive::new(&$place, false);
    };
}

/// Asserts that no other thread reads or writes this place until the end of the block. The place stays borrowed.
#[macro_export]
macro_rules! assert_exclusive_access_scoped {
    ($place:expr) => {
        let _exclusive = $crate::Exclusive::new(&$place, true);
    };
}

/// Asserts that no other thread changes these bits of this place now. The place has at most 8 bytes.
#[macro_export]
macro_rules! assert_exclusive_bits {
    ($place:expr, $mask:expr) => {
        $crate::assert_exclusive_bits(&raw const $place, $mask)
    };
}

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
