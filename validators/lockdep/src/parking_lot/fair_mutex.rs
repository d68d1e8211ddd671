//! The fair mutex.

#![expect(unsafe_code, reason = "unsafe functions of the lock inside")]

use std::time::{Duration, Instant};

use parking_lot::lock_api;

use super::RawFairMutex;
use super::wrapper::{forward, forward_unsafe, wrapper};

pub(super) type Inner<T> = lock_api::Mutex<RawFairMutex, T>;

/// The guard of a [`FairMutex`].
pub type FairMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawFairMutex, T>;

/// The guard of a part of what a [`FairMutex`] guards.
pub type MappedFairMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawFairMutex, T>;

wrapper! {
    /// [`parking_lot::FairMutex`], checked.
    FairMutex of RawFairMutex, const_fair_mutex,
}

impl<T: ?Sized> FairMutex<T> {
    forward! {
        "Waits for the lock." fn lock() -> FairMutexGuard<'_, T>;
        "Takes the lock if it is free." fn try_lock() -> Option<FairMutexGuard<'_, T>>;
        "Waits for the lock, at most for a time."
            fn try_lock_for(timeout: Duration) -> Option<FairMutexGuard<'_, T>>;
        "Waits for the lock, at most until an instant."
            fn try_lock_until(timeout: Instant) -> Option<FairMutexGuard<'_, T>>;
        "Returns whether the lock is held." fn is_locked() -> bool;
        "Returns a pointer to the data." fn data_ptr() -> *mut T;
    }
    forward_unsafe! {
        "Releases the lock, whoever has its guard." fn force_unlock();
        "Releases the lock fairly, whoever has its guard." fn force_unlock_fair();
        "Makes a guard of a held lock." fn make_guard_unchecked() -> FairMutexGuard<'_, T>;
        "Returns the raw lock." fn raw() -> &RawFairMutex;
    }
}
