//! How late the events of each port were.

use aseqd_abi::Address;
use std::collections::{BTreeMap, VecDeque};

/// Median and percentile are of this many events.
pub(super) const RECENT: usize = 1024;
/// The upper bounds of the classes that events are counted in, in microseconds. The last class has none.
pub(super) const BOUNDS: [i64; 11] =
    [20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000];

/// The lateness of one port's events.
#[derive(Clone, Debug, Default)]
pub(super) struct Lates {
    pub(super) count: u64,
    /// The most, in nanoseconds.
    pub(super) worst: i64,
    /// How many events were in each class.
    pub(super) classes: [u64; BOUNDS.len() + 1],
    recent: VecDeque<i64>,
}

impl Lates {
    fn add(&mut self, late: i64) {
        self.worst = if self.count == 0 { late } else { self.worst.max(late) };
        self.count += 1;
        self.classes[BOUNDS.partition_point(|bound| bound * 1000 <= late)] += 1;
        self.recent.push_back(late);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// Returns the lateness that this share of the last events does not exceed, in nanoseconds.
    pub(super) fn percentile(&self, hundredths: usize) -> i64 {
        let mut sorted: Vec<_> = self.recent.iter().copied().collect();
        sorted.sort_unstable();
        let index = (sorted.len() * hundredths / 100).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or_default()
    }
}

/// The lateness of the events of all ports.
#[derive(Clone, Debug, Default)]
pub(super) struct AllLates {
    pub(super) ports: BTreeMap<Address, Lates>,
    pub(super) all: Lates,
}

impl AllLates {
    /// Takes in the lateness of an event, in nanoseconds.
    pub(super) fn add(&mut self, port: Address, late: i64) {
        self.ports.entry(port).or_default().add(late);
        self.all.add(late);
    }

    /// Forgets all ports but these.
    pub(super) fn keep(&mut self, exists: impl Fn(Address) -> bool) {
        self.ports.retain(|port, _| exists(*port));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_counted_in_classes_and_sorted() {
        let port = Address::new(128, 0);
        let mut lates = AllLates::default();
        for late in [-5, 19_999, 20_000, 999_999_999] {
            lates.add(port, late);
        }
        let of = &lates.ports[&port];
        assert_eq!((of.count, of.worst), (4, 999_999_999));
        assert_eq!((of.classes[0], of.classes[1], of.classes[BOUNDS.len()]), (2, 1, 1));
        assert_eq!((of.percentile(50), of.percentile(99)), (20_000, 999_999_999));
        for late in 0..2 * RECENT as i64 {
            lates.add(port, late);
        }
        assert_eq!(lates.ports[&port].percentile(0), RECENT as i64, "of the last ones");
        lates.keep(|_| false);
        assert!(lates.ports.is_empty() && lates.all.count > 0);
        assert_eq!(Lates::default().percentile(50), 0);
    }
}
