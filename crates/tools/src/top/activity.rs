//! How busy each port is: the events of the last second.

use super::look::Age;
use aseqd_abi::Address;
use std::collections::BTreeMap;
use std::time::Duration;

/// The length of a step, in which the picture of activity does not change.
pub(super) const STEP: Duration = Duration::from_millis(100);
/// How many steps a rate is counted over: one second.
const STEPS: usize = 10;
/// Ports have a bright lamp for this many steps.
const BRIGHT: u64 = 2;

/// Counts the events of each port.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity {
    step: u64,
    meters: BTreeMap<Address, Meter>,
}

#[derive(Clone, Debug, Default)]
struct Meter {
    /// The events of the last steps; the newest is where `step` points to.
    recent: [u64; STEPS],
    last: u64,
    total: u64,
}

impl Activity {
    /// Moves to a time. Returns whether the picture changes.
    pub(super) fn advance(&mut self, now: Duration) -> bool {
        let step = step(now);
        let passed = step.saturating_sub(self.step);
        if passed == 0 {
            return false;
        }
        let moved = self.is_moving();
        for passed in 1..=passed.min(STEPS as u64) {
            let slot = slot(self.step + passed);
            for meter in self.meters.values_mut() {
                meter.recent[slot] = 0;
            }
        }
        // All slots are empty after a longer time, whichever was emptied first.
        self.step = step;
        moved
    }

    /// Counts an event of a port.
    pub(super) fn count(&mut self, port: Address) {
        let meter = self.meters.entry(port).or_default();
        meter.recent[slot(self.step)] += 1;
        meter.last = self.step;
        meter.total += 1;
    }

    /// Returns whether a rate is not zero, so that the picture changes as time passes.
    pub(super) fn is_moving(&self) -> bool {
        self.meters.values().any(|meter| meter.rate() > 0)
    }

    /// Returns how many events a port has had in the last second.
    pub(super) fn rate(&self, port: Address) -> u64 {
        self.meters.get(&port).map_or(0, Meter::rate)
    }

    /// Returns how many events a port has had.
    pub(super) fn total(&self, port: Address) -> u64 {
        self.meters.get(&port).map_or(0, |meter| meter.total)
    }

    /// Returns how long ago the last event of a port was.
    pub(super) fn age(&self, port: Address) -> Age {
        let Some(meter) = self.meters.get(&port) else { return Age::Old };
        match () {
            () if meter.total > 0 && self.step - meter.last < BRIGHT => Age::Now,
            () if meter.rate() > 0 => Age::Recent,
            () => Age::Old,
        }
    }

    /// Forgets all ports but these.
    pub(super) fn keep(&mut self, exists: impl Fn(Address) -> bool) {
        self.meters.retain(|port, _| exists(*port));
    }
}

impl Meter {
    fn rate(&self) -> u64 {
        self.recent.iter().sum()
    }
}

/// Returns the number of the step of a time.
pub(super) fn step(now: Duration) -> u64 {
    u64::try_from(now.as_nanos() / STEP.as_nanos()).unwrap_or(u64::MAX)
}

fn slot(step: u64) -> usize {
    usize::try_from(step % STEPS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: Address = Address::new(128, 0);

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_rate_counts_one_second_and_stands_still_then() {
        let mut activity = Activity::default();
        activity.advance(at(50));
        assert!(!activity.is_moving());
        activity.count(PORT);
        activity.advance(at(550));
        activity.count(PORT);
        assert_eq!((activity.rate(PORT), activity.total(PORT)), (2, 2));
        assert!(activity.advance(at(1000)));
        assert_eq!(activity.rate(PORT), 1, "the first one was more than a second ago");
        assert!(activity.advance(at(1500)));
        assert!(!activity.is_moving());
        assert!(!activity.advance(at(9000)), "nothing changes any more");
        assert_eq!((activity.rate(PORT), activity.total(PORT)), (0, 2));
    }

    #[test]
    fn a_lamp_goes_out_in_two_steps() {
        let mut activity = Activity::default();
        assert_eq!(activity.age(PORT), Age::Old);
        activity.count(PORT);
        for (ms, age) in [(199, Age::Now), (200, Age::Recent), (999, Age::Recent), (1000, Age::Old)]
        {
            activity.advance(at(ms));
            assert_eq!(activity.age(PORT), age, "{ms} ms");
        }
        activity.keep(|_| false);
        assert_eq!(activity.total(PORT), 0);
    }
}
