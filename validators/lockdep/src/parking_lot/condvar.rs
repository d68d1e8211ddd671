//! The condition variable.

#![expect(unsafe_code, reason = "a guard of the raw mutex, from the guard of the mutex")]

use std::fmt;
use std::mem::ManuallyDrop;
use std::time::{Duration, Instant};

use parking_lot::lock_api;

use super::MutexGuard;
use crate::Place;

/// [`parking_lot::Condvar`], checked.
///
/// A wait releases the mutex and takes it again. So it is checked like a new acquisition: a thread that holds another
/// lock which it took after the mutex makes a new order of the two.
#[derive(Default)]
pub struct Condvar(parking_lot::Condvar);

/// Whether a wait ended because its time was over.
#[derive(Debug, PartialEq, Eq, Copy, Clone)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Returns whether the time was over.
    #[inline]
    #[must_use]
    pub fn timed_out(self) -> bool {
        self.0
    }
}

impl Condvar {
    /// Makes a condition variable.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self(parking_lot::Condvar::new())
    }

    /// Wakes one thread that waits. Returns whether there was one.
    #[inline]
    pub fn notify_one(&self) -> bool {
        self.0.notify_one()
    }

    /// Wakes all threads that wait. Returns how many there were.
    #[inline]
    pub fn notify_all(&self) -> usize {
        self.0.notify_all()
    }

    /// Waits for a notification.
    #[track_caller]
    pub fn wait<T: ?Sized>(&self, mutex_guard: &mut MutexGuard<'_, T>) {
        during(mutex_guard, Place::here(), |guard| self.0.wait(guard));
    }

    /// Waits for a notification, at most until an instant.
    #[track_caller]
    pub fn wait_until<T: ?Sized>(
        &self,
        mutex_guard: &mut MutexGuard<'_, T>,
        timeout: Instant,
    ) -> WaitTimeoutResult {
        let place = Place::here();
        let result = during(mutex_guard, place, |guard| self.0.wait_until(guard, timeout));
        WaitTimeoutResult(result.timed_out())
    }

    /// Waits for a notification, at most for a time.
    #[track_caller]
    pub fn wait_for<T: ?Sized>(
        &self,
        mutex_guard: &mut MutexGuard<'_, T>,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        let place = Place::here();
        let result = during(mutex_guard, place, |guard| self.0.wait_for(guard, timeout));
        WaitTimeoutResult(result.timed_out())
    }

    /// Waits as long as the condition holds.
    #[track_caller]
    pub fn wait_while<T, F>(&self, mutex_guard: &mut MutexGuard<'_, T>, mut condition: F)
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        while condition(mutex_guard) {
            self.wait(mutex_guard);
        }
    }

    /// Waits as long as the condition holds, at most until an instant.
    #[track_caller]
    pub fn wait_while_until<T, F>(
        &self,
        mutex_guard: &mut MutexGuard<'_, T>,
        mut condition: F,
        timeout: Instant,
    ) -> WaitTimeoutResult
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let mut result = WaitTimeoutResult(false);
        while !result.timed_out() && condition(mutex_guard) {
            result = self.wait_until(mutex_guard, timeout);
        }
        result
    }

    /// Waits as long as the condition holds, at most for a time.
    #[track_caller]
    pub fn wait_while_for<T: ?Sized, F>(
        &self,
        mutex_guard: &mut MutexGuard<'_, T>,
        mut condition: F,
        timeout: Duration,
    ) -> WaitTimeoutResult
    where
        F: FnMut(&mut T) -> bool,
    {
        // A time that no instant can express never ends.
        let Some(end) = Instant::now().checked_add(timeout) else {
            self.wait_while(mutex_guard, condition);
            return WaitTimeoutResult(false);
        };
        self.wait_while_until(mutex_guard, &mut condition, end)
    }
}

/// Checks a wait, and calls `wait` with a guard of the raw mutex.
fn during<T: ?Sized, R>(
    guard: &mut MutexGuard<'_, T>,
    place: Place,
    wait: impl FnOnce(&mut parking_lot::MutexGuard<'_, ()>) -> R,
) -> R {
    let mutex = lock_api::MutexGuard::mutex(guard);
    // SAFETY: the guard is borrowed until the end, and a wait gives the mutex back as it was: held.
    let raw = unsafe { mutex.raw() };
    raw.check_again(place);
    // SAFETY: the guard shows that the mutex is held. This second guard of it is never dropped.
    let mut inner = ManuallyDrop::new(unsafe { raw.inner.make_guard_unchecked() });
    wait(&mut inner)
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
