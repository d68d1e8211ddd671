//! The server's clock: the machine's, or one that moves only when told.

use aseqd_engine::Time;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// `CLOCK_MONOTONIC`.
    Real,
    /// Stands still but for [`Clock::advance_to`].
    Virtual(Time),
}

impl Clock {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> Time {
        match self {
            Self::Real => {
                let now = clock_gettime(ClockId::Monotonic);
                let sec = u64::try_from(now.tv_sec).unwrap_or(0);
                let nsec = u64::try_from(now.tv_nsec).unwrap_or(0);
                Time(sec.saturating_mul(NANOSECONDS).saturating_add(nsec))
            }
            Self::Virtual(now) => *now,
        }
    }

    /// Moves a virtual clock on; the real one moves by itself.
    pub fn advance_to(&mut self, time: Time) {
        if let Self::Virtual(now) = self {
            *now = time.max(*now);
        }
    }
}

const NANOSECONDS: u64 = 1_000_000_000;

/// Wakes the server at a deadline. Set anew only when the deadline changes.
#[derive(Debug)]
pub struct Alarm {
    timer: OwnedFd,
    armed: Option<Time>,
}

impl Alarm {
    /// Makes an alarm that is not set.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Self { timer: timerfd_create(TimerfdClockId::Monotonic, flags)?, armed: None })
    }

    /// Rings at `deadline`, or never.
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

    /// After it rang: for when it was set.
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
