//! A value that is made once.

use std::fmt;
use std::sync as raw;

use crate::Place;
use crate::startup::Startup;

/// [`std::sync::OnceLock`](raw::OnceLock), checked.
pub struct OnceLock<T> {
    startup: Startup,
    raw: raw::OnceLock<T>,
}

impl<T> OnceLock<T> {
    /// Makes an empty cell. Its class is the type `T` and the calling line.
    #[track_caller]
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self { startup: Startup::new::<Self>(), raw: raw::OnceLock::new() }
    }

    /// Returns the value if there is one. Never waits.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.raw.get()
    }

    /// Returns the value if there is one.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.raw.get_mut()
    }

    /// Waits until there is a value.
    #[track_caller]
    #[inline]
    pub fn wait(&self) -> &T {
        self.startup.check(self.raw.get().is_some(), Place::here(), || self.raw.wait())
    }

    /// Puts a value in. Waits if another thread makes one.
    ///
    /// # Errors
    ///
    /// Returns the value if there is one already.
    #[track_caller]
    #[inline]
    pub fn set(&self, value: T) -> Result<(), T> {
        self.startup.check(self.raw.get().is_some(), Place::here(), || self.raw.set(value))
    }

    /// Returns the value, which `f` makes if there is none. Waits if another thread makes it.
    #[track_caller]
    #[inline]
    pub fn get_or_init<F: FnOnce() -> T>(&self, f: F) -> &T {
        self.startup.check(self.raw.get().is_some(), Place::here(), || self.raw.get_or_init(f))
    }

    /// Returns the value if there is one.
    #[inline]
    pub fn into_inner(self) -> Option<T> {
        self.raw.into_inner()
    }

    /// Takes the value out.
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        self.raw.take()
    }
}

impl<T> Default for OnceLock<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> Self {
        Self { startup: self.startup.sibling(), raw: self.raw.clone() }
    }
}

impl<T> From<T> for OnceLock<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        Self { startup: Startup::new::<Self>(), raw: raw::OnceLock::from(value) }
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl<T: Eq> Eq for OnceLock<T> {}
