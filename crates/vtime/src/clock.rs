//! The clock that programs see.

use crate::options::Pace;
use std::time::Instant;

/// Virtual `CLOCK_MONOTONIC` at the beginning of a run, in ns.
///
/// It is not 0, because programs use 0 for "not set" and subtract durations from the present.
pub const START: u64 = 1_000_000_000_000;

/// Nanoseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// Times after this many ns since the start of `CLOCK_MONOTONIC` never come: the kernel's own limit, 292 years.
const NEVER: u64 = i64::MAX.cast_unsigned();

/// The clocks of a run. They all move together.
#[derive(Debug)]
pub(crate) struct Clock {
    /// `CLOCK_MONOTONIC`.
    now: u64,
    /// What `CLOCK_REALTIME` is ahead of it.
    ahead: i64,
    /// When a clock that runs by itself began, and how fast it is.
    scaled: Option<(Instant, f64)>,
}

impl Clock {
    pub(crate) fn new(pace: Pace, epoch: i64) -> Self {
        let scaled = match pace {
            Pace::Scaled(factor) => Some((Instant::now(), factor)),
            Pace::Virtual | Pace::Step => None,
        };
        Self { now: START, ahead: epoch.saturating_sub_unsigned(START), scaled }
    }

    /// Returns the present, in ns of `CLOCK_MONOTONIC`.
    pub(crate) const fn now(&self) -> u64 {
        self.now
    }

    /// Returns whether the clock runs by itself.
    pub(crate) const fn runs(&self) -> bool {
        self.scaled.is_some()
    }

    /// Moves a clock that runs by itself to the present.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a product that does not fit is the largest number"
    )]
    pub(crate) fn follow(&mut self) {
        if let Some((began, factor)) = self.scaled {
            let passed = (began.elapsed().as_nanos() as f64 * factor) as u64;
            self.now = self.now.max(START.saturating_add(passed));
        }
    }

    /// Returns how many ns of real time pass until `time`, for a clock that runs by itself.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a quotient that does not fit is the largest number"
    )]
    pub(crate) fn real_until(&self, time: u64) -> u64 {
        let factor = self.scaled.map_or(1.0, |(_, factor)| factor);
        (time.saturating_sub(self.now) as f64 / factor).ceil() as u64
    }

    /// Moves a clock that does not run by itself. It never goes back.
    pub(crate) fn move_to(&mut self, time: u64) {
        self.now = self.now.max(time);
    }

    /// Returns what a clock shows, in ns. Returns `None` for a clock that is not about the time of day or of the
    /// machine, such as those of CPU time.
    pub(crate) fn read(&self, clock: i32) -> Option<i64> {
        let now = i64::try_from(self.now).unwrap_or(i64::MAX);
        match clock {
            libc::CLOCK_REALTIME
            | libc::CLOCK_REALTIME_COARSE
            | libc::CLOCK_REALTIME_ALARM
            | libc::CLOCK_TAI => Some(now.saturating_add(self.ahead)),
            libc::CLOCK_MONOTONIC
            | libc::CLOCK_MONOTONIC_RAW
            | libc::CLOCK_MONOTONIC_COARSE
            | libc::CLOCK_BOOTTIME
            | libc::CLOCK_BOOTTIME_ALARM => Some(now),
            _ => None,
        }
    }

    /// Returns when a duration from now is over; `None` if that never comes.
    pub(crate) fn after(&self, duration: u64) -> Option<u64> {
        self.now.checked_add(duration).filter(|time| *time < NEVER)
    }

    /// Returns when a clock shows this many ns; `None` if that never comes.
    pub(crate) fn at(&self, clock: i32, time: u64) -> Option<u64> {
        let ahead = self.read(clock).unwrap_or_default().saturating_sub_unsigned(self.now);
        let time = i128::from(time) - i128::from(ahead);
        let time = u64::try_from(time.max(0)).unwrap_or(u64::MAX);
        Some(time).filter(|time| *time < NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_move_together() {
        let mut clock = Clock::new(Pace::Virtual, 5_000_000_000);
        assert_eq!(clock.read(libc::CLOCK_REALTIME), Some(5_000_000_000));
        assert_eq!(clock.read(libc::CLOCK_MONOTONIC), Some(START.cast_signed()));
        clock.move_to(START + 7);
        clock.move_to(START + 3);
        assert_eq!(clock.read(libc::CLOCK_TAI), Some(5_000_000_007));
        assert_eq!(clock.read(libc::CLOCK_BOOTTIME), Some(START.cast_signed() + 7));
        assert_eq!(clock.read(libc::CLOCK_PROCESS_CPUTIME_ID), None);
    }

    #[test]
    fn deadlines_are_monotonic_times() {
        let clock = Clock::new(Pace::Virtual, 5_000_000_000);
        assert_eq!(clock.at(libc::CLOCK_REALTIME, 5_000_000_010), Some(START + 10));
        assert_eq!(clock.at(libc::CLOCK_MONOTONIC, START + 10), Some(START + 10));
        assert_eq!(clock.at(libc::CLOCK_REALTIME, 0), Some(START - 5_000_000_000));
        assert_eq!(clock.after(10), Some(START + 10));
        assert_eq!(clock.after(u64::MAX - 5), None);
        assert_eq!(clock.at(libc::CLOCK_MONOTONIC, u64::MAX), None);
    }
}
