//! Finds, signals and kills the descendants of this process.

use super::replaced::SND;
use aseqd_server::door::nodes;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, wait};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How long a process that holds the device open may take to end after SIGTERM, and after SIGKILL.
pub(super) const GRACE: Duration = Duration::from_millis(500);
/// The most rounds of killing, a millisecond apart. A process may fork after it was seen and before it is killed, so
/// one round can miss its child.
const MAX_ROUNDS: usize = 100;

/// Kills all descendants of this process, and reaps them.
pub(super) fn kill_all() {
    for _ in 0..MAX_ROUNDS {
        let descendants = descendants();
        for pid in &descendants {
            signal(*pid, Signal::KILL);
        }
        while wait(WaitOptions::NOHANG).is_ok_and(|child| child.is_some()) {}
        if descendants.is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Makes this process the subreaper of its descendants: those that lose their parent become its children, so that it
/// finds them at the end. Returns the error where that is not possible, as in a program that QEMU translates: such
/// processes become children of init, and [`kill_all`] does not find them.
pub(super) fn adopt_orphans() -> Result<(), Errno> {
    // Any process id that is not 0 stands for "yes" (`PR_SET_CHILD_SUBREAPER`).
    set_child_subreaper(Pid::from_raw(1))
}

/// Returns the processes that have the device open. They need not have opened it themselves: a process that becomes a
/// daemon leaves its files to a child. They are descendants of this process; if it does not `adopt` orphans, they are
/// also those of all other processes that have a file of ours without a name. `is_end` tells whether the inode of such
/// a file is one of ours.
pub(super) fn holders(adopts: bool, is_end: impl Fn(u64) -> bool) -> Vec<i32> {
    let descendants = descendants();
    let mut holders: Vec<_> =
        descendants.iter().copied().filter(|pid| holds(*pid, true, &is_end)).collect();
    if !adopts {
        let own = getpid().as_raw_nonzero().get();
        let others = parents().into_keys().filter(|pid| *pid != own && !descendants.contains(pid));
        // By another name, such as /dev/snd/seq, a process that is not of this run may have another device open.
        holders.extend(others.filter(|pid| holds(*pid, false, &is_end)));
    }
    holders
}

/// Returns whether a process has the device open: by a file without a name, or also `by_name`.
fn holds(pid: i32, by_name: bool, is_end: impl Fn(u64) -> bool) -> bool {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut links = files.filter_map(|file| std::fs::read_link(file.path()).ok());
    links.any(|link| {
        let text = link.to_string_lossy();
        let number = text.split_once(":[").and_then(|(_, rest)| rest.strip_suffix(']'));
        match number.and_then(|number| number.parse().ok()) {
            // `socket:[4711]`.
            Some(inode) => is_end(inode),
            None => {
                by_name
                    && nodes().iter().any(|(name, _)| {
                        // In the command's namespace, only this device has the first name. A file that was handed over has
                        // the second: it is in the root of a mount that is attached nowhere.
                        link == Path::new(SND).join(name) || link == Path::new("/").join(name)
                    })
            }
        }
    })
}

/// Sends a signal to a process, if it still exists.
pub(super) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _gone = kill_process(pid, signal);
    }
}

/// What the descendants of this process do, taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Activity {
    /// Whether one of them is ready to run or waits for a disk.
    pub(super) waits_to_run: bool,
    /// The CPU time that they have used, in clock ticks (`sysconf(_SC_CLK_TCK)`).
    pub(super) cpu_ticks: u64,
}

/// Returns what the descendants of this process do now.
pub(super) fn activity() -> Activity {
    let mut all = Activity::default();
    for pid in descendants() {
        let Some((state, cpu_ticks)) = state_of(pid) else { continue };
        all.waits_to_run |= matches!(state, 'R' | 'D');
        all.cpu_ticks += cpu_ticks;
    }
    all
}

/// Returns state and CPU time of a process: fields 3, 14 and 15 of proc_pid_stat(5).
fn state_of(pid: i32) -> Option<(char, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = after.split(' ').collect();
    let time = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((fields.first()?.chars().next()?, time(11)? + time(12)?))
}

/// Returns the ids of all descendants of this process.
fn descendants() -> Vec<i32> {
    let parents = parents();
    let own = getpid().as_raw_nonzero().get();
    let is_descendant = |pid: i32| {
        let mut ancestor = parents.get(&pid).copied();
        // Bounded, because a table that was read while processes come and go may contain a ring.
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

/// Returns every living process with its parent.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_child_that_computes_is_active() {
        let mut child = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let end = std::time::Instant::now() + Duration::from_secs(60);
        // The system counts in steps: two of them have to be used.
        while state_of(pid).is_none_or(|(state, ticks)| state != 'R' || ticks < 2) {
            assert!(std::time::Instant::now() < end, "{:?}", state_of(pid));
        }
        assert!(activity().cpu_ticks >= 2);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(state_of(pid), None);
    }
}
