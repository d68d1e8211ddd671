//! Rounds of two threads or processes: neither begins a round before the other has ended the last one. Accesses are
//! ordered after those of earlier rounds, but not within a round. Odd and even rounds have words of their own, so
//! that the beginning of the next round orders nothing in this one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The value in place of a round's number when there are no more rounds.
const OVER: u32 = u32::MAX;

/// The number of the round that each party has begun, plus one.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Steps {
    leader: [AtomicU32; 2],
    follower: [AtomicU32; 2],
}

impl Steps {
    /// Begins a round of the leader. Returns `false` if the time is over.
    pub(crate) fn lead(&self, round: u32, deadline: &Deadline) -> bool {
        let over = deadline.is_over();
        self.leader[round as usize % 2]
            .store(if over { OVER } else { round + 1 }, Ordering::Release);
        !over && meet(&self.follower[round as usize % 2], round + 1)
    }

    /// Begins a round of the follower. Returns `false` if the time is over.
    pub(crate) fn follow(&self, round: u32) -> bool {
        self.follower[round as usize % 2].store(round + 1, Ordering::Release);
        meet(&self.leader[round as usize % 2], round + 1)
    }
}

fn meet(other: &AtomicU32, round: u32) -> bool {
    let mut turns = 0_u32;
    loop {
        match other.load(Ordering::Acquire) {
            OVER => return false,
            reached if reached >= round => return true,
            _ => {}
        }
        turns += 1;
        if turns.is_multiple_of(64) {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

/// The end of the run: `RACES_MS` milliseconds from the start, by default 300.
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn new() -> Self {
        let told = std::env::var("RACES_MS").ok().and_then(|text| text.parse().ok());
        Self(Instant::now() + Duration::from_millis(told.unwrap_or(300)))
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }
}
