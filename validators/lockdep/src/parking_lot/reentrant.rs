//! The mutex that a thread may take several times. Only its first acquisition can wait, so only that one is checked.

#![expect(unsafe_code, reason = "unsafe functions of the lock inside")]

use std::time::{Duration, Instant};

use parking_lot::{RawThreadId, lock_api};

use super::RawMutex;
use super::wrapper::{forward, forward_unsafe, wrapper};

pub(super) type Inner<T> = lock_api::ReentrantMutex<RawMutex, RawThreadId, T>;

/// The guard of a [`ReentrantMutex`].
pub type ReentrantMutexGuard<'a, T> = lock_api::ReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;

/// The guard of a part of what a [`ReentrantMutex`] guards.
pub type MappedReentrantMutexGuard<'a, T> =
    lock_api::MappedReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;

wrapper! {
    /// [`parking_lot::ReentrantMutex`], checked.
    ReentrantMutex of RawMutex, const_reentrant_mutex, get_thread_id: RawThreadId
}

impl<T: ?Sized> ReentrantMutex<T> {
    forward! {
        "Waits for the lock." fn lock() -> ReentrantMutexGuard<'_, T>;
        "Takes the lock if no other thread has it."
            fn try_lock() -> Option<ReentrantMutexGuard<'_, T>>;
        "Waits for the lock, at most for a time."
            fn try_lock_for(timeout: Duration) -> Option<ReentrantMutexGuard<'_, T>>;
        "Waits for the lock, at most until an instant."
            fn try_lock_until(timeout: Instant) -> Option<ReentrantMutexGuard<'_, T>>;
        "Returns whether the lock is held." fn is_locked() -> bool;
        "Returns whether the calling thread has the lock." fn is_owned_by_current_thread() -> bool;
        "Returns a pointer to the data." fn data_ptr() -> *mut T;
    }
    forward_unsafe! {
        "Releases the lock, whoever has its guard." fn force_unlock();
        "Releases the lock fairly, whoever has its guard." fn force_unlock_fair();
        "Makes a guard of a held lock." fn make_guard_unchecked() -> ReentrantMutexGuard<'_, T>;
        "Returns the raw lock." fn raw() -> &RawMutex;
    }
}
