//! The lock for many readers or one writer.

#![expect(unsafe_code, reason = "unsafe functions of the lock inside")]

use std::time::{Duration, Instant};

use parking_lot::lock_api;

use super::RawRwLock;
use super::wrapper::{forward, forward_unsafe, wrapper};

pub(super) type Inner<T> = lock_api::RwLock<RawRwLock, T>;

/// The guard of a reader.
pub type RwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLock, T>;

/// The guard of the writer.
pub type RwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLock, T>;

/// The guard of the reader that may become a writer.
pub type RwLockUpgradableReadGuard<'a, T> = lock_api::RwLockUpgradableReadGuard<'a, RawRwLock, T>;

/// A reader's guard of a part of what a [`RwLock`] guards.
pub type MappedRwLockReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRwLock, T>;

/// A writer's guard of a part of what a [`RwLock`] guards.
pub type MappedRwLockWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRwLock, T>;

wrapper! {
    /// [`parking_lot::RwLock`], checked.
    RwLock of RawRwLock, const_rwlock,
}

impl<T: ?Sized> RwLock<T> {
    forward! {
        "Waits until there is no writer." fn read() -> RwLockReadGuard<'_, T>;
        "Takes the lock for reading if there is no writer."
            fn try_read() -> Option<RwLockReadGuard<'_, T>>;
        "Waits until there is no writer, at most for a time."
            fn try_read_for(timeout: Duration) -> Option<RwLockReadGuard<'_, T>>;
        "Waits until there is no writer, at most until an instant."
            fn try_read_until(timeout: Instant) -> Option<RwLockReadGuard<'_, T>>;
        "Waits until there is no writer. A thread that reads may read again while a writer waits."
            fn read_recursive() -> RwLockReadGuard<'_, T>;
        "The same, if there is no writer."
            fn try_read_recursive() -> Option<RwLockReadGuard<'_, T>>;
        "Waits as a recursive reader, at most for a time."
            fn try_read_recursive_for(timeout: Duration) -> Option<RwLockReadGuard<'_, T>>;
        "Waits as a recursive reader, at most until an instant."
            fn try_read_recursive_until(timeout: Instant) -> Option<RwLockReadGuard<'_, T>>;
        "Waits until no other thread has the lock, and takes it alone."
            fn write() -> RwLockWriteGuard<'_, T>;
        "Takes the lock alone if it is free." fn try_write() -> Option<RwLockWriteGuard<'_, T>>;
        "Waits for the lock alone, at most for a time."
            fn try_write_for(timeout: Duration) -> Option<RwLockWriteGuard<'_, T>>;
        "Waits for the lock alone, at most until an instant."
            fn try_write_until(timeout: Instant) -> Option<RwLockWriteGuard<'_, T>>;
        "Waits until there is no writer, and no other reader that may become one."
            fn upgradable_read() -> RwLockUpgradableReadGuard<'_, T>;
        "Takes the lock as a reader that may become a writer, if nobody has to be waited for."
            fn try_upgradable_read() -> Option<RwLockUpgradableReadGuard<'_, T>>;
        "Waits as a reader that may become a writer, at most for a time."
            fn try_upgradable_read_for(timeout: Duration) -> Option<RwLockUpgradableReadGuard<'_, T>>;
        "Waits as a reader that may become a writer, at most until an instant."
            fn try_upgradable_read_until(timeout: Instant) -> Option<RwLockUpgradableReadGuard<'_, T>>;
        "Returns whether the lock is held." fn is_locked() -> bool;
        "Returns whether a writer holds the lock." fn is_locked_exclusive() -> bool;
        "Returns a pointer to the data." fn data_ptr() -> *mut T;
    }
    forward_unsafe! {
        "Releases a reader's lock, whoever has its guard." fn force_unlock_read();
        "Releases a reader's lock fairly, whoever has its guard." fn force_unlock_read_fair();
        "Releases the writer's lock, whoever has its guard." fn force_unlock_write();
        "Releases the writer's lock fairly, whoever has its guard." fn force_unlock_write_fair();
        "Makes a guard of a lock that is held for reading."
            fn make_read_guard_unchecked() -> RwLockReadGuard<'_, T>;
        "Makes a guard of a lock that is held alone."
            fn make_write_guard_unchecked() -> RwLockWriteGuard<'_, T>;
        "Makes a guard of a lock that is held by a reader that may become a writer."
            fn make_upgradable_guard_unchecked() -> RwLockUpgradableReadGuard<'_, T>;
        "Returns the raw lock." fn raw() -> &RawRwLock;
    }
}
