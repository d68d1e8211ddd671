//! The mutex.

#![expect(unsafe_code, reason = "unsafe functions of the lock inside")]

use std::time::{Duration, Instant};

use parking_lot::lock_api;

use super::RawMutex;
use super::wrapper::{forward, forward_unsafe, wrapper};

pub(super) type Inner<T> = lock_api::Mutex<RawMutex, T>;

/// The guard of a [`Mutex`].
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// The guard of a part of what a [`Mutex`] guards.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

wrapper! {
    /// [`parking_lot::Mutex`], checked.
    ///
    /// ```
    /// let lock = lockdep::parking_lot::Mutex::new(0);
    /// *lock.lock() += 1;
    /// assert_eq!(*lock.lock(), 1);
    /// ```
    ///
    /// A guard stays in the thread that took the lock, without `parking_lot`'s feature `send_guard`:
    ///
    /// ```compile_fail,E0277
    /// let lock = lockdep::parking_lot::Mutex::new(0);
    /// let guard = lock.lock();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(move || drop(guard));
    /// });
    /// ```
    ///
    /// Threads may share it only if they may share the data:
    ///
    /// ```compile_fail,E0277
    /// let lock = lockdep::parking_lot::Mutex::new(std::cell::Cell::new(0));
    /// let guard = lock.lock();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| guard.set(1));
    /// });
    /// ```
    Mutex of RawMutex, const_mutex,
}

impl<T: ?Sized> Mutex<T> {
    forward! {
        "Waits for the lock." fn lock() -> MutexGuard<'_, T>;
        "Takes the lock if it is free." fn try_lock() -> Option<MutexGuard<'_, T>>;
        "Waits for the lock, at most for a time."
            fn try_lock_for(timeout: Duration) -> Option<MutexGuard<'_, T>>;
        "Waits for the lock, at most until an instant."
            fn try_lock_until(timeout: Instant) -> Option<MutexGuard<'_, T>>;
        "Returns whether the lock is held." fn is_locked() -> bool;
        "Returns a pointer to the data." fn data_ptr() -> *mut T;
    }
    forward_unsafe! {
        "Releases the lock, whoever has its guard." fn force_unlock();
        "Releases the lock fairly, whoever has its guard." fn force_unlock_fair();
        "Makes a guard of a held lock." fn make_guard_unchecked() -> MutexGuard<'_, T>;
        "Returns the raw lock." fn raw() -> &RawMutex;
    }
}
