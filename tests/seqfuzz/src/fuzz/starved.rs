//! Whether a machine got a processor. An emulated one on a busy host does not, and reports that its own processors stand still.

use crate::tasks;
use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, Instant};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// The time before a report that counts: more than what [`TOLD`](super::machine::TOLD) gives a processor that stands still.
const WINDOW: Duration = Duration::from_secs(300);
/// A machine is starved whose threads have waited for a processor this many times as long as they had one.
const TIMES: u32 = 4;
/// And at least so long, all together.
const LEAST: Duration = Duration::from_secs(60);
/// Titles of reports that a kernel makes if it gets no processor.
const STALLS: [&str; 5] = [
    "INFO: rcu detected stall",
    "INFO: task hung",
    "BUG: soft lockup",
    "BUG: workqueue lockup",
    "no output from test machine",
];

/// How long threads had a processor, and how long they waited for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scheduled {
    /// With a processor.
    pub(super) ran: Duration,
    /// Ready, without one.
    pub(super) waited: Duration,
}

/// The processes of a machine, watched since their start.
#[derive(Debug, Default)]
pub(super) struct Starved {
    looks: VecDeque<(Instant, Scheduled)>,
}

impl Starved {
    /// Looks at the processes below one, now and then.
    pub(super) fn look(&mut self, command: u32) {
        let now = Instant::now();
        if self.looks.back().is_none_or(|(last, _)| now - *last >= EVERY) {
            self.note(now, scheduled(command));
        }
    }

    fn note(&mut self, now: Instant, scheduled: Scheduled) {
        self.looks.push_back((now, scheduled));
        // One look before the window stays.
        while self.looks.get(1).is_some_and(|(second, _)| now - *second >= WINDOW) {
            self.looks.pop_front();
        }
    }

    /// Returns what a machine had in the time before now, if that explains a report with this title.
    pub(super) fn explains(&self, title: &str) -> Option<Scheduled> {
        let (first, last) = (self.looks.front()?.1, self.looks.back()?.1);
        // A thread that has ended is not counted any more.
        let ran = last.ran.saturating_sub(first.ran);
        let waited = last.waited.saturating_sub(first.waited);
        let starved = waited >= LEAST && waited > ran * TIMES;
        let stall = STALLS.iter().any(|stall| title.starts_with(stall));
        (starved && stall).then_some(Scheduled { ran, waited })
    }
}

/// Returns the times of all threads of a process and of those below it, as far as this kernel keeps them.
fn scheduled(process: u32) -> Scheduled {
    let mut all = Scheduled::default();
    for process in tasks::tree(process) {
        for task in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let mut times = text.split_whitespace().filter_map(|time| time.parse().ok());
            all.ran += Duration::from_nanos(times.next().unwrap_or(0));
            all.waited += Duration::from_nanos(times.next().unwrap_or(0));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: &[(u64, u64, u64)]) -> Starved {
        let (start, mut starved) = (Instant::now(), Starved::default());
        for (at, ran, waited) in seconds {
            let (ran, waited) = (Duration::from_secs(*ran), Duration::from_secs(*waited));
            starved.note(start + Duration::from_secs(*at), Scheduled { ran, waited });
        }
        starved
    }

    #[test]
    fn a_stall_of_a_machine_without_a_processor_is_explained() {
        let stall = "INFO: rcu detected stall in snd_seq_ioctl";
        let starved = after(&[(0, 0, 0), (240, 4, 470)]);
        let had = Scheduled { ran: Duration::from_secs(4), waited: Duration::from_secs(470) };
        assert_eq!(starved.explains(stall), Some(had));
        assert_eq!(starved.explains("WARNING in snd_seq_ioctl"), None, "it has another reason");
        assert_eq!(after(&[(0, 0, 0), (240, 240, 10)]).explains(stall), None, "it had a processor");
        assert_eq!(after(&[(0, 0, 0), (240, 0, 0)]).explains(stall), None, "it slept");
        assert_eq!(Starved::default().explains(stall), None);
    }

    #[test]
    fn only_the_last_minutes_count() {
        let looks = (0_u64..200).map(|at| (at * 5, at.saturating_sub(100) * 5, at.min(100) * 9));
        let looks: Vec<_> = looks.collect();
        assert_eq!(after(&looks).explains("BUG: soft lockup in x"), None);
        assert!(after(&looks[..101]).explains("BUG: soft lockup in x").is_some());
        assert_eq!(after(&looks).looks.len(), 61);
    }

    #[test]
    fn this_process_has_run() {
        // Nobody counts on a kernel without CONFIG_SCHED_INFO.
        if fs::read_to_string("/proc/self/schedstat").is_ok_and(|text| !text.starts_with("0 0")) {
            assert!(scheduled(std::process::id()).ran > Duration::ZERO);
        }
    }
}
