//! A value that is made at its first use.

use std::fmt;
use std::ops::Deref;
use std::sync as raw;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Place;
use crate::startup::Startup;

/// [`std::sync::LazyLock`](raw::LazyLock), checked.
pub struct LazyLock<T, F = fn() -> T> {
    startup: Startup,
    is_done: AtomicBool,
    raw: raw::LazyLock<T, F>,
}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// Makes a value that `f` computes at its first use. Its class is the type `T` and the calling line.
    #[track_caller]
    #[inline]
    pub const fn new(f: F) -> Self {
        let raw = raw::LazyLock::new(f);
        Self { startup: Startup::new::<Self>(), is_done: AtomicBool::new(false), raw }
    }

    /// Returns the value, which is computed if it is not there. Waits if another thread computes it.
    #[track_caller]
    #[inline]
    pub fn force(this: &Self) -> &T {
        let is_done = this.is_done.load(Ordering::Relaxed);
        let force = || raw::LazyLock::force(&this.raw);
        let value = this.startup.check(is_done, Place::here(), force);
        this.is_done.store(true, Ordering::Relaxed);
        value
    }

    /// Returns the value, which is computed if it is not there.
    #[cfg(since_1_94)]
    #[expect(clippy::incompatible_msrv, reason = "only compiled by a compiler that has it")]
    pub fn force_mut(this: &mut Self) -> &mut T {
        raw::LazyLock::force_mut(&mut this.raw)
    }
}

#[cfg(since_1_94)]
#[expect(clippy::incompatible_msrv, reason = "only compiled by a compiler that has it")]
impl<T, F> LazyLock<T, F> {
    /// Returns the value if it was computed. Never waits.
    pub fn get(this: &Self) -> Option<&T> {
        raw::LazyLock::get(&this.raw)
    }

    /// Returns the value if it was computed.
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        raw::LazyLock::get_mut(&mut this.raw)
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[track_caller]
    #[inline]
    fn deref(&self) -> &T {
        Self::force(self)
    }
}

#[cfg(since_1_89)]
impl<T, F: FnOnce() -> T> std::ops::DerefMut for LazyLock<T, F> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.raw
    }
}

impl<T: Default> Default for LazyLock<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
