//! A mutex. A thread that waits for it sleeps.

#![expect(clippy::disallowed_types, reason = "this is the wrapper; std's mutex is the raw lock")]

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{PoisonError, TryLockError};

use crate::lock::Hold;
use crate::{How, Map, Place, Wait};

/// A mutual exclusion lock that sleeps when it has to wait. A panic while it is held does not poison it.
pub struct Mutex<T: ?Sized> {
    map: Map,
    raw: std::sync::Mutex<T>,
}

/// A guard that gives access to the data of a [`Mutex`].
#[must_use = "the lock is given back when the guard is dropped"]
pub struct MutexGuard<'a, T: ?Sized> {
    // This is dropped before the lock is released.
    _hold: Hold<'a>,
    raw: std::sync::MutexGuard<'a, T>,
}

impl<T> Mutex<T> {
    /// Makes a mutex. Its class is the type `T` and the calling line.
    #[track_caller]
    #[inline]
    pub const fn new(value: T) -> Self {
        Self { map: Map::new::<Self>(Wait::Sleep), raw: std::sync::Mutex::new(value) }
    }

    /// Makes a mutex with a name for reports and for other processes.
    #[track_caller]
    #[inline]
    pub const fn named(name: &'static str, value: T) -> Self {
        Self { map: Map::named::<Self>(Wait::Sleep, name), raw: std::sync::Mutex::new(value) }
    }

    /// Returns the value.
    #[inline]
    pub fn into_inner(self) -> T {
        self.raw.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock.
    #[track_caller]
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.lock_how(How::EXCLUSIVE, Place::here())
    }

    /// Waits for the lock, which is one of several of its class that are taken in a fixed order.
    #[track_caller]
    #[inline]
    pub fn lock_nested(&self, subclass: usize) -> MutexGuard<'_, T> {
        self.lock_how(How::EXCLUSIVE.nested(subclass), Place::here())
    }

    /// Waits for the lock, which is one of several of its class that `outer` protects from one another.
    #[track_caller]
    #[inline]
    pub fn lock_nest_lock<U: ?Sized>(&self, outer: &MutexGuard<'_, U>) -> MutexGuard<'_, T> {
        self.lock_how(outer.nest(How::EXCLUSIVE), Place::here())
    }

    #[inline]
    fn lock_how(&self, how: How, place: Place) -> MutexGuard<'_, T> {
        crate::might_sleep_at(place);
        self.map.acquire(how, place);
        let raw = self.take(place);
        MutexGuard { _hold: Hold::new(&self.map, place), raw }
    }

    #[cfg(not(feature = "validate"))]
    #[inline]
    fn take(&self, _: Place) -> std::sync::MutexGuard<'_, T> {
        self.raw.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "validate")]
    #[inline]
    fn take(&self, place: Place) -> std::sync::MutexGuard<'_, T> {
        match self.raw.try_lock() {
            Ok(raw) => raw,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                self.map.wait(place, || self.raw.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    /// Takes the lock if it is free.
    #[track_caller]
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let place = Place::here();
        let raw = match self.raw.try_lock() {
            Ok(raw) => raw,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        self.map.acquire(How::EXCLUSIVE.attempt(), place);
        Some(MutexGuard { _hold: Hold::new(&self.map, place), raw })
    }

    /// Returns the data without locking: the exclusive reference shows that no other thread has it.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.raw.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports if the calling thread does not hold the lock.
    #[track_caller]
    #[inline]
    pub fn assert_held(&self) {
        #[cfg(feature = "validate")]
        self.map.assert_held(Place::here());
    }
}

impl<T: ?Sized> MutexGuard<'_, T> {
    #[cfg(feature = "validate")]
    fn nest(&self, how: How) -> How {
        self._hold.map.nest_of(how)
    }

    #[cfg(not(feature = "validate"))]
    #[inline(always)]
    fn nest(&self, how: How) -> How {
        how
    }

    /// Forbids the release of the lock until [`unpin`](Self::unpin), for callees that must not release it.
    #[track_caller]
    #[inline]
    pub fn pin(&self) {
        #[cfg(feature = "validate")]
        self._hold.map.pin(Place::here());
    }

    /// Allows the release of the lock again.
    #[track_caller]
    #[inline]
    pub fn unpin(&self) {
        #[cfg(feature = "validate")]
        self._hold.map.unpin(Place::here());
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

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
