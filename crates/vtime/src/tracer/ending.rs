//! How a run ends.

use super::{Tracer, signals};
use crate::clock::START;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long processes may go on after `SIGTERM`, when the command has ended, in real time.
const GRACE: Duration = Duration::from_secs(1);

/// Why a run has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The command has ended.
    Exited,
    /// All threads sleep and nothing is due, and programs must not wait for anything outside.
    Deadlock,
    /// The time limit is over.
    TimeLimit,
    /// The world has ended the run.
    World,
}

/// How a run has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The command's exit status as a shell gives it: 128 + n for signal n. It is 124 if the run ended before the
    /// command.
    pub status: u8,
    /// Why it has ended.
    pub reason: Reason,
    /// How much virtual time has passed.
    pub elapsed: Duration,
    /// Who waits for what, as lines of a table, if the reason is [`Reason::Deadlock`].
    pub waits: Vec<String>,
    /// What the run has cost.
    pub stats: Stats,
}

/// What a run has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How often a thread was stopped.
    pub stops: u64,
    /// How often the tracer looked whether all threads sleep.
    pub looks: u64,
    /// How often a wait was ended because its time was over.
    pub timeouts: u64,
    /// How often the world served requests.
    pub served: u64,
    /// How much real time has passed.
    pub real: Duration,
}

impl Tracer {
    /// Returns when the time limit is over.
    pub(super) fn time_limit(&self) -> Option<u64> {
        let limit = self.state.options.time_limit?;
        Some(START.saturating_add(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Ends the run before the command has ended.
    pub(super) fn end(&mut self, status: u8, reason: Reason) {
        self.ending.get_or_insert((status, reason));
        self.kill_all();
    }

    pub(super) fn kill_all(&self) {
        for thread in self.state.threads.values() {
            signals::kill(thread.process, libc::SIGKILL);
        }
    }

    /// Ends the processes that outlive the command.
    pub(super) fn end_leftovers(&mut self) {
        if self.status.is_none() {
            return;
        }
        match self.kill_at {
            None => {
                self.kill_at = Some(Instant::now() + GRACE);
                let processes: BTreeSet<i32> =
                    self.state.threads.values().map(|thread| thread.process).collect();
                for process in processes {
                    signals::kill(process, libc::SIGTERM);
                    // One that is stopped cannot end otherwise.
                    signals::kill(process, libc::SIGCONT);
                }
            }
            Some(at) if Instant::now() >= at => self.kill_all(),
            Some(_) => {}
        }
    }

    pub(super) fn ended(&self) -> Ended {
        let (status, reason) = self.ending.clone().unwrap_or_else(|| {
            let number = match self.status {
                Some(status) if libc::WIFSIGNALED(status) => 128 + libc::WTERMSIG(status),
                Some(status) => libc::WEXITSTATUS(status),
                // Somebody else has taken it.
                None => 127,
            };
            (u8::try_from(number).unwrap_or(u8::MAX), Reason::Exited)
        });
        let elapsed = Duration::from_nanos(self.now() - START);
        Ended { status, reason, elapsed, waits: self.waits.clone(), stats: self.stats }
    }
}
