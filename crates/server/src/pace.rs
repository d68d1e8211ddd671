//! Decides when to wake for a deadline, and when not to sleep at all.

use super::timing::Timing;
use aseqd_engine::Time;
use std::time::Duration;

/// Maximum rate of distinct deadlines, per second, at which each gets its own wake-up. Above
/// it several share one, so that a flood of deadlines does not take the whole processor.
const CROWDED_PER_SECOND: u64 = 2000;
/// How long the server sleeps beyond the first deadline above that rate, in ns. Everything that fell due
/// meanwhile is handled in one turn.
const WINDOW_NS: u64 = 50_000;
/// Number of deadlines over which their rate is averaged.
const AVERAGED: u64 = 16;
/// The server spins for at most one part of this many of its time: half of it, far from the 95 % at which
/// the kernel stops a real-time thread (`sched_rt_runtime_us`).
const SPIN_SHARE: u64 = 2;
/// Maximum time for spinning that can be saved up, in ns.
const SPIN_SAVINGS_NS: u64 = 20_000_000;
const SECOND_NS: u64 = 1_000_000_000;
/// Two calls less than this apart, in ns, belong to the same traffic.
const TRAFFIC_GAP_NS: u64 = 2_500_000;
/// Two calls less than this apart, in ns, belong to the same flood.
const FLOOD_GAP_NS: u64 = 100_000;
/// Calls in a row that make traffic, or a flood.
const CALLS_IN_A_ROW: u32 = 16;
/// Traffic and floods are over when no call has come for this long, in ns.
const QUIET_NS: u64 = 10_000_000;
/// How much the lead time grows when an alarm rang too late for it, in ns.
const LEAD_UP_NS: u64 = 32_000;
/// How much the lead time shrinks when it was enough, in ns. With [`LEAD_UP_NS`] this settles where the
/// lead time is enough for 31 alarms of 32.
const LEAD_DOWN_NS: u64 = 1_000;
/// Minimum lead time, in ns.
const MIN_LEAD_NS: u64 = 5_000;
/// A sleep shorter than this, in ns, was none: work was already pending.
const NO_SLEEP_NS: u64 = 5_000;

/// Decides when to wake, when to spin and whether to look for another call. It sees only the clock, so that
/// tests can drive it.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Lead time: how long before a deadline to wake, in ns, and spin until it. With 0 there is no spinning.
    lead: u64,
    /// Maximum lead time, in ns.
    longest_lead: u64,
    /// How long to look for another call, in ns.
    linger: u64,
    /// Average time between deadlines, in ns.
    gap: u64,
    last_due: Time,
    /// Calls in a row that are less than [`TRAFFIC_GAP_NS`] apart.
    traffic: u32,
    /// Calls in a row that are less than [`FLOOD_GAP_NS`] apart.
    flood: u32,
    last_call: Time,
    /// When the server last went to sleep.
    asleep: Time,
    /// Time saved up for spinning, in ns.
    savings: u64,
    last_saved: Time,
}

impl Pace {
    /// Builds the policy from the server's options. On a single processor there is no spinning.
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

    /// Returns when to be woken for a deadline.
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

    /// Notes that the alarm rang that was set for `set`.
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

    /// Returns whether to spin until a deadline.
    pub(crate) const fn is_near(&self, now: Time, deadline: Time) -> bool {
        deadline.0.saturating_sub(now.0) <= self.lead && self.savings >= self.lead
    }

    /// Returns how long to look for another call after one, in ns.
    pub(crate) const fn linger(&self) -> u64 {
        if self.savings >= self.linger { self.linger } else { 0 }
    }

    /// Notes that a call has arrived.
    pub(crate) const fn called(&mut self, now: Time) {
        let gap = now.0.saturating_sub(self.last_call.0);
        self.traffic = if gap < TRAFFIC_GAP_NS { self.traffic.saturating_add(1) } else { 0 };
        self.flood = if gap < FLOOD_GAP_NS { self.flood.saturating_add(1) } else { 0 };
        self.last_call = now;
    }

    /// Returns whether there are enough calls for the server to be scheduled as its programs are. A
    /// real-time thread stays on its processor, so every call and its answer wake another processor; an
    /// ordinary thread comes to the caller's, which takes a third of the time. Where something is
    /// `scheduled`, being on time counts for more, but not in a flood, in which the server hardly sleeps.
    pub(crate) const fn is_busy(&self, now: Time, scheduled: bool) -> bool {
        let calls = if scheduled { self.flood } else { self.traffic };
        calls >= CALLS_IN_A_ROW && now.0.saturating_sub(self.last_call.0) < QUIET_NS
    }

    /// Returns whether calls follow each other at once.
    pub(crate) const fn is_flooded(&self) -> bool {
        self.flood >= CALLS_IN_A_ROW
    }

    /// Notes that the server goes to sleep.
    pub(crate) const fn sleeps(&mut self, now: Time) {
        self.asleep = now;
    }

    /// Returns whether a turn that begins now should look for another call after the first, at the cost of
    /// a system call. It should if the server was not asleep, since calls come quickly then, or if it spins.
    pub(crate) const fn expects_more(&self, now: Time) -> bool {
        self.linger > 0 || now.0.saturating_sub(self.asleep.0) < NO_SLEEP_NS
    }

    /// Notes that a deadline was handled.
    pub(crate) fn handled_due(&mut self, now: Time) {
        let gap = (now - self.last_due).min(SECOND_NS);
        self.gap = (self.gap * (AVERAGED - 1) + gap) / AVERAGED;
        self.last_due = now;
    }

    /// Notes that the server has spun from one time to another.
    pub(crate) fn spun(&mut self, from: Time, to: Time) {
        let earned = (to - self.last_saved) / SPIN_SHARE;
        self.last_saved = to;
        self.savings = (self.savings.saturating_add(earned)).min(SPIN_SAVINGS_NS);
        self.savings = self.savings.saturating_sub(to - from);
    }

    /// Notes that time went by without spinning.
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
    fn rare_deadlines_get_a_wake_up_each_and_frequent_ones_share_it() {
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
        assert_eq!(calls(TRAFFIC_GAP_NS / 2, CALLS_IN_A_ROW), [true, true, false, false]);
        assert_eq!(calls(FLOOD_GAP_NS / 2, CALLS_IN_A_ROW), [true, true, false, true]);
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
