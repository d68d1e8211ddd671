//! A spin lock. A thread must not sleep while it holds one.

#![expect(unsafe_code, reason = "the data behind a lock of our own")]

use std::cell::UnsafeCell;
use std::fmt;
use std::hint;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::lock::Kept;
use crate::{How, IrqFlags, Map, Place, Wait};

/// A mutual exclusion lock that spins when it has to wait.
pub struct SpinLock<T: ?Sized> {
    map: Map,
    is_held: AtomicBool,
    data: UnsafeCell<T>,
}

// SAFETY: the data goes from thread to thread only with the lock, so it has to be Send and no more.
unsafe impl<T: ?Sized + Send> Sync for SpinLock<T> {}

/// A guard that gives access to the data of a [`SpinLock`]. `I` decides what happens to interrupts when it is
/// dropped.
///
/// The bounds are those of [`std::sync::MutexGuard`]. Threads may share a guard if they may share the
/// data:
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// let lock = lockdep::SpinLock::new(AtomicU32::new(0));
/// let guard = lock.lock();
/// std::thread::scope(|scope| {
///     scope.spawn(|| guard.fetch_add(1, Ordering::Relaxed));
///     scope.spawn(|| guard.fetch_add(1, Ordering::Relaxed));
/// });
/// assert_eq!(guard.load(Ordering::Relaxed), 2);
/// ```
///
/// They may not if only one thread at a time may use the data. Two threads that count in a `Cell` would lose counts:
///
/// ```compile_fail,E0277
/// use std::cell::Cell;
///
/// let lock = lockdep::SpinLock::new(Cell::new(0));
/// let guard = lock.lock();
/// std::thread::scope(|scope| {
///     scope.spawn(|| guard.set(guard.get() + 1));
///     scope.spawn(|| guard.set(guard.get() + 1));
/// });
/// ```
///
/// A guard stays in the thread that took the lock, which the validators know as its holder:
///
/// ```compile_fail,E0277
/// let lock = lockdep::SpinLock::new(0);
/// let guard = lock.lock();
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(guard));
/// });
/// ```
#[must_use = "the lock is given back when the guard is dropped"]
pub struct SpinGuard<'a, T: ?Sized, I: AtEnd = Unchanged> {
    lock: &'a SpinLock<T>,
    place: Kept,
    irq: I,
    /// The lock is held by a thread, so the guard must not move to another.
    thread: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives out `&T` and nothing of `I`, which only `&mut self` reaches.
unsafe impl<T: ?Sized + Sync, I: AtEnd> Sync for SpinGuard<'_, T, I> {}

/// What happens to interrupts when a guard is dropped.
pub trait AtEnd: sealed::Sealed {
    #[doc(hidden)]
    fn end(&mut self, place: Place);
}

/// Interrupts stay as they are.
#[derive(Debug)]
pub struct Unchanged(());

/// Interrupts are turned on, whatever the state was.
#[derive(Debug)]
pub struct Enabled(());

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Unchanged {}
    impl Sealed for super::Enabled {}
    impl Sealed for crate::IrqFlags {}
}

impl AtEnd for Unchanged {
    #[inline(always)]
    fn end(&mut self, _: Place) {}
}

impl AtEnd for Enabled {
    #[inline]
    fn end(&mut self, place: Place) {
        crate::enable_at(place);
    }
}

impl AtEnd for IrqFlags {
    #[inline]
    fn end(&mut self, place: Place) {
        self.restore_in_place(place);
    }
}

impl<T> SpinLock<T> {
    /// Makes a spin lock. Its class is the type `T` and the calling line.
    #[track_caller]
    #[inline]
    pub const fn new(value: T) -> Self {
        let map = Map::new::<Self>(Wait::Config);
        Self { map, is_held: AtomicBool::new(false), data: UnsafeCell::new(value) }
    }

    /// Makes a spin lock with a name for reports and for other processes.
    #[track_caller]
    #[inline]
    pub const fn named(name: &'static str, value: T) -> Self {
        let map = Map::named::<Self>(Wait::Config, name);
        Self { map, is_held: AtomicBool::new(false), data: UnsafeCell::new(value) }
    }
}

