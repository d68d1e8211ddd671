//! The checked raw lock for readers and writers.

#![expect(unsafe_code, reason = "the traits of raw locks are unsafe")]

use std::time::{Duration, Instant};

use parking_lot::lock_api;

use super::raw::{CheckedRwLock, acquire, release};
use crate::{How, Place};

/// Writers wait for everybody.
const WRITE: How = How::EXCLUSIVE;
/// Readers that come after a waiting writer wait too.
const READ: How = How::SHARED;
/// A reader that may read again while a writer waits.
const READ_AGAIN: How = How::SHARED_RECURSIVE;
/// A reader that may become a writer. It waits for writers and others of its kind.
const UPGRADABLE: How = How::SHARED;

impl CheckedRwLock {
    #[inline]
    fn attempt(&self, how: How, place: Place, is_taken: bool) -> bool {
        if is_taken {
            acquire(&self.map, how.attempt(), place);
        }
        is_taken
    }

    /// Checks that the lock is held in another way from now on. Nobody is waited for.
    #[inline]
    fn becomes(&self, how: How, place: Place) {
        release(&self.map, place);
        acquire(&self.map, how.attempt(), place);
    }

    /// Checks that the lock is given back and taken again.
    #[inline]
    fn check_again(&self, how: How, place: Place) {
        release(&self.map, place);
        acquire(&self.map, how, place);
    }
}

// SAFETY: each call goes to the raw lock inside.
unsafe impl lock_api::RawRwLock for CheckedRwLock {
    const INIT: Self = super::raw::UNKNOWN_RWLOCK;

    type GuardMarker = <parking_lot::RawRwLock as lock_api::RawRwLock>::GuardMarker;

    #[track_caller]
    #[inline]
    fn lock_shared(&self) {
        acquire(&self.map, READ, Place::here());
        self.raw.lock_shared();
    }

    #[track_caller]
    #[inline]
    fn try_lock_shared(&self) -> bool {
        self.attempt(READ, Place::here(), self.raw.try_lock_shared())
    }

    #[track_caller]
    #[inline]
    unsafe fn unlock_shared(&self) {
        release(&self.map, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.unlock_shared() }
    }

    #[track_caller]
    #[inline]
    fn lock_exclusive(&self) {
        acquire(&self.map, WRITE, Place::here());
        self.raw.lock_exclusive();
    }

    #[track_caller]
    #[inline]
    fn try_lock_exclusive(&self) -> bool {
        self.attempt(WRITE, Place::here(), self.raw.try_lock_exclusive())
    }

    #[track_caller]
    #[inline]
    unsafe fn unlock_exclusive(&self) {
        release(&self.map, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.unlock_exclusive() }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.raw.is_locked_exclusive()
    }
}

// SAFETY: each call goes to the raw lock inside.
unsafe impl lock_api::RawRwLockFair for CheckedRwLock {
    #[track_caller]
    #[inline]
    unsafe fn unlock_shared_fair(&self) {
        release(&self.map, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.unlock_shared_fair() }
    }

    #[track_caller]
    #[inline]
    unsafe fn unlock_exclusive_fair(&self) {
        release(&self.map, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.unlock_exclusive_fair() }
    }

    #[track_caller]
    #[inline]
    unsafe fn bump_shared(&self) {
        self.check_again(READ, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.bump_shared() }
    }

    #[track_caller]
    #[inline]
    unsafe fn bump_exclusive(&self) {
        self.check_again(WRITE, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.bump_exclusive() }
    }
}

// SAFETY: each call goes to the raw lock inside.
unsafe impl lock_api::RawRwLockDowngrade for CheckedRwLock {
    #[track_caller]
    #[inline]
    unsafe fn downgrade(&self) {
        self.becomes(READ, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.downgrade() }
    }
}

// SAFETY: each call goes to the raw lock inside.
unsafe impl lock_api::RawRwLockTimed for CheckedRwLock {
    type Duration = Duration;
    type Instant = Instant;

    #[track_caller]
    #[inline]
    fn try_lock_shared_for(&self, timeout: Duration) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.attempt(READ, place, self.raw.try_lock_shared_for(timeout))
    }

    #[track_caller]
    #[inline]
    fn try_lock_shared_until(&self, timeout: Instant) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.attempt(READ, place, self.raw.try_lock_shared_until(timeout))
    }

    #[track_caller]
    #[inline]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.attempt(WRITE, place, self.raw.try_lock_exclusive_for(timeout))
    }

    #[track_caller]
    #[inline]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.attempt(WRITE, place, self.raw.try_lock_exclusive_until(timeout))
    }
}

