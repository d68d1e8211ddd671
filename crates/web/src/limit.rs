//! A limit of messages a second.

use std::time::{Duration, Instant};

/// Messages a second that a client may send. A glissando over all keys of a piano with both hands has about 100.
pub(crate) const RATE: u32 = 200;
/// How many may come at once: two seconds' worth, which a busy browser sends when it goes on.
const BURST: u32 = 2 * RATE;

/// Counts messages: each takes one of what is left, which fills up again.
#[derive(Debug)]
pub(crate) struct Limit {
    /// In thousandths.
    left: u64,
    at: Instant,
}

impl Limit {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { left: BURST as u64 * 1000, at: now }
    }

    /// Counts a message. Returns whether it may come.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at);
        let passed =
            u64::try_from(passed.min(Duration::from_secs(60)).as_millis()).unwrap_or(60_000);
        // Not less than a millisecond: the rest would be lost.
        if passed > 0 {
            self.at = now;
            self.left = (self.left + passed * u64::from(RATE)).min(u64::from(BURST) * 1000);
        }
        let takes = self.left >= 1000;
        self.left -= if takes { 1000 } else { 0 };
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let start = Instant::now();
        let mut limit = Limit::new(start);
        let at = |limit: &mut Limit, ms: u64| {
            (0..10_000).filter(|_| limit.take(start + Duration::from_millis(ms))).count()
        };
        assert_eq!(at(&mut limit, 0), BURST as usize);
        assert_eq!(at(&mut limit, 0), 0);
        assert_eq!(at(&mut limit, 500), RATE as usize / 2);
        assert_eq!(at(&mut limit, 501), 0, "a fifth of one is there");
        assert_eq!(at(&mut limit, 506), 1);
        assert_eq!(at(&mut limit, 1_000_000), BURST as usize);
    }
}
