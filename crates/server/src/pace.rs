//! When to wake for a deadline, when not to sleep at all, and how to be scheduled.

use super::timing::Timing;
use aseqd_engine::Time;
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
/// Calls that follow each other so closely are traffic, ...
const TRAFFIC_GAP_NS: u64 = 2_500_000;
/// ... or a flood, ...
const FLOOD_GAP_NS: u64 = 100_000;
/// ... if they are so many, ...
const CALLS: u32 = 16;
/// ... until there was none for so long.
const QUIET_NS: u64 = 10_000_000;
/// The lead before a deadline follows how late the alarm rings: up by this whenever it rang too late, ...
const LEAD_UP_NS: u64 = 32_000;
/// ... and down by this whenever it did not: it is enough for 31 alarms of 32.
const LEAD_DOWN_NS: u64 = 1_000;
/// The shortest lead.
const MIN_LEAD_NS: u64 = 5_000;
/// A sleep that was shorter was none: there was something to do.
const NO_SLEEP_NS: u64 = 5_000;
/// Decides, knowing only what time it is.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How long before a deadline to wake, so as to spin; 0 for not at all.
    lead: u64,
    /// The longest that it may become.
    longest_lead: u64,
    /// How long to look for another call.
    linger: u64,
    /// Time between instants, averaged.
    gap: u64,
    last_due: Time,
    /// Calls in a row, each soon after the one before, or at once.
    traffic: u32,
    flood: u32,
    last_call: Time,
    /// When the server went to sleep.
    asleep: Time,
    /// Time that may be spun.
    savings: u64,
    last_saved: Time,
}

impl Pace {
    /// As asked for, on a machine with so many processors.
    pub(crate) fn new(args: &Timing, processors: usize) -> Self {
        let spins = processors > 1;
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let lead = args.precise.filter(|_| spins).map_or(0, ns);
        Self {
            lead,
            longest_lead: lead,
            linger: if spins { ns(args.spin) } else { 0 },
            gap: SECOND_NS,
            last_due: Time(0),
            traffic: 0,
            flood: 0,
            last_call: Time(0),
            asleep: Time(0),
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

    /// The alarm rang, which was set for `set`.
    pub(crate) fn woken(&mut self, set: Time, now: Time) {
        if self.lead == 0 {
            return;
        }
        let late = now - set;
        let lead = if late > self.lead {
            self.lead + LEAD_UP_NS
        } else {
            self.lead.saturating_sub(LEAD_DOWN_NS)
        };
        self.lead = lead.clamp(MIN_LEAD_NS.min(self.longest_lead), self.longest_lead);
    }

    /// Is it time to spin until a deadline?
    pub(crate) const fn is_near(&self, now: Time, deadline: Time) -> bool {
        deadline.0.saturating_sub(now.0) <= self.lead && self.savings >= self.lead
    }

    /// How long to look for another call after one.
    pub(crate) const fn linger(&self) -> u64 {
        if self.savings >= self.linger { self.linger } else { 0 }
    }

    /// A call arrived.
    pub(crate) const fn called(&mut self, now: Time) {
        let gap = now.0.saturating_sub(self.last_call.0);
        self.traffic = if gap < TRAFFIC_GAP_NS { self.traffic.saturating_add(1) } else { 0 };
        self.flood = if gap < FLOOD_GAP_NS { self.flood.saturating_add(1) } else { 0 };
        self.last_call = now;
    }

    /// Are there so many calls that it is better to be scheduled as the programs are? A real-time
    /// thread stays on its processor, so that every call and its answer go from one processor to
    /// another, which has to be woken; an ordinary one comes to the caller's, which takes a third of
    /// the time. Where something is `scheduled`, being on time counts for more, but not in a flood,
    /// in which the server hardly sleeps.
    pub(crate) const fn is_busy(&self, now: Time, scheduled: bool) -> bool {
        let calls = if scheduled { self.flood } else { self.traffic };
        calls >= CALLS && now.0.saturating_sub(self.last_call.0) < QUIET_NS
    }

    /// Do the calls follow each other at once?
    pub(crate) const fn is_flooded(&self) -> bool {
        self.flood >= CALLS
    }

    /// The server goes to sleep.
    pub(crate) const fn sleeps(&mut self, now: Time) {
        self.asleep = now;
    }

    /// The server was woken for a turn. Is it worth a system call to see whether there is another
    /// request after one? It is if it was not asleep, for then there are many, or if it spins.
    pub(crate) const fn expects_more(&self, now: Time) -> bool {
        self.linger > 0 || now.0.saturating_sub(self.asleep.0) < NO_SLEEP_NS
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

    fn args(precise: Option<u64>, spin: u64) -> Timing {
        Timing {
            precise: precise.map(Duration::from_micros),
            spin: Duration::from_micros(spin),
            ..Timing::default()
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
    fn the_lead_is_what_most_alarms_need() {
        let mut pace = Pace::new(&args(Some(100), 0), 2);
        let due = Time(SECOND_NS);
        // 40 us as a rule, 60 us for one in a hundred.
        for number in 0..2000 {
            let late = if number % 100 == 0 { 60 } else { 40 };
            pace.woken(due, Time(due.0 + late * MICROSECOND));
        }
        let lead = due - pace.wake_at(due);
        assert!((40 * MICROSECOND..=73 * MICROSECOND).contains(&lead), "{lead}");
        for _ in 0..10 {
            pace.woken(due, Time(due.0 + SECOND_NS));
        }
        assert_eq!(due - pace.wake_at(due), 100 * MICROSECOND);
    }

    #[test]
    fn traffic_is_many_calls_in_a_row_until_they_end() {
        let mut pace = Pace::new(&args(None, 0), 2);
        let mut now = Time(SECOND_NS);
        let mut calls = |gap, count| {
            for _ in 0..count {
                now.0 += gap;
                pace.called(now);
            }
            let later = |ns, scheduled| pace.is_busy(Time(now.0 + ns), scheduled);
            [later(0, false), later(QUIET_NS - 1, false), later(QUIET_NS, false), later(0, true)]
        };
        assert_eq!(calls(TRAFFIC_GAP_NS, 1000), [false; 4]);
        assert_eq!(calls(TRAFFIC_GAP_NS / 2, CALLS), [true, true, false, false]);
        assert_eq!(calls(FLOOD_GAP_NS / 2, CALLS), [true, true, false, true]);
        assert_eq!(calls(TRAFFIC_GAP_NS / 2, 1), [true, true, false, false]);
        assert_eq!(calls(TRAFFIC_GAP_NS, 1), [false; 4]);
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
