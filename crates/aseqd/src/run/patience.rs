//! Decides how long the keeper waits for a process that tries a door.
//!
//! A door that hangs must not hang `run`, so the keeper gives it up and tries the next one. But a good door must not
//! look as if it hangs because the machine is busy. So only time counts in which the process could have run and had
//! nothing to do.

use super::tree;
use std::time::{Duration, Instant};

/// Time between two looks at the process.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long the process may sleep without using CPU time. An open takes milliseconds. Ten seconds leave time for a disk
/// to spin up, and a person can wait for them.
const MAX_IDLE: Duration = Duration::from_secs(10);
/// The longest wait, whatever the process does: a person would not wait longer for a command to start.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// Watches the process that tries a door, and its children.
#[derive(Debug)]
pub(super) struct Patience {
    began: Instant,
    /// Since when the process has been idle, and the CPU time that it had used then.
    idle: (Instant, u64),
}

impl Patience {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { began: now, idle: (now, 0) }
    }

    /// Looks at the process. Returns whether to give it up.
    pub(super) fn is_over(&mut self) -> bool {
        self.judge(Instant::now(), tree::activity())
    }

    fn judge(&mut self, now: Instant, activity: tree::Activity) -> bool {
        let tree::Activity { waits_to_run, cpu_ticks } = activity;
        if waits_to_run || cpu_ticks != self.idle.1 {
            self.idle = (now, cpu_ticks);
        }
        now - self.idle.0 >= MAX_IDLE || now - self.began >= MAX_WAIT
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
