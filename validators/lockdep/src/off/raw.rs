//! Checks locks that are not Rust types: classes by name, instances by address. Without the feature `validate` it
//! does nothing.

use std::ops::Range;

use crate::words::{How, Place, Wait};

/// A class of locks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Class {
    _nothing: (),
}

impl Class {
    /// Makes an empty class.
    #[inline(always)]
    #[must_use]
    pub fn new(_name: &str, _wait: Wait) -> Option<Self> {
        Some(Self { _nothing: () })
    }

    /// Does nothing without the feature `validate`.
    #[inline(always)]
    pub fn acquire(self, _instance: usize, _how: How, _place: Place) {}

    /// Does nothing without the feature `validate`.
    #[inline(always)]
    pub fn release(self, _instance: usize, _place: Place) {}
}

/// Returns `false`: without the feature `validate` holders are not recorded.
#[inline(always)]
#[must_use]
pub fn is_held(_instance: usize) -> bool {
    false
}

/// Returns `false`: without the feature `validate` holders are not recorded.
#[inline(always)]
#[must_use]
pub fn is_held_alone(_instance: usize) -> bool {
    false
}

/// Calls `f`, which checks nothing without the feature `validate`.
#[inline(always)]
pub fn refusing(f: impl FnOnce()) {
    f();
}

/// Returns `false`: without the feature `validate` every thread may sleep.
#[inline(always)]
#[must_use]
pub fn is_atomic() -> bool {
    false
}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn may_wait(_call: &'static str, _place: Place) {}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn allocates(_call: &'static str, _size: usize) {}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn releases(_call: &'static str) {}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn frees(_memory: Range<usize>) {}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn start() {}

/// A wait for a lock that is not free.
#[must_use]
pub struct Waiting {
    _nothing: (),
}

/// Returns `false`: without the feature `validate` nothing is measured.
#[inline(always)]
#[must_use]
pub fn is_measured() -> bool {
    false
}

/// Returns `None`: without the feature `validate` nothing is measured.
#[inline(always)]
pub fn wait_begins(_instance: usize) -> Option<Waiting> {
    None
}

impl Waiting {
    /// Does nothing without the feature `validate`.
    #[inline(always)]
    pub fn ends(self, _class: Option<Class>, _place: Place) {}
}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn spin_enter() {}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn spin_leave() {}

/// Calls `f`.
#[inline(always)]
pub fn unchecked<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// Returns `false`: without the feature `validate` no validator is ever at work.
#[inline(always)]
#[must_use]
pub fn is_busy() -> bool {
    false
}

/// Returns an empty string: without the feature `validate` no debug information is read.
#[inline(always)]
#[must_use]
pub fn describe(_place: Place) -> String {
    String::new()
}

/// Returns `None`: without the feature `validate` no symbols are read.
#[inline(always)]
#[must_use]
pub fn variable(_address: usize) -> Option<String> {
    None
}
