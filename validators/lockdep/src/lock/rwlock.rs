//! Locks for many readers or one writer: one that sleeps, one that spins.

#![expect(clippy::disallowed_types, reason = "this is the wrapper; std's lock is the raw lock")]
#![expect(unsafe_code, reason = "the data behind a lock of our own")]

use std::cell::UnsafeCell;
use std::fmt;
use std::hint;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::lock::{Hold, Kept};
use crate::{How, Map, Place, Wait};

/// A lock for many readers or one writer. A thread that has to wait sleeps.
///
/// A thread must not read twice at a time: a writer that waits in between keeps the second read out.
pub struct RwLock<T: ?Sized> {
    map: Map,
    raw: std::sync::RwLock<T>,
}

/// A guard that gives read access to the data of a [`RwLock`].
#[must_use = "the lock is given back when the guard is dropped"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    _hold: Hold<'a>,
    raw: std::sync::RwLockReadGuard<'a, T>,
}

/// A guard that gives write access to the data of a [`RwLock`].
#[must_use = "the lock is given back when the guard is dropped"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    _hold: Hold<'a>,
    raw: std::sync::RwLockWriteGuard<'a, T>,
}

impl<T> RwLock<T> {
    /// Makes a lock. Its class is the type `T` and the calling line.
    #[track_caller]
    #[inline]
    pub const fn new(value: T) -> Self {
        Self { map: Map::new::<Self>(Wait::Sleep), raw: std::sync::RwLock::new(value) }
    }

    /// Makes a lock with a name for reports and for other processes.
    #[track_caller]
    #[inline]
    pub const fn named(name: &'static str, value: T) -> Self {
        Self { map: Map::named::<Self>(Wait::Sleep, name), raw: std::sync::RwLock::new(value) }
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until there is no writer.
    #[track_caller]
    #[inline]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.read_how(How::SHARED, Place::here())
    }

    /// Waits until there is no writer. The lock is one of several of its class, taken in a fixed order.
    #[track_caller]
    #[inline]
    pub fn read_nested(&self, subclass: usize) -> RwLockReadGuard<'_, T> {
        self.read_how(How::SHARED.nested(subclass), Place::here())
    }

    #[inline]
    fn read_how(&self, how: How, place: Place) -> RwLockReadGuard<'_, T> {
        crate::might_sleep_at(place);
        self.map.acquire(how, place);
        let raw = self.raw.read().unwrap_or_else(PoisonError::into_inner);
        RwLockReadGuard { _hold: Hold::new(&self.map, place), raw }
    }

    /// Waits until no other thread has the lock, and takes it alone.
    #[track_caller]
    #[inline]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.write_how(How::EXCLUSIVE, Place::here())
    }

    /// Takes the lock alone. It is one of several of its class, taken in a fixed order.
    #[track_caller]
    #[inline]
    pub fn write_nested(&self, subclass: usize) -> RwLockWriteGuard<'_, T> {
        self.write_how(How::EXCLUSIVE.nested(subclass), Place::here())
    }

    #[inline]
    fn write_how(&self, how: How, place: Place) -> RwLockWriteGuard<'_, T> {
        crate::might_sleep_at(place);
        self.map.acquire(how, place);
        let raw = self.raw.write().unwrap_or_else(PoisonError::into_inner);
        RwLockWriteGuard { _hold: Hold::new(&self.map, place), raw }
    }

    /// Reports if the calling thread does not hold the lock.
    #[track_caller]
    #[inline]
    pub fn assert_held(&self) {
        #[cfg(feature = "validate")]
        self.map.assert_held(Place::here());
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

/// A lock for many readers or one writer. A thread that has to wait spins.
///
/// Readers go before waiting writers, so a thread may read twice at a time.
///
/// Threads may share the lock if the data may move between threads and be shared by them, as with
/// [`std::sync::RwLock`]:
///
/// ```
/// let lock = lockdep::RwSpinLock::new(7);
/// std::thread::scope(|scope| {
///     scope.spawn(|| *lock.write() += 1);
/// });
/// assert_eq!(*lock.read(), 8);
/// ```
///
/// ```compile_fail,E0277
/// let lock = lockdep::RwSpinLock::new(std::cell::Cell::new(7));
/// std::thread::scope(|scope| {
///     scope.spawn(|| lock.read().set(8));
/// });
/// ```
pub struct RwSpinLock<T: ?Sized> {
    map: Map,
    /// [`WRITER`], or the number of readers.
    state: AtomicU32,
    data: UnsafeCell<T>,
}

const WRITER: u32 = u32::MAX;

// SAFETY: readers share the data and a writer has it alone, as behind std's lock.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwSpinLock<T> {}

/// A guard that gives read access to the data of a [`RwSpinLock`].
///
/// Like a [`std::sync::RwLockReadGuard`], it stays in its thread:
///
/// ```compile_fail,E0277
/// let lock = lockdep::RwSpinLock::new(0);
/// let guard = lock.read();
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(guard));
/// });
/// ```
///
/// A reference to it may go to other threads:
///
/// ```
/// let lock = lockdep::RwSpinLock::new(7);
/// let guard = lock.read();
/// std::thread::scope(|scope| {
///     scope.spawn(|| assert_eq!(*guard, 7));
/// });
/// ```
#[must_use = "the lock is given back when the guard is dropped"]
pub struct RwSpinReadGuard<'a, T: ?Sized> {
    lock: &'a RwSpinLock<T>,
    place: Kept,
    /// The lock is held by a thread, so the guard must not move to another.
    thread: PhantomData<*const ()>,
}

