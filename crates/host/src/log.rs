//! The server's messages on standard error.
//!
//! No message may end or delay the server. A line that cannot be written at once (a full pipe, a stopped terminal, a
//! closed pipe) is dropped; `eprintln!` would wait or panic. Clients can cause messages, so each kind of
//! message is limited to one line a second, and its next line says how many were left out. A kind is a string in the
//! program, so there are few kinds.

use crate::error::harmless;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;
use std::cell::RefCell;
use std::fmt;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Minimum time between two lines of one kind.
const INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of bytes in a line: what a writable pipe takes in one write (`PIPE_BUF`).
const LONGEST: usize = 4096;

/// The state of one kind of message.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    last: Option<Instant>,
    /// Messages that were left out since the last line.
    left_out: u64,
}

#[derive(Debug, Default)]
struct Log {
    told: Vec<(&'static str, Told)>,
    /// Lines that could not be written.
    lost: u64,
}

thread_local! {
    /// Only the serving thread writes messages, so no lock is needed.
    static LOG: RefCell<Log> = RefCell::default();
}

/// Writes a line, at most one a second of each kind.
pub fn tell(kind: &'static str, what: fmt::Arguments<'_>) {
    LOG.with_borrow_mut(|log| {
        if let Some(line) = log.line(kind, what, Instant::now()) {
            log.write(std::io::stderr(), &line);
        }
    });
}

/// Writes a line for `--trace`, without a rate limit.
pub fn trace(what: fmt::Arguments<'_>) {
    LOG.with_borrow_mut(|log| log.write(std::io::stderr(), &format!("aseqd: {what}")));
}

impl Log {
    /// Returns the line, unless the last one of its kind was less than [`INTERVAL`] ago.
    fn line(
        &mut self,
        kind: &'static str,
        what: fmt::Arguments<'_>,
        now: Instant,
    ) -> Option<String> {
        let at = self.told.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            self.told.push((kind, Told::default()));
            self.told.len() - 1
        });
        let told = &mut self.told[at].1;
        if told.last.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            told.left_out += 1;
            return None;
        }
        told.last = Some(now);
        match std::mem::take(&mut told.left_out) {
            0 => Some(format!("aseqd: {what}")),
            more => Some(format!("aseqd: {what} (and {more} more since the last such line)")),
        }
    }

    /// Writes a line if that does not block, and drops it otherwise.
    fn write(&mut self, to: impl AsFd, line: &str) {
        // Other users choose the names of processes, which are part of messages.
        let mut line = harmless(line);
        if self.lost > 0 {
            line.push_str(&format!(" ({} lines before it could not be written)", self.lost));
        }
        let end = (0..LONGEST).rev().find(|at| line.is_char_boundary(*at));
        line.truncate(end.unwrap_or(0));
        line.push('\n');
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut ready = [PollFd::new(&to, PollFlags::OUT)];
        let free = poll(&mut ready, Some(&now)).is_ok()
            && ready[0].revents().contains(PollFlags::OUT)
            && !ready[0].revents().intersects(PollFlags::ERR | PollFlags::NVAL);
        if free && rustix::io::write(&to, line.as_bytes()).is_ok() {
            self.lost = 0;
        } else {
            self.lost += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};

    #[test]
    fn one_line_a_second_of_each_kind_says_how_many_were_left_out() {
        let mut log = Log::default();
        let start = Instant::now();
        let mut line = |kind, after| log.line(kind, format_args!("x"), start + after);
        let (short, whole) = (INTERVAL / 2, INTERVAL);
        assert_eq!(line("file", Duration::ZERO).as_deref(), Some("aseqd: x"));
        assert_eq!(line("file", short), None);
        assert_eq!(line("file", short), None);
        assert_eq!(line("nonsense", short).as_deref(), Some("aseqd: x"), "another kind");
        let told = line("file", whole);
        assert_eq!(told.as_deref(), Some("aseqd: x (and 2 more since the last such line)"));
        assert_eq!(line("file", whole * 2).as_deref(), Some("aseqd: x"));
    }

    #[test]
    fn a_line_neither_waits_for_a_reader_nor_ends_without_one() {
        let mut log = Log::default();
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        // Until the pipe is full, and on: this would sleep for ever.
        let long = "y".repeat(2 * LONGEST);
        for _ in 0..1000 {
            log.write(&writer, &long);
        }
        assert!(log.lost > 900, "{}", log.lost);
        let mut bytes = vec![0; LONGEST * 2];
        while rustix::io::ioctl_fionread(&reader).expect("a pipe") > 0 {
            rustix::io::read(&reader, &mut bytes).expect("bytes");
        }
        log.write(&writer, "z\u{1b}[2J");
        let read = rustix::io::read(&reader, &mut bytes).expect("the line");
        let line = String::from_utf8_lossy(&bytes[..read]);
        assert!(
            line.starts_with("z?[2J (")
                && line.ends_with(" lines before it could not be written)\n")
        );
        assert_eq!(log.lost, 0);
        drop(reader);
        log.write(&writer, "nobody reads");
        assert_eq!(log.lost, 1);
    }
}
