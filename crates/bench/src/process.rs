//! What processes use of the machine, from `/proc`.

use aseqd_host::error::{Context as _, Fail};
use std::fs;
use std::path::PathBuf;

/// `SCHED_FIFO` of `sched.h`, as `/proc/PID/stat` has it.
const SCHED_FIFO: u64 = 1;
/// Position of the field `policy` in `/proc/PID/stat`, counted from the one after the name (proc_pid_stat(5)).
const POLICY_FIELD: usize = 41 - 3;

/// A process with all its threads, by its id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process(pub(super) u32);

/// What a process has used since its start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu_ns: u64,
    /// How often it slept and was woken.
    pub(super) wakeups: u64,
}

impl Process {
    /// Returns the server of the run in which this process is, which is its parent, or nothing outside a run.
    pub(super) fn server() -> Option<Self> {
        let served = std::env::var_os(super::program::SERVED).is_some();
        served.then(|| Self(std::os::unix::process::parent_id()))
    }

    /// Returns what the threads that still run have used, all together.
    pub(super) fn usage(self) -> Result<Usage, Fail> {
        let tasks = format!("/proc/{}/task", self.0);
        let mut usage = Usage::default();
        for task in fs::read_dir(&tasks).with_context(|| tasks.clone())?.flatten() {
            let path = task.path();
            // The first figure is the time on a CPU in nanoseconds. A kernel may be built without this file.
            let files = [path.join("schedstat"), path.join("status")].map(read_text);
            // The thread has ended meanwhile.
            let [Ok(schedstat), Ok(status)] = files else { continue };
            let first = schedstat.split_whitespace().next().and_then(|first| first.parse().ok());
            let cpu_ns: u64 = first.ok_or_else(|| Fail::new("this kernel has no schedstat"))?;
            usage.cpu_ns += cpu_ns;
            usage.wakeups += status_field(&status, "voluntary_ctxt_switches")
                .ok_or_else(|| Fail::new("this kernel does not count context switches"))?;
        }
        Ok(usage)
    }

    /// Returns whether its main thread runs under SCHED_FIFO.
    pub(super) fn is_fifo(self) -> bool {
        let stat = read_text(PathBuf::from(format!("/proc/{}/stat", self.0))).unwrap_or_default();
        // The name is in parentheses, and may itself contain parentheses and spaces.
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        fields.split(' ').nth(POLICY_FIELD).and_then(|field| field.parse().ok()) == Some(SCHED_FIFO)
    }

    /// Returns the most memory that it has had so far, in bytes.
    pub(super) fn peak_memory(self) -> Result<u64, Fail> {
        let status = read_text(PathBuf::from(format!("/proc/{}/status", self.0)))?;
        let kib =
            status_field(&status, "VmHWM").ok_or_else(|| Fail::new("the process has ended"))?;
        Ok(kib * 1024)
    }
}

impl Usage {
    /// Returns what was used after `before`.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns.saturating_sub(before.cpu_ns),
            wakeups: self.wakeups.saturating_sub(before.wakeups),
        }
    }
}

fn read_text(path: PathBuf) -> Result<String, Fail> {
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// Returns a number of `/proc/PID/status` by its name.
fn status_field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_process_has_used_something() {
        let own = Process(std::process::id());
        let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
        // The kernel counts in steps, so this works until one step is over.
        while own.usage().unwrap().cpu_ns == 0 {
            assert!(std::time::Instant::now() < end, "nothing was used in 10 s");
            std::hint::black_box((0..100_000_u64).sum::<u64>());
        }
        assert!(own.peak_memory().unwrap() > 100_000);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let status =
            "VmHWM:\t  123 kB\nnonvoluntary_ctxt_switches:\t9\nvoluntary_ctxt_switches:\t7\n";
        assert_eq!(status_field(status, "VmHWM"), Some(123));
        assert_eq!(status_field(status, "voluntary_ctxt_switches"), Some(7));
        assert_eq!(status_field(status, "VmRSS"), None);
    }
}
