//! Clocks that a server can run on, and the alarm that wakes it.

use aseqd_engine::Time;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells the time, in nanoseconds since an instant of its own choice.
pub trait Clock {
    /// Returns the time now, which is never less than what it returned before.
    fn now(&self) -> Time;

    /// Lets a moment pass in which the thread keeps its processor, shorter than a look for a call.
    fn spin(&self);
}

/// `CLOCK_MONOTONIC`: the clock by which programs wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct Monotonic;

impl Clock for Monotonic {
    fn now(&self) -> Time {
        let now = clock_gettime(ClockId::Monotonic);
        let sec = u64::try_from(now.tv_sec).unwrap_or(0);
        let nsec = u64::try_from(now.tv_nsec).unwrap_or(0);
        Time(sec.saturating_mul(NANOSECONDS).saturating_add(nsec))
    }

    fn spin(&self) {
        std::hint::spin_loop();
    }
}

/// A clock that stands still until somebody moves it. Copies of it are the same clock.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock {
    now: Arc<AtomicU64>,
}

impl VirtualClock {
    /// Returns a clock that shows this time.
    #[must_use]
    pub fn at(time: Time) -> Self {
        Self { now: Arc::new(AtomicU64::new(time.0)) }
    }

    /// Moves the clock on to this time. A time that has passed leaves it as it is.
    pub fn advance_to(&self, time: Time) {
        self.now.fetch_max(time.0, Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Time {
        Time(self.now.load(Ordering::Relaxed))
    }

    /// Moves the clock on by 100 ns. Otherwise the instant for which somebody spins would never come.
    fn spin(&self) {
        self.now.fetch_add(100, Ordering::Relaxed);
    }
}

const NANOSECONDS: u64 = 1_000_000_000;

/// Wakes the server at a deadline on [`Monotonic`]: its descriptor becomes readable.
#[derive(Debug)]
pub struct Alarm {
    timer: OwnedFd,
    armed: Option<Time>,
}

impl Alarm {
    /// Makes an alarm that is not set.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE` or `ENOMEM` if there can be no further descriptor.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Self { timer: timerfd_create(TimerfdClockId::Monotonic, flags)?, armed: None })
    }

    /// Lets it ring at `deadline`, or never. A system call only if that changes something.
    ///
    /// # Errors
    /// The errors of `timerfd_settime(2)`. Linux documents none for a timer that this process has made.
    pub fn set(&mut self, deadline: Option<Time>) -> io::Result<()> {
        if self.armed == deadline {
            return Ok(());
        }
        self.armed = deadline;
        // Zero would disarm it: a deadline at or before the clock's start is one that has passed.
        let at = deadline.map_or(0, |deadline| deadline.0.max(1));
        let it_value = Timespec {
            tv_sec: i64::try_from(at / NANOSECONDS).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(at % NANOSECONDS).unwrap_or(0),
        };
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let setting = Itimerspec { it_interval: zero, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &setting)?;
        Ok(())
    }

    /// Returns the time for which it was set, if it has rung since.
    pub fn acknowledge(&mut self) -> Option<Time> {
        let mut expirations = [0; 8];
        // Nothing to read means that it was set anew meanwhile.
        rustix::io::read(&self.timer, &mut expirations).ok()?;
        self.armed.take()
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_moves_forward_only() {
        let clock = VirtualClock::at(Time(5));
        let same = clock.clone();
        clock.advance_to(Time(3));
        assert_eq!(same.now(), Time(5));
        clock.advance_to(Time(9));
        assert_eq!(same.now(), Time(9));
    }
}
