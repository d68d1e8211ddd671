//! The memory of a server under a campaign.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time after which a server has all that it keeps for reuse.
const WARM: Duration = Duration::from_secs(30);
/// Growth that is a finding, in bytes. A program needs some hundred KiB and leaves nothing; a server that keeps a KiB of
/// each program has grown by as much after a minute.
const GROWTH: usize = 64 << 20;
/// Size of a page, in which Linux counts the memory of a process here.
const PAGE: usize = 4096;

/// What is known about the memory of a server.
#[derive(Debug)]
pub(super) struct Server {
    started: Instant,
    looked: Instant,
    /// How much it had when it was warm.
    warm: Option<usize>,
    told: bool,
}

impl Server {
    /// Returns a server that has just been started.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { started: now, looked: now, warm: None, told: false }
    }

    /// Looks at the memory of a command and of the processes that it has made of itself, once a second. Returns by how many
    /// bytes it has grown if that is a finding, once.
    pub(super) fn look(&mut self, command: u32) -> Option<usize> {
        if self.told || self.looked.elapsed() < Duration::from_secs(1) {
            return None;
        }
        self.looked = Instant::now();
        let now = memory(command)?;
        if self.started.elapsed() < WARM {
            return None;
        }
        let grown = now.saturating_sub(*self.warm.get_or_insert(now));
        self.told = grown > GROWTH;
        self.told.then_some(grown)
    }
}

/// Returns the resident memory of a process and of its children that run the same program, in bytes.
fn memory(process: u32) -> Option<usize> {
    let program = |process: u32| fs::read_link(format!("/proc/{process}/exe")).ok();
    let resident = |process: u32| -> Option<usize> {
        let text = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
        text.split(' ').nth(1)?.parse::<usize>().ok().map(|pages| pages * PAGE)
    };
    let own: PathBuf = program(process)?;
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let children = children.unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    let same = children.filter(|child| program(*child).as_ref() == Some(&own));
    Some(resident(process)? + same.filter_map(resident).sum::<usize>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_once_and_only_after_the_start() {
        let own = std::process::id();
        let long_ago = Instant::now().checked_sub(WARM * 2).expect("the machine runs for a minute");
        let mut server =
            Server { started: Instant::now(), looked: long_ago, warm: Some(0), told: false };
        let mut look = |started| {
            (server.started, server.looked) = (started, long_ago);
            server.look(own)
        };
        assert_eq!(look(Instant::now()), None, "it has just begun");
        let mut big = vec![1_u8; GROWTH + (1 << 20)];
        big[GROWTH] = 2;
        assert!(look(long_ago).is_some_and(|grown| grown > GROWTH), "it has grown since nothing");
        assert_eq!(look(long_ago), None, "told");
        assert!(big.contains(&2));
    }
}
