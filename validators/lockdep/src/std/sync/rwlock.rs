//! The lock for many readers or one writer.

#![expect(clippy::disallowed_types, reason = "this is the wrapper; std's lock is the raw lock")]

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{self as raw, LockResult, TryLockResult};

use super::{map_attempt, map_guard};
use crate::lock::Hold;
use crate::{How, Map, Place, Wait};

/// [`std::sync::RwLock`](raw::RwLock), checked.
///
/// A thread must not read twice at a time: a writer that waits in between may keep the second read out.
pub struct RwLock<T: ?Sized> {
    map: Map,
    raw: raw::RwLock<T>,
}

/// [`std::sync::RwLockReadGuard`](raw::RwLockReadGuard), checked.
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockReadGuard<'rwlock, T: ?Sized> {
    // This is dropped before the lock is released.
    _hold: Hold<'rwlock>,
    raw: raw::RwLockReadGuard<'rwlock, T>,
}

/// [`std::sync::RwLockWriteGuard`](raw::RwLockWriteGuard), checked.
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockWriteGuard<'rwlock, T: ?Sized> {
    // This is dropped before the lock is released.
    _hold: Hold<'rwlock>,
    raw: raw::RwLockWriteGuard<'rwlock, T>,
}

impl<T> RwLock<T> {
    /// Makes a lock. Its class is the type `T` and the calling line.
    #[track_caller]
    #[inline]
    pub const fn new(t: T) -> Self {
        Self { map: Map::standing_in::<Self>(Wait::Sleep), raw: raw::RwLock::new(t) }
    }

    /// Returns the data.
    ///
    /// # Errors
    ///
    /// Returns the data in an error if the lock is poisoned.
    pub fn into_inner(self) -> LockResult<T> {
        self.raw.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until there is no writer.
    ///
    /// # Errors
    ///
    /// Returns the guard in an error if the lock is poisoned.
    #[track_caller]
    #[inline]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        let _hold = self.wait(How::SHARED, Place::here());
        map_guard(self.raw.read(), |raw| RwLockReadGuard { _hold, raw })
    }

    /// Takes the lock for reading if there is no writer.
    ///
    /// # Errors
    ///
    /// Returns an error if there is a writer, and the guard in an error if the lock is poisoned.
    #[track_caller]
    #[inline]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        let place = Place::here();
        map_attempt(self.raw.try_read(), |raw| RwLockReadGuard {
            _hold: self.hold(How::SHARED.attempt(), place),
            raw,
        })
    }

    /// Waits until no other thread has the lock, and takes it alone.
    ///
    /// # Errors
    ///
    /// Returns the guard in an error if the lock is poisoned.
    #[track_caller]
    #[inline]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let _hold = self.wait(How::EXCLUSIVE, Place::here());
        map_guard(self.raw.write(), |raw| RwLockWriteGuard { _hold, raw })
    }

    /// Takes the lock alone if it is free.
    ///
    /// # Errors
    ///
    /// Returns an error if the lock is taken, and the guard in an error if it is poisoned.
    #[track_caller]
    #[inline]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let place = Place::here();
        map_attempt(self.raw.try_write(), |raw| RwLockWriteGuard {
            _hold: self.hold(How::EXCLUSIVE.attempt(), place),
            raw,
        })
    }

    /// Checks that the thread may wait for the lock.
    #[inline]
    fn wait(&self, how: How, place: Place) -> Hold<'_> {
        crate::might_sleep_at(place);
        self.hold(how, place)
    }

    #[inline]
    fn hold(&self, how: How, place: Place) -> Hold<'_> {
        self.map.acquire(how, place);
        Hold::new(&self.map, place)
    }

    /// Returns whether the lock is poisoned.
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
    /// Returns the data in an error if the lock is poisoned.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.raw.get_mut()
    }
}

#[cfg(since_1_92)]
impl<'rwlock, T: ?Sized> RwLockWriteGuard<'rwlock, T> {
    /// Lets other readers in, without letting another writer in before.
    #[expect(clippy::incompatible_msrv, reason = "only compiled by a compiler that has it")]
    #[track_caller]
    pub fn downgrade(s: Self) -> RwLockReadGuard<'rwlock, T> {
        let Self { mut _hold, raw } = s;
        // Nobody has to be waited for.
        _hold.take_again(How::SHARED.attempt(), Place::here());
        RwLockReadGuard { _hold, raw: raw::RwLockWriteGuard::downgrade(raw) }
    }
}

impl<T> From<T> for RwLock<T> {
    #[track_caller]
    fn from(t: T) -> Self {
        Self::new(t)
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.raw
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.raw
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.raw
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
