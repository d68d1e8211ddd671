//! The mutex.

#![expect(clippy::disallowed_types, reason = "this is the wrapper; std's mutex is the raw lock")]

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{self as raw, LockResult, TryLockResult};

use super::{map_attempt, map_guard};
use crate::lock::Hold;
use crate::{How, Map, Place, Wait};

/// [`std::sync::Mutex`](raw::Mutex), checked.
///
/// A guard stays in the thread that took the lock:
///
/// ```compile_fail,E0277
/// let lock = lockdep::std::sync::Mutex::new(0);
/// let guard = lock.lock();
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(guard));
/// });
/// ```
///
/// Threads may share it only if they may share the data:
///
/// ```compile_fail,E0277
/// let lock = lockdep::std::sync::Mutex::new(std::cell::Cell::new(0));
/// let guard = lock.lock().unwrap();
/// std::thread::scope(|scope| {
///     scope.spawn(|| guard.set(1));
/// });
/// ```
pub struct Mutex<T: ?Sized> {
    map: Map,
    raw: raw::Mutex<T>,
}

/// [`std::sync::MutexGuard`](raw::MutexGuard), checked.
#[must_use = "if unused the Mutex will immediately unlock"]
#[clippy::has_significant_drop]
pub struct MutexGuard<'a, T: ?Sized> {
    // This is dropped before the lock is released.
    pub(super) hold: Hold<'a>,
    pub(super) raw: raw::MutexGuard<'a, T>,
}

impl<T> Mutex<T> {
    /// Makes a mutex. Its class is the type `T` and the calling line.
    #[track_caller]
    #[inline]
    pub const fn new(t: T) -> Self {
        Self { map: Map::standing_in::<Self>(Wait::Sleep), raw: raw::Mutex::new(t) }
    }

    /// Returns the data.
    ///
    /// # Errors
    ///
    /// Returns the data in an error if the mutex is poisoned.
    pub fn into_inner(self) -> LockResult<T> {
        self.raw.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock.
    ///
    /// # Errors
    ///
    /// Returns the guard in an error if the mutex is poisoned.
    #[track_caller]
    #[inline]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.map.acquire(How::EXCLUSIVE, place);
        let hold = Hold::new(&self.map, place);
        map_guard(self.raw.lock(), |raw| MutexGuard { hold, raw })
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    ///
    /// Returns an error if the lock is taken, and the guard in an error if the mutex is poisoned.
    #[track_caller]
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        let place = Place::here();
        map_attempt(self.raw.try_lock(), |raw| {
            self.map.acquire(How::EXCLUSIVE.attempt(), place);
            MutexGuard { hold: Hold::new(&self.map, place), raw }
        })
    }

    /// Returns whether the mutex is poisoned.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.raw.is_poisoned()
    }

    /// Clears the poison.
    #[inline]
    pub fn clear_poison(&self) {
        self.raw.clear_poison();
    }

    /// Returns the data without locking: the exclusive reference shows that no other thread has it.
    ///
    /// # Errors
    ///
    /// Returns the data in an error if the mutex is poisoned.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.raw.get_mut()
    }
}

impl<T> From<T> for Mutex<T> {
    #[track_caller]
    fn from(t: T) -> Self {
        Self::new(t)
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.raw
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.raw
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
