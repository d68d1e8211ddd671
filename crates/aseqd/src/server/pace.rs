//! When to wake for a deadline, and when not to sleep at all.

use super::timing::TimingArgs;
use engine::Time;
use std::time::Duration;

/// Up to so many instants a second the server wakes for each.
const CROWDED_PER_SECOND: u64 = 2000;
/// Above that, it sleeps so much longer than the first of them wants, and handles all that fell due
/// meanwhile in one turn.
const WINDOW_NS: u64 = 50_000;
/// Instants over which the rate is averaged.
const AVERAGED: u64 = 16;
/// Of its time the server spins at most one part in so many, far from what makes the kernel stop a
/// real-time thread (95 %, `sched_rt_runtime_us`).
const SPIN_SHARE: u64 = 2;
/// Time to spin that is saved up at most.
const SPIN_SAVINGS_NS: u64 = 20_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// Decides, knowing only what time it is.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How long before a deadline to spin; 0 for not at all.
    lead: u64,
    /// How long to look for another call.
    linger: u64,
    /// Time between instants, averaged.
    gap: u64,
    last_due: Time,
    /// Time that may be spun.
    savings: u64,
    last_saved: Time,
}

impl Pace {
    /// As asked for, on a machine with so many processors.
    pub(crate) fn new(args: &TimingArgs, processors: usize) -> Self {
        let spins = processors > 1;
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self {
            lead: args.precise.filter(|_| spins).map_or(0, ns),
            linger: if spins { ns(args.spin) } else { 0 },
            gap: SECOND_NS,
            last_due: Time(0),
            savings: SPIN_SAVINGS_NS,
            last_saved: Time(0),
        }
    }

    /// When to be woken for a deadline.
    pub(crate) const fn wake_at(&self, deadline: Time) -> Time {
        if self.lead > 0 {
            let lead = if self.savings >= self.lead { self.lead } else { 0 };
            return Time(deadline.0.saturating_sub(lead));
        }
        if self.gap < SECOND_NS / CROWDED_PER_SECOND {
            return Time(deadline.0.saturating_add(WINDOW_NS));
        }
        deadline
    }

    /// Is it time to spin until a deadline?
    pub(crate) const fn is_near(&self, now: Time, deadline: Time) -> bool {
        deadline.0.saturating_sub(now.0) <= self.lead && self.savings >= self.lead
    }

    /// How long to look for another call after one.
    pub(crate) const fn linger(&self) -> u64 {
        if self.savings >= self.linger { self.linger } else { 0 }
    }

    /// An instant was handled.
    pub(crate) fn handled_due(&mut self, now: Time) {
        let gap = (now - self.last_due).min(SECOND_NS);
        self.gap = (self.gap * (AVERAGED - 1) + gap) / AVERAGED;
        self.last_due = now;
    }

    /// The server has spun from one time to another.
    pub(crate) fn spun(&mut self, from: Time, to: Time) {
        let earned = (to - self.last_saved) / SPIN_SHARE;
        self.last_saved = to;
        self.savings = (self.savings.saturating_add(earned)).min(SPIN_SAVINGS_NS);
        self.savings = self.savings.saturating_sub(to - from);
    }

    /// Time went by without spinning.
    pub(crate) fn rested(&mut self, now: Time) {
        self.spun(now, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROSECOND: u64 = 1000;

    fn args(precise: Option<u64>, spin: u64) -> TimingArgs {
        TimingArgs {
            precise: precise.map(Duration::from_micros),
            spin: Duration::from_micros(spin),
            ..TimingArgs::default()
        }
    }

    #[test]
    fn rare_instants_are_woken_for_at_once_and_many_together() {
        let mut pace = Pace::new(&args(None, 0), 2);
        let due = Time(5 * SECOND_NS);
        assert_eq!(pace.wake_at(due), due);
        let mut now = due;
        for _ in 0..200 {
            now.0 += 400 * MICROSECOND;
            pace.handled_due(now);
        }
        assert_eq!(pace.wake_at(due), Time(due.0 + WINDOW_NS));
        for _ in 0..200 {
            now.0 += 700 * MICROSECOND;
            pace.handled_due(now);
        }
        assert_eq!(pace.wake_at(due), due);
    }

    #[test]
    fn precise_wakes_early_and_never_late() {
        let mut pace = Pace::new(&args(Some(100), 0), 2);
        let due = Time(SECOND_NS);
        let early = Time(due.0 - 100 * MICROSECOND);
        assert_eq!(pace.wake_at(due), early);
        assert!(pace.is_near(early, due));
        assert!(!pace.is_near(Time(early.0 - 1), due));
        for number in 0..200 {
            pace.handled_due(Time(number * 400 * MICROSECOND));
        }
        assert_eq!(pace.wake_at(due), early);
    }

    #[test]
    fn nobody_spins_on_one_processor() {
        let pace = Pace::new(&args(Some(100), 50), 1);
        let due = Time(SECOND_NS);
        assert_eq!(pace.wake_at(due), due);
        assert_eq!(pace.linger(), 0);
        assert!(!pace.is_near(Time(due.0 - 1), due));
    }

    #[test]
    fn spinning_takes_half_of_the_time_at_most() {
        let mut pace = Pace::new(&args(Some(100), 50), 2);
        let (mut now, mut spun) = (Time(SECOND_NS), 0);
        pace.rested(now);
        let start = now;
        for _ in 0..100_000 {
            let due = Time(now.0 + 110 * MICROSECOND);
            now = pace.wake_at(due);
            pace.rested(now);
            if pace.is_near(now, due) {
                pace.spun(now, due);
                spun += due - now;
            }
            now = due;
        }
        let share = (now - start) / SPIN_SHARE + SPIN_SAVINGS_NS;
        assert!(spun <= share, "{spun} of {}", now - start);
        assert!(spun > share / 2, "{spun} of {}", now - start);
    }
}