// SAFETY: each call goes to the raw lock inside.
unsafe impl lock_api::RawRwLockRecursive for CheckedRwLock {
    #[track_caller]
    #[inline]
    fn lock_shared_recursive(&self) {
        acquire(&self.map, READ_AGAIN, Place::here());
        self.raw.lock_shared_recursive();
    }

    #[track_caller]
    #[inline]
    fn try_lock_shared_recursive(&self) -> bool {
        self.attempt(READ_AGAIN, Place::here(), self.raw.try_lock_shared_recursive())
    }
}

// SAFETY: each call goes to the raw lock inside.
unsafe impl lock_api::RawRwLockRecursiveTimed for CheckedRwLock {
    #[track_caller]
    #[inline]
    fn try_lock_shared_recursive_for(&self, timeout: Duration) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.attempt(READ_AGAIN, place, self.raw.try_lock_shared_recursive_for(timeout))
    }

    #[track_caller]
    #[inline]
    fn try_lock_shared_recursive_until(&self, timeout: Instant) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.attempt(READ_AGAIN, place, self.raw.try_lock_shared_recursive_until(timeout))
    }
}

// SAFETY: each call goes to the raw lock inside.
unsafe impl lock_api::RawRwLockUpgrade for CheckedRwLock {
    #[track_caller]
    #[inline]
    fn lock_upgradable(&self) {
        acquire(&self.map, UPGRADABLE, Place::here());
        self.raw.lock_upgradable();
    }

    #[track_caller]
    #[inline]
    fn try_lock_upgradable(&self) -> bool {
        self.attempt(UPGRADABLE, Place::here(), self.raw.try_lock_upgradable())
    }

    #[track_caller]
    #[inline]
    unsafe fn unlock_upgradable(&self) {
        release(&self.map, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.unlock_upgradable() }
    }

    /// An upgrade waits for readers. It is checked as an attempt: whether another thread can be such a reader, and wait
    /// for this one, is not known from the orders of this one.
    #[track_caller]
    #[inline]
    unsafe fn upgrade(&self) {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.becomes(WRITE, place);
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.upgrade() }
    }

    #[track_caller]
    #[inline]
    unsafe fn try_upgrade(&self) -> bool {
        let place = Place::here();
        // SAFETY: the caller holds the lock in this way.
        let is_upgraded = unsafe { self.raw.try_upgrade() };
        if is_upgraded {
            self.becomes(WRITE, place);
        }
        is_upgraded
    }
}

// SAFETY: each call goes to the raw lock inside.
unsafe impl lock_api::RawRwLockUpgradeFair for CheckedRwLock {
    #[track_caller]
    #[inline]
    unsafe fn unlock_upgradable_fair(&self) {
        release(&self.map, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.unlock_upgradable_fair() }
    }

    #[track_caller]
    #[inline]
    unsafe fn bump_upgradable(&self) {
        self.check_again(UPGRADABLE, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.bump_upgradable() }
    }
}

// SAFETY: each call goes to the raw lock inside.
unsafe impl lock_api::RawRwLockUpgradeDowngrade for CheckedRwLock {
    #[track_caller]
    #[inline]
    unsafe fn downgrade_upgradable(&self) {
        self.becomes(READ, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.downgrade_upgradable() }
    }

    #[track_caller]
    #[inline]
    unsafe fn downgrade_to_upgradable(&self) {
        self.becomes(UPGRADABLE, Place::here());
        // SAFETY: the caller holds the lock in this way.
        unsafe { self.raw.downgrade_to_upgradable() }
    }
}

// SAFETY: each call goes to the raw lock inside.
unsafe impl lock_api::RawRwLockUpgradeTimed for CheckedRwLock {
    #[track_caller]
    #[inline]
    fn try_lock_upgradable_for(&self, timeout: Duration) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.attempt(UPGRADABLE, place, self.raw.try_lock_upgradable_for(timeout))
    }

    #[track_caller]
    #[inline]
    fn try_lock_upgradable_until(&self, timeout: Instant) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.attempt(UPGRADABLE, place, self.raw.try_lock_upgradable_until(timeout))
    }

    #[track_caller]
    #[inline]
    unsafe fn try_upgrade_for(&self, timeout: Duration) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        // SAFETY: the caller holds the lock in this way.
        let is_upgraded = unsafe { self.raw.try_upgrade_for(timeout) };
        if is_upgraded {
            self.becomes(WRITE, place);
        }
        is_upgraded
    }

    #[track_caller]
    #[inline]
    unsafe fn try_upgrade_until(&self, timeout: Instant) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        // SAFETY: the caller holds the lock in this way.
        let is_upgraded = unsafe { self.raw.try_upgrade_until(timeout) };
        if is_upgraded {
            self.becomes(WRITE, place);
        }
        is_upgraded
    }
}
