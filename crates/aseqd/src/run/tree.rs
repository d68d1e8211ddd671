//! The processes that the command has left.

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a process that holds the device has to end by itself.
pub(super) const GRACE: Duration = Duration::from_millis(500);
/// Rounds of killing: a process may fork between being seen and being killed.
const ROUNDS: usize = 100;

/// Kills every descendant of this process, and reaps them.
pub(super) fn kill_all() {
    for _ in 0..ROUNDS {
        let descendants = descendants();
        for pid in &descendants {
            signal(*pid, Signal::KILL);
        }
        while waitpid(None, WaitOptions::NOHANG).is_ok_and(|child| child.is_some()) {}
        if descendants.is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The descendants of this process among some processes.
pub(super) fn descendants_among(processes: impl Iterator<Item = i32>) -> Vec<i32> {
    let wanted: Vec<i32> = processes.collect();
    if wanted.is_empty() {
        return wanted;
    }
    descendants().into_iter().filter(|pid| wanted.contains(pid)).collect()
}

/// Signals a process, if it is still there.
pub(super) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _gone = kill_process(pid, signal);
    }
}

fn descendants() -> Vec<i32> {
    let parents = parents();
    let own = getpid().as_raw_nonzero().get();
    let is_descendant = |pid: i32| {
        let mut ancestor = parents.get(&pid).copied();
        // Bounded: a table read while processes come and go might have a ring.
        for _ in 0..parents.len() {
            match ancestor {
                Some(pid) if pid == own => return true,
                Some(pid) => ancestor = parents.get(&pid).copied(),
                None => return false,
            }
        }
        false
    };
    parents.keys().copied().filter(|pid| is_descendant(*pid)).collect()
}

/// Every living process and its parent.
fn parents() -> BTreeMap<i32, i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter_map(|number| {
            let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
            // The name in parentheses may have anything in it; the state and the parent follow.
            let (_, after) = stat.rsplit_once(") ")?;
            let mut fields = after.split(' ');
            let state = fields.next()?;
            let parent = fields.next()?.parse().ok()?;
            (state != "Z").then_some((number, parent))
        })
        .collect()
}
