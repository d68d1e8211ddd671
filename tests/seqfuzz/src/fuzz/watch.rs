//! The watchdog of a process: ends it with a finding if a call takes too long, or too much memory.

use super::{execute, finding, history, kmsg, report};
use crate::concurrent::device::LEAST_STUCK;
use crate::{memory, tasks};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Maximum number of seconds that a call may take, or what is checked after a program: thousands of times what a program
/// takes on the engine, and long enough for a busy machine.
const HANG_SECONDS: u64 = 10;
/// The same where the kernel's log is read, which may be in an emulated machine on a busy host.
const HANG_SECONDS_MACHINE: u64 = 120;
/// Maximum number of seconds in which a thread is always asleep in the kernel, and not to be woken by signals; or in which this
/// process and the server all sleep.
const ASLEEP_SECONDS: u64 = 10;
/// How many times the limit of a call may grow with the load of the machine.
const MOST_LOAD: u32 = 30;
/// How often the watchdog looks.
const LOOK: Duration = Duration::from_millis(250);
/// Maximum memory of a process, in bytes. A program needs a few hundred KiB.
const MEMORY: usize = 1 << 30;

/// The exit status of a process that has stored a finding about itself and must end.
pub(super) const ENDED: i32 = 86;

/// The program that runs, and since when: for the watchdog.
pub(super) struct Watch {
    pub(super) began: Instant,
    /// Milliseconds since `began` at which the present program started; 0 between programs.
    pub(super) started: AtomicU64,
    dir: PathBuf,
    pub(super) jobs: PathBuf,
    job: usize,
    /// Maximum number of seconds that a call may take.
    hang: u64,
    /// The thread that runs programs, if its stack in the kernel is of interest.
    thread: Option<i32>,
    /// Whether the process before this one is a server of ours, or has started it.
    ours: bool,
}

impl Watch {
    /// Returns one for the calling thread of a process, which runs programs. With the kernel's log, its sleep in the kernel
    /// is looked at, too; with `ours`, whether all that the command which runs this process has started sleeps.
    pub(super) fn new(dir: &Path, job: usize, kernel_log: bool, ours: bool) -> Self {
        Self {
            began: Instant::now(),
            started: AtomicU64::new(0),
            dir: dir.to_owned(),
            jobs: dir.join("jobs"),
            job,
            hang: if kernel_log { HANG_SECONDS_MACHINE } else { HANG_SECONDS },
            thread: kernel_log.then(|| rustix::thread::gettid().as_raw_nonzero().get()),
            ours,
        }
    }

    /// Returns the time in milliseconds since it began.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// Returns how many times longer a call may take than on an idle machine. A machine whose kernel is fuzzed has no
    /// other load, and its limit is long.
    fn load(&self) -> u32 {
        if self.thread.is_some() {
            return 1;
        }
        load_now()
    }

    /// Returns whether nothing goes on that could end the call: the thread sleeps in the kernel, or this process and the server
    /// sleep. A task that waits for a processor does not sleep, so the load does not matter. `long` says whether the call was
    /// there at the last look.
    fn is_asleep(&self, long: bool) -> bool {
        if let Some(thread) = self.thread {
            return kmsg::is_asleep(thread);
        }
        let all = || tasks::tree(std::os::unix::process::parent_id());
        let own = Some(tasks::own());
        self.ours && long && all().into_iter().all(|process| tasks::sleep(process, own))
    }

    /// Ends the process with a finding if a call takes too long, or too much memory.
    pub(super) fn watch(&self) -> ! {
        let looks = |seconds: u64| u128::from(seconds) * 1000 / LOOK.as_millis();
        // Looks are counted, since a machine may get no processor for seconds.
        let (mut last, mut same, mut asleep) = ((0, 0), 0, 0);
        loop {
            std::thread::sleep(LOOK);
            let started = self.started.load(Ordering::Relaxed);
            // A program may make a thousand calls, each of which takes milliseconds.
            let now = (started, execute::CALLS.load(Ordering::Relaxed));
            (same, asleep) = if now == last { (same + 1, asleep) } else { (0, 0) };
            last = now;
            asleep += u128::from(self.is_asleep(same > 0));
            // A thread that sleeps in a loop is caught awake now and then.
            let long_asleep = asleep > looks(ASLEEP_SECONDS) && asleep * 4 > same * 3;
            let stuck = execute::STUCK.load(Ordering::Relaxed);
            let hangs = started > 0
                && (long_asleep
                    || stuck
                    || same > looks(self.hang) && same > looks(self.hang * u64::from(self.load())));
            let live = memory::live();
            if !hangs && live < MEMORY {
                continue;
            }
            let call = execute::current_call();
            let report = if hangs {
                let stack = self.thread.map_or_else(String::new, kmsg::stack_of);
                let seconds = match (stuck, long_asleep) {
                    (true, _) => LEAST_STUCK.as_secs(),
                    (_, true) => ASLEEP_SECONDS,
                    _ => self.hang,
                };
                report::hang(call, seconds, &stack)
            } else {
                report::leak(call, live)
            };
            let program = current(&self.jobs.join(format!("{}.current", self.job)));
            let stored =
                finding::store(&self.dir, &report, "", &program).and_then(|(folder, new)| {
                    if !new {
                        return Ok(());
                    }
                    // It is shrunk by others.
                    fs::write(folder.join("once"), "")?;
                    finding::keep_history(&folder, &history::path(&self.dir, self.job))
                });
            if let Err(error) = stored {
                eprintln!("seqfuzz: a finding cannot be stored: {error}\n{report}{program}");
            }
            if self.thread.is_some() {
                // For whoever waits for this process: a thread that sleeps in the kernel may never end.
                let _tells_less = fs::write(self.jobs.join(format!("{}.ended", self.job)), "");
                // What it waits for may be another file of ours.
                crate::sys::close_sound_files();
            }
            std::process::exit(ENDED);
        }
    }
}

/// Returns the time after which a watchdog has reported a call that began before now, on the devices of a kernel or elsewhere.
pub(super) fn longest_hang(kernel: bool) -> Duration {
    let seconds = HANG_SECONDS * u64::from(load_now());
    let seconds = if kernel { seconds.max(HANG_SECONDS_MACHINE) } else { seconds };
    // The looks of a busy machine are further apart than they should be.
    Duration::from_secs(seconds) * 3 / 2
}

/// Returns how many tasks share a CPU.
fn load_now() -> u32 {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    tasks_for_each_cpu(&fs::read_to_string("/proc/loadavg").unwrap_or_default(), cpus)
}

/// Returns how many tasks shared a CPU in the last minute, from the text of `/proc/loadavg`: 1 to [`MOST_LOAD`].
fn tasks_for_each_cpu(loadavg: &str, cpus: usize) -> u32 {
    let first = loadavg.split('.').next().and_then(|whole| whole.parse().ok());
    let tasks: u32 = first.unwrap_or(0);
    (tasks / u32::try_from(cpus).unwrap_or(u32::MAX)).clamp(1, MOST_LOAD)
}

/// Reads the program that a process has noted before it ran it.
pub(super) fn current(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_a_call_follows_the_load() {
        let cases = [("0.07", 1), ("3.99", 1), ("28.89", 14), ("412.00", MOST_LOAD), ("", 1)];
        for (first, times) in cases {
            assert_eq!(tasks_for_each_cpu(&format!("{first} 43.37 48.13 3/900 4711\n"), 2), times);
        }
        assert_eq!(tasks_for_each_cpu("", 2), 1);
    }
}
