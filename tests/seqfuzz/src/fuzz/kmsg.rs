//! The kernel's log, read on the machine itself: what a program makes the kernel report while it runs.

use super::execute::Wrong;
use super::finding;
use rustix::fs::{Mode, OFlags, SeekFrom};
use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// The log as records.
const PATH: &str = "/dev/kmsg";
/// Makes the kernel repeat warnings that it prints once.
const CLEAR_ONCE: &str = "/sys/kernel/debug/clear_warn_once";
/// The size of a record, at most.
const RECORD: usize = 8192;
/// Time without a record after which a report that has begun is taken as whole.
const QUIET: Duration = Duration::from_millis(100);
/// Maximum time for which the rest of a report is waited for.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// The kernel's log from the moment on at which it was opened.
#[derive(Debug)]
pub(super) struct KernelLog(OwnedFd);

impl KernelLog {
    /// Opens the log at its end.
    ///
    /// # Errors
    /// A message for people: reading it is a right of root where `kernel.dmesg_restrict` is set.
    pub(super) fn open() -> Result<Self, String> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::open(PATH, flags, Mode::empty());
        let file = opened.map_err(|error| format!("{PATH} cannot be read: {error}"))?;
        rustix::fs::seek(&file, SeekFrom::End(0)).map_err(|error| format!("{PATH}: {error}"))?;
        Ok(Self(file))
    }

    /// Returns the lines that were printed since the last call, as a console shows them.
    fn lines(&self) -> String {
        let mut text = String::new();
        let mut record = [0; RECORD];
        loop {
            match rustix::io::read(&self.0, &mut record) {
                Ok(0) | Err(rustix::io::Errno::AGAIN) => return text,
                Ok(len) => text += &line(&String::from_utf8_lossy(&record[..len])),
                // Records were overwritten before they were read, or a signal came.
                Err(rustix::io::Errno::PIPE | rustix::io::Errno::INTR) => {}
                Err(_) => return text,
            }
        }
    }

    /// Returns the report that the kernel has printed since the last call, if there is one.
    pub(super) fn report(&self) -> Option<Wrong> {
        let mut text = self.lines();
        if text.is_empty() || kreport::read(&text).reports.is_empty() {
            return None;
        }
        let began = Instant::now();
        while began.elapsed() < MAX_WAIT {
            std::thread::sleep(QUIET);
            let more = self.lines();
            if more.is_empty() {
                break;
            }
            text += &more;
        }
        // Without debugfs, a warning that is printed once is found once.
        let _once = fs::write(CLEAR_ONCE, "1");
        let log = kreport::read(&text);
        let cause = log.groups.first().map(|group| group.cause)?;
        let report = log.reports.get(cause)?.text();
        Some(Wrong { key: finding::title(&report), report })
    }
}

/// Turns a record, `level,number,microseconds,flags;text`, into a line of a console.
fn line(record: &str) -> String {
    let (head, text) = record.split_once(';').unwrap_or(("", record));
    let time: u64 = head.split(',').nth(2).and_then(|time| time.parse().ok()).unwrap_or(0);
    // Lines behind the first are `KEY=value`, for programs.
    let text = text.lines().next().unwrap_or_default();
    format!("[{:5}.{:06}] {text}\n", time / 1_000_000, time % 1_000_000)
}

/// Returns the stack in the kernel of another thread of this process, as the lines of a report.
pub(super) fn stack_of(thread: i32) -> String {
    let stack = fs::read_to_string(format!("/proc/self/task/{thread}/stack")).unwrap_or_default();
    let frames = stack.lines().filter_map(|line| line.split_once("] "));
    frames.map(|(_, frame)| format!(" {frame}\n")).collect()
}

/// Returns whether another thread of this process sleeps in the kernel, and not to be woken by signals.
pub(super) fn is_asleep(thread: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, after)| after.starts_with('D'))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_record_becomes_a_line_of_a_console() {
        let record = "4,812,12345678,-;WARNING: CPU: 0 PID: 7 at a.c:1 f+0x1/0x2\n SUBSYSTEM=x\n";
        assert_eq!(line(record), "[   12.345678] WARNING: CPU: 0 PID: 7 at a.c:1 f+0x1/0x2\n");
        assert_eq!(line("no record"), "[    0.000000] no record\n");
    }
}