/// A guard that gives write access to the data of a [`RwSpinLock`].
///
/// Like a [`std::sync::RwLockWriteGuard`], it stays in its thread:
///
/// ```compile_fail,E0277
/// let lock = lockdep::RwSpinLock::new(0);
/// let guard = lock.write();
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(guard));
/// });
/// ```
///
/// A reference to it may go to other threads, if the data may be shared:
///
/// ```
/// let lock = lockdep::RwSpinLock::new(7);
/// let guard = lock.write();
/// std::thread::scope(|scope| {
///     scope.spawn(|| assert_eq!(*guard, 7));
/// });
/// ```
#[must_use = "the lock is given back when the guard is dropped"]
pub struct RwSpinWriteGuard<'a, T: ?Sized> {
    lock: &'a RwSpinLock<T>,
    place: Kept,
    /// The lock is held by a thread, so the guard must not move to another.
    thread: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives out `&T` and nothing else.
unsafe impl<T: ?Sized + Sync> Sync for RwSpinReadGuard<'_, T> {}

// SAFETY: a shared guard gives out `&T` and nothing else.
unsafe impl<T: ?Sized + Sync> Sync for RwSpinWriteGuard<'_, T> {}

impl<T> RwSpinLock<T> {
    /// Makes a lock. Its class is the type `T` and the calling line.
    #[track_caller]
    #[inline]
    pub const fn new(value: T) -> Self {
        let map = Map::new::<Self>(Wait::Config);
        Self { map, state: AtomicU32::new(0), data: UnsafeCell::new(value) }
    }

    /// Makes a lock with a name for reports and for other processes.
    #[track_caller]
    #[inline]
    pub const fn named(name: &'static str, value: T) -> Self {
        let map = Map::named::<Self>(Wait::Config, name);
        Self { map, state: AtomicU32::new(0), data: UnsafeCell::new(value) }
    }
}

impl<T: ?Sized> RwSpinLock<T> {
    /// Waits until there is no writer.
    #[track_caller]
    #[inline]
    pub fn read(&self) -> RwSpinReadGuard<'_, T> {
        let place = Place::here();
        crate::spin_enter();
        self.map.acquire(How::SHARED_RECURSIVE, place);
        self.wait_for(|state| state.checked_add(1).filter(|next| *next != WRITER));
        RwSpinReadGuard { lock: self, place: Kept::new(place), thread: PhantomData }
    }

    /// Waits until no other thread has the lock, and takes it alone.
    #[track_caller]
    #[inline]
    pub fn write(&self) -> RwSpinWriteGuard<'_, T> {
        let place = Place::here();
        crate::spin_enter();
        self.map.acquire(How::EXCLUSIVE, place);
        self.wait_for(|state| (state == 0).then_some(WRITER));
        RwSpinWriteGuard { lock: self, place: Kept::new(place), thread: PhantomData }
    }

    #[inline]
    fn wait_for(&self, next: impl Fn(u32) -> Option<u32>) {
        while self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, &next).is_err() {
            hint::spin_loop();
        }
    }

    /// Reports if the calling thread does not hold the lock.
    #[track_caller]
    #[inline]
    pub fn assert_held(&self) {
        #[cfg(feature = "validate")]
        self.map.assert_held(Place::here());
    }
}

impl<T: ?Sized> Drop for RwSpinReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.map.release(self.place.place());
        self.lock.state.fetch_sub(1, Ordering::Release);
        crate::spin_leave();
    }
}

impl<T: ?Sized> Drop for RwSpinWriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.map.release(self.place.place());
        self.lock.state.store(0, Ordering::Release);
        crate::spin_leave();
    }
}

impl<T: ?Sized> Deref for RwSpinReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: there are readers only while this guard lives.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized> Deref for RwSpinWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: nobody else has a reference to the data while this guard lives.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized> DerefMut for RwSpinWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: nobody else has a reference to the data while this guard lives.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl<T: ?Sized> fmt::Debug for RwSpinLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwSpinLock").finish_non_exhaustive()
    }
}
