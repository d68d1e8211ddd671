//! The barrier.

use std::fmt;
use std::sync::{self as raw, BarrierWaitResult};

use crate::Place;

/// [`std::sync::Barrier`](raw::Barrier), checked: a thread that must not sleep must not wait here.
pub struct Barrier(raw::Barrier);

impl Barrier {
    /// Makes a barrier for `n` threads.
    #[must_use]
    #[inline]
    pub const fn new(n: usize) -> Self {
        Self(raw::Barrier::new(n))
    }

    /// Waits until all threads are here.
    #[track_caller]
    pub fn wait(&self) -> BarrierWaitResult {
        crate::might_sleep_at(Place::here());
        self.0.wait()
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
