//! A function that runs once.

use std::fmt;

use parking_lot::OnceState;

use crate::Place;
use crate::startup::Startup;

/// [`parking_lot::Once`], checked.
pub struct Once {
    startup: Startup,
    raw: parking_lot::Once,
}

impl Once {
    /// Makes a `Once`. Its class is the calling line.
    #[track_caller]
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self { startup: Startup::new::<Self>(), raw: parking_lot::Once::new() }
    }

    /// Returns the state.
    #[inline]
    pub fn state(&self) -> OnceState {
        self.raw.state()
    }

    /// Runs `f`, unless it was run before. Waits if another thread runs it.
    ///
    /// # Panics
    ///
    /// Panics if an earlier run panicked.
    #[track_caller]
    #[inline]
    pub fn call_once<F: FnOnce()>(&self, f: F) {
        self.startup.check(self.state().done(), Place::here(), || self.raw.call_once(f));
    }

    /// Runs `f`, unless it was run before without a panic. Waits if another thread runs it.
    #[track_caller]
    #[inline]
    pub fn call_once_force<F: FnOnce(OnceState)>(&self, f: F) {
        self.startup.check(self.state().done(), Place::here(), || self.raw.call_once_force(f));
    }
}

impl Default for Once {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
