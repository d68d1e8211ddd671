//! How long the keeper waits for a process that tries a door.
//!
//! A door that hangs must not hang `run`: the next one is tried. A machine that is busy must not make a good door
//! look like one that hangs. So what counts is not time, but time in which the process could have run and had
//! nothing to do.

use super::tree;
use std::time::{Duration, Instant};

/// Between two looks at the process.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// How long it may sleep without a step forward. An open takes milliseconds; ten seconds leave room for a
/// disk that spins up behind `/proc`, and are short enough for a person who waits.
const STILL: Duration = Duration::from_secs(10);
/// The longest that is waited in all, whatever the process does: nobody waits longer for a command to start.
const LONGEST: Duration = Duration::from_secs(120);

/// Watches what this process has started.
#[derive(Debug)]
pub(super) struct Patience {
    began: Instant,
    /// Since when nothing has moved, and how much CPU time had been used then.
    still: (Instant, u64),
}

impl Patience {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { began: now, still: (now, 0) }
    }

    /// Looks at the process. True: it is not worth waiting for it any longer.
    pub(super) fn is_over(&mut self) -> bool {
        self.judge(Instant::now(), tree::activity())
    }

    fn judge(&mut self, now: Instant, activity: tree::Activity) -> bool {
        let tree::Activity { waits_to_run, cpu_ticks } = activity;
        if waits_to_run || cpu_ticks != self.still.1 {
            self.still = (now, cpu_ticks);
        }
        now - self.still.0 >= STILL || now - self.began >= LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_that_sleeps_without_a_step_is_given_up() {
        let (asleep, busy) = (
            |cpu_ticks| tree::Activity { waits_to_run: false, cpu_ticks },
            tree::Activity { waits_to_run: true, cpu_ticks: 5 },
        );
        let at = |began: Instant, seconds| began + Duration::from_secs(seconds);
        let mut hangs = Patience::new();
        let began = hangs.began;
        assert!(!hangs.judge(at(began, 1), asleep(5)));
        assert!(!hangs.judge(at(began, 10), asleep(5)));
        assert!(hangs.judge(at(began, 11), asleep(5)));
        let mut slow = Patience::new();
        let began = slow.began;
        assert!((1..100).all(|second| !slow.judge(at(began, second), asleep(second / 9))));
        let mut starved = Patience::new();
        let began = starved.began;
        assert!((1..120).all(|second| !starved.judge(at(began, second), busy)));
        assert!(starved.judge(at(began, 120), busy));
    }
}
