//! A function that runs once.

use std::fmt;
use std::sync::{self as raw, OnceState};

use crate::Place;
use crate::startup::Startup;

/// [`std::sync::Once`](raw::Once), checked.
pub struct Once {
    startup: Startup,
    raw: raw::Once,
}

/// A value of [`Once`] to start with.
#[expect(clippy::declare_interior_mutable_const, reason = "so it is in std")]
#[deprecated(note = "the `Once::new()` function is now preferred")]
pub const ONCE_INIT: Once = Once::new();

impl Once {
    /// Makes a `Once`. Its class is the calling line.
    #[track_caller]
    #[must_use]
    #[inline]
    #[expect(clippy::new_without_default, reason = "std's has none")]
    pub const fn new() -> Self {
        Self { startup: Startup::new::<Self>(), raw: raw::Once::new() }
    }

    /// Runs `f`, unless it was run before. Waits if another thread runs it.
    ///
    /// # Panics
    ///
    /// Panics if an earlier run panicked.
    #[track_caller]
    #[inline]
    pub fn call_once<F: FnOnce()>(&self, f: F) {
        let place = Place::here();
        self.startup.check(self.raw.is_completed(), place, || self.raw.call_once(f));
    }

    /// Runs `f`, unless it was run before without a panic. Waits if another thread runs it.
    #[track_caller]
    #[inline]
    pub fn call_once_force<F: FnOnce(&OnceState)>(&self, f: F) {
        let place = Place::here();
        self.startup.check(self.raw.is_completed(), place, || self.raw.call_once_force(f));
    }

    /// Returns whether a run has ended without a panic.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.raw.is_completed()
    }

    /// Waits until a run has ended.
    ///
    /// # Panics
    ///
    /// Panics if a run panicked.
    #[track_caller]
    pub fn wait(&self) {
        let place = Place::here();
        self.startup.check(self.raw.is_completed(), place, || self.raw.wait());
    }

    /// Waits until a run has ended without a panic.
    #[track_caller]
    pub fn wait_force(&self) {
        let place = Place::here();
        self.startup.check(self.raw.is_completed(), place, || self.raw.wait_force());
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
