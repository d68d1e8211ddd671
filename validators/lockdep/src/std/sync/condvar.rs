//! The condition variable.

#![expect(clippy::disallowed_types, reason = "this is the wrapper; std's is the raw one")]

use std::fmt;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{self as raw, LockResult};
use std::time::{Duration, Instant};

use super::{MutexGuard, map_guard};
use crate::check::balance;
use crate::{How, Place};

/// [`std::sync::Condvar`](raw::Condvar), checked.
///
/// A wait releases the mutex and takes it again. So it is checked like a new acquisition: a thread that holds another
/// lock which it took after the mutex makes a new order of the two. A wait with a mutex of another class than before is
/// reported: std may panic then, depending on the system.
#[derive(Default)]
pub struct Condvar {
    raw: raw::Condvar,
    /// The class of the mutex of the first wait; 0 before. The address of the mutex would not do, because both may be moved.
    class: AtomicU16,
}

/// Whether a wait ended because its time was over.
#[derive(Debug, PartialEq, Eq, Copy, Clone)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Returns whether the time was over.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

type Waited<'a, T, R> = LockResult<(MutexGuard<'a, T>, R)>;

impl Condvar {
    /// Makes a condition variable.
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self { raw: raw::Condvar::new(), class: AtomicU16::new(0) }
    }

    /// Waits for a notification.
    ///
    /// # Errors
    ///
    /// Returns the guard in an error if the mutex is poisoned.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let MutexGuard { mut hold, raw } = guard;
        self.check(&mut hold, Place::here());
        map_guard(self.raw.wait(raw), |raw| MutexGuard { hold, raw })
    }

    /// Waits as long as the condition holds.
    ///
    /// # Errors
    ///
    /// Returns the guard in an error if the mutex is poisoned.
    #[track_caller]
    pub fn wait_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Waits for a notification, at most `ms` milliseconds. Returns `false` if the time was over.
    ///
    /// # Errors
    ///
    /// Returns the guard in an error if the mutex is poisoned.
    #[deprecated(note = "replaced by `std::sync::Condvar::wait_timeout`")]
    #[track_caller]
    pub fn wait_timeout_ms<'a, T>(&self, guard: MutexGuard<'a, T>, ms: u32) -> Waited<'a, T, bool> {
        let waited = self.wait_timeout(guard, Duration::from_millis(u64::from(ms)));
        map_guard(waited, |(guard, result)| (guard, !result.timed_out()))
    }

    /// Waits for a notification, at most for a time.
    ///
    /// # Errors
    ///
    /// Returns the guard in an error if the mutex is poisoned.
    #[track_caller]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        dur: Duration,
    ) -> Waited<'a, T, WaitTimeoutResult> {
        let MutexGuard { mut hold, raw } = guard;
        self.check(&mut hold, Place::here());
        map_guard(self.raw.wait_timeout(raw, dur), |(raw, result)| {
            (MutexGuard { hold, raw }, WaitTimeoutResult(result.timed_out()))
        })
    }

    /// Waits as long as the condition holds, at most for a time.
    ///
    /// # Errors
    ///
    /// Returns the guard in an error if the mutex is poisoned.
    #[track_caller]
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        dur: Duration,
        mut condition: F,
    ) -> Waited<'a, T, WaitTimeoutResult>
    where
        F: FnMut(&mut T) -> bool,
    {
        let start = Instant::now();
        loop {
            if !condition(&mut guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            let Some(rest) = dur.checked_sub(start.elapsed()) else {
                return Ok((guard, WaitTimeoutResult(true)));
            };
            guard = self.wait_timeout(guard, rest)?.0;
        }
    }

    /// Checks a wait, before it begins: the thread sleeps, and then takes the mutex again.
    fn check(&self, hold: &mut crate::lock::Hold<'_>, place: Place) {
        if let Some(class) = hold.class() {
            let known = self.class.compare_exchange(0, class, Ordering::Relaxed, Ordering::Relaxed);
            if let Err(first) = known
                && first != class
            {
                balance::other_mutex(first, class, place);
            }
        }
        crate::might_sleep_at(place);
        hold.take_again(How::EXCLUSIVE, place);
    }

    /// Wakes one thread that waits.
    #[inline]
    pub fn notify_one(&self) {
        self.raw.notify_one();
    }

    /// Wakes all threads that wait.
    #[inline]
    pub fn notify_all(&self) {
        self.raw.notify_all();
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
