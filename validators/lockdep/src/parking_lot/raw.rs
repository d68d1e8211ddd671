//! Checked raw locks, around which `lock_api` puts data and guards.

#![expect(unsafe_code, reason = "the traits of raw locks are unsafe")]

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::panic::RefUnwindSafe;
use std::time::{Duration, Instant};

use parking_lot::lock_api;

use crate::{How, Map, Place, Wait};

/// This file, where all raw locks are made that the user makes of a constant.
pub(crate) const FILE: &str = file!();

/// The raw mutex behind [`Mutex`](super::Mutex).
pub type RawMutex = Checked<parking_lot::RawMutex>;
/// The raw mutex behind [`FairMutex`](super::FairMutex).
pub type RawFairMutex = Checked<parking_lot::RawFairMutex>;
/// The raw lock behind [`RwLock`](super::RwLock).
pub type RawRwLock = CheckedRwLock;

/// A raw mutex with the validators' part of a lock.
pub struct Checked<R> {
    map: Map,
    /// A mutex around nothing, so that a condition variable can have a guard of it.
    pub(super) inner: lock_api::Mutex<R, ()>,
}

/// `parking_lot`'s raw lock for readers and writers, with the validators' part of a lock.
pub struct CheckedRwLock {
    pub(super) map: Map,
    pub(super) raw: parking_lot::RawRwLock,
}

/// A raw lock that is not known to be part of another one.
#[expect(
    clippy::declare_interior_mutable_const,
    reason = "the trait of raw locks wants such a constant"
)]
pub(super) const UNKNOWN_RWLOCK: CheckedRwLock = CheckedRwLock::around::<CheckedRwLock>();

/// Whether guards of `parking_lot` may go to another thread, which its feature `send_guard` decides.
pub(super) const GUARDS_MOVE: bool = {
    struct Of<T>(PhantomData<T>);
    #[allow(dead_code, reason = "hidden if guards are Send")]
    trait No {
        const SEND: bool = false;
    }
    impl<T> No for Of<T> {}
    #[allow(dead_code, reason = "not there if guards are not Send")]
    impl<T: Send> Of<T> {
        const SEND: bool = true;
    }
    <Of<<parking_lot::RawMutex as lock_api::RawMutex>::GuardMarker>>::SEND
};

/// Checks an acquisition: before a wait, or after an attempt succeeded.
#[inline]
pub(super) fn acquire(map: &Map, how: How, place: Place) {
    if !how.is_attempt() {
        crate::might_sleep_at(place);
    }
    map.acquire(how, place);
    if GUARDS_MOVE {
        map.release(place);
    }
}

/// Checks a release.
#[inline]
pub(super) fn release(map: &Map, place: Place) {
    if !GUARDS_MOVE {
        map.release(place);
    }
}

// The mutex inside is around nothing, so nobody can see it half changed.
impl<R: RefUnwindSafe> RefUnwindSafe for Checked<R> {}

impl CheckedRwLock {
    /// Makes a raw lock around which `T` stands. Its class is `T` and the calling line.
    #[track_caller]
    pub(super) const fn around<T: ?Sized>() -> Self {
        Self { map: Map::standing_in::<T>(Wait::Sleep), raw: lock_api::RawRwLock::INIT }
    }
}

impl<R: lock_api::RawMutex> Checked<R> {
    /// Makes a raw mutex around which `T` stands. Its class is `T` and the calling line.
    #[track_caller]
    pub(super) const fn around<T: ?Sized>() -> Self {
        Self {
            map: Map::standing_in::<T>(Wait::Sleep),
            inner: lock_api::Mutex::from_raw(R::INIT, ()),
        }
    }

    #[inline]
    fn raw(&self) -> &R {
        // SAFETY: the raw mutex is only used through this type's own functions.
        unsafe { self.inner.raw() }
    }

    /// Checks a wait that releases the mutex and takes it again.
    #[inline]
    pub(super) fn check_again(&self, place: Place) {
        release(&self.map, place);
        acquire(&self.map, How::EXCLUSIVE, place);
    }

    #[inline]
    fn attempt(&self, place: Place, is_taken: bool) -> bool {
        if is_taken {
            acquire(&self.map, How::EXCLUSIVE.attempt(), place);
        }
        is_taken
    }
}

// SAFETY: each call goes to the raw mutex inside.
unsafe impl<R: lock_api::RawMutex> lock_api::RawMutex for Checked<R> {
    const INIT: Self = Self::around::<Self>();

    type GuardMarker = R::GuardMarker;

    #[track_caller]
    #[inline]
    fn lock(&self) {
        acquire(&self.map, How::EXCLUSIVE, Place::here());
        self.raw().lock();
    }

    #[track_caller]
    #[inline]
    fn try_lock(&self) -> bool {
        self.attempt(Place::here(), self.raw().try_lock())
    }

    #[track_caller]
    #[inline]
    unsafe fn unlock(&self) {
        release(&self.map, Place::here());
        // SAFETY: the caller holds the lock.
        unsafe { self.raw().unlock() }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.raw().is_locked()
    }
}

// SAFETY: each call goes to the raw mutex inside.
unsafe impl<R: lock_api::RawMutexFair> lock_api::RawMutexFair for Checked<R> {
    #[track_caller]
    #[inline]
    unsafe fn unlock_fair(&self) {
        release(&self.map, Place::here());
        // SAFETY: the caller holds the lock.
        unsafe { self.raw().unlock_fair() }
    }

    #[track_caller]
    #[inline]
    unsafe fn bump(&self) {
        self.check_again(Place::here());
        // SAFETY: the caller holds the lock.
        unsafe { self.raw().bump() }
    }
}

// SAFETY: each call goes to the raw mutex inside.
unsafe impl<R> lock_api::RawMutexTimed for Checked<R>
where
    R: lock_api::RawMutexTimed<Duration = Duration, Instant = Instant>,
{
    type Duration = Duration;
    type Instant = Instant;

    #[track_caller]
    #[inline]
    fn try_lock_for(&self, timeout: Duration) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.attempt(place, self.raw().try_lock_for(timeout))
    }

    #[track_caller]
    #[inline]
    fn try_lock_until(&self, timeout: Instant) -> bool {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.attempt(place, self.raw().try_lock_until(timeout))
    }
}

impl<R> fmt::Debug for Checked<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(type_name::<Self>()).finish_non_exhaustive()
    }
}

impl fmt::Debug for CheckedRwLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckedRwLock").finish_non_exhaustive()
    }
}