impl<T: ?Sized> SpinLock<T> {
    /// Waits for the lock.
    #[track_caller]
    #[inline]
    pub fn lock(&self) -> SpinGuard<'_, T> {
        self.lock_how(How::EXCLUSIVE, Place::here(), Unchanged(()))
    }

    /// Waits for the lock, which is one of several of its class that are taken in a fixed order.
    #[track_caller]
    #[inline]
    pub fn lock_nested(&self, subclass: usize) -> SpinGuard<'_, T> {
        self.lock_how(How::EXCLUSIVE.nested(subclass), Place::here(), Unchanged(()))
    }

    /// Turns interrupts off and waits for the lock. The guard restores them.
    #[track_caller]
    #[inline]
    pub fn lock_irqsave(&self) -> SpinGuard<'_, T, IrqFlags> {
        let place = Place::here();
        let flags = IrqFlags::save(place);
        self.lock_how(How::EXCLUSIVE, place, flags)
    }

    /// Turns interrupts off and waits for the lock. The guard turns them on, whatever the state was.
    #[track_caller]
    #[inline]
    pub fn lock_irq(&self) -> SpinGuard<'_, T, Enabled> {
        let place = Place::here();
        crate::disable_at(place);
        self.lock_how(How::EXCLUSIVE, place, Enabled(()))
    }

    #[inline]
    fn lock_how<I: AtEnd>(&self, how: How, place: Place, irq: I) -> SpinGuard<'_, T, I> {
        crate::spin_enter();
        self.map.acquire(how, place);
        self.raw_lock();
        SpinGuard { lock: self, place: Kept::new(place), irq, thread: PhantomData }
    }

    /// Takes the lock if it is free.
    #[track_caller]
    #[inline]
    pub fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        let place = Place::here();
        if self.is_held.swap(true, Ordering::Acquire) {
            return None;
        }
        crate::spin_enter();
        self.map.acquire(How::EXCLUSIVE.attempt(), place);
        Some(SpinGuard {
            lock: self,
            place: Kept::new(place),
            irq: Unchanged(()),
            thread: PhantomData,
        })
    }

    #[inline]
    fn raw_lock(&self) {
        while self.is_held.swap(true, Ordering::Acquire) {
            while self.is_held.load(Ordering::Relaxed) {
                hint::spin_loop();
            }
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

impl<T: ?Sized, I: AtEnd> SpinGuard<'_, T, I> {
    /// Releases the lock while `f` runs, and takes it again, even if `f` panics. Interrupts stay as they are: off, if
    /// the lock was taken with them off.
    #[track_caller]
    pub fn unlocked<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let place = Place::here();
        self.lock.map.release(self.place.place());
        self.lock.is_held.store(false, Ordering::Release);
        crate::spin_leave();
        self.place = Kept::new(place);
        let _again = Relock { lock: self.lock, place: Kept::new(place) };
        f()
    }

    /// Forbids the release of the lock until [`unpin`](Self::unpin), for callees that must not release it.
    #[track_caller]
    #[inline]
    pub fn pin(&self) {
        #[cfg(feature = "validate")]
        self.lock.map.pin(Place::here());
    }

    /// Allows the release of the lock again.
    #[track_caller]
    #[inline]
    pub fn unpin(&self) {
        #[cfg(feature = "validate")]
        self.lock.map.unpin(Place::here());
    }
}

/// Takes a lock again when it is dropped.
struct Relock<'a, T: ?Sized> {
    lock: &'a SpinLock<T>,
    place: Kept,
}

impl<T: ?Sized> Drop for Relock<'_, T> {
    #[inline]
    fn drop(&mut self) {
        crate::spin_enter();
        self.lock.map.acquire(How::EXCLUSIVE, self.place.place());
        self.lock.raw_lock();
    }
}

impl<T: ?Sized, I: AtEnd> Drop for SpinGuard<'_, T, I> {
    #[inline]
    fn drop(&mut self) {
        self.lock.map.release(self.place.place());
        self.lock.is_held.store(false, Ordering::Release);
        self.irq.end(self.place.place());
        crate::spin_leave();
    }
}

impl<T: ?Sized, I: AtEnd> Deref for SpinGuard<'_, T, I> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock, so nobody else has a reference to the data.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized, I: AtEnd> DerefMut for SpinGuard<'_, T, I> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock, so nobody else has a reference to the data.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for SpinLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpinLock").finish_non_exhaustive()
    }
}

impl<T: ?Sized + fmt::Debug, I: AtEnd> fmt::Debug for SpinGuard<'_, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
