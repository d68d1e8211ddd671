//! Puts the server on its caller's processor while calls follow each other at once.
//!
//! A program that waits for each answer and a server that waits for each call never run at the same
//! time. On two processors each hand-over wakes one that was idle, which takes several times as long as
//! the work; on one it is a switch. The kernel finds that out for pipes and sockets, whose wake-ups say
//! that the waker is about to sleep, but not for `/dev/fuse`.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs;

/// Calls of a flood between two looks at where the caller runs. A look reads a file of `/proc`: this rarely, it
/// costs next to nothing.
const CALLS_PER_LOOK: u32 = 512;

/// Where the server's thread may run.
#[derive(Debug)]
pub(super) struct Placement {
    /// The processors of the time before; none if they cannot be changed.
    anywhere: Option<CpuSet>,
    /// The processor in a flood.
    at: Option<usize>,
    calls: u32,
}

impl Placement {
    /// Returns the processors on which this thread may run now.
    pub(super) fn new() -> Self {
        Self { anywhere: sched_getaffinity(None).ok(), at: None, calls: 0 }
    }

    /// Goes to the processor of a thread that calls in a flood.
    pub(super) fn follow(&mut self, thread: i32) {
        self.calls = (self.calls + 1) % CALLS_PER_LOOK;
        let Some(anywhere) = &self.anywhere else { return };
        if self.calls != 1 {
            return;
        }
        let processor = processor_of(thread).filter(|processor| anywhere.is_set(*processor));
        let Some(processor) = processor.filter(|processor| self.at != Some(*processor)) else {
            return;
        };
        let mut there = CpuSet::new();
        there.set(processor);
        if sched_setaffinity(None, &there).is_ok() {
            self.at = Some(processor);
        }
    }

    /// Goes back to all processors, after a flood.
    pub(super) fn release(&mut self) {
        self.calls = 0;
        if self.at.take().is_some()
            && let Some(anywhere) = &self.anywhere
            && sched_setaffinity(None, anywhere).is_err()
        {
            // It stays where it is from now on.
            self.anywhere = None;
        }
    }
}

/// Returns where a thread ran last: the 39th field of its `stat`, see proc_pid_stat(5).
fn processor_of(thread: i32) -> Option<usize> {
    let stat = fs::read_to_string(format!("/proc/{thread}/stat")).ok()?;
    // The name, in parentheses, may contain any bytes.
    let fields = stat.get(stat.rfind(')')? + 1..)?;
    fields.split_whitespace().nth(36)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> CpuSet {
        sched_getaffinity(None).unwrap()
    }

    #[test]
    fn the_server_follows_its_caller_and_comes_back() {
        let before = allowed();
        let own = rustix::thread::gettid().as_raw_nonzero().get();
        let mut placement = Placement::new();
        placement.follow(own);
        let at = placement.at.expect("this thread runs somewhere");
        assert_eq!(allowed().count(), 1);
        assert!(allowed().is_set(at) && before.is_set(at));
        placement.release();
        assert_eq!(allowed(), before);
    }

    #[test]
    fn a_thread_that_is_gone_moves_nobody() {
        let before = allowed();
        let mut placement = Placement::new();
        placement.follow(i32::MAX);
        assert_eq!(placement.at, None);
        assert_eq!(allowed(), before);
    }
}
