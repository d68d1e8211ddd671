//! A model of a bug that the kernel's sequencer had: flags of a queue that two locks guard share a word.
//! `seed2` is reported, `seed2 fixed` is not.
//!
//! A thread that changes one flag writes the others back as it read them. A lock of its own does not
//! protect a flag whose neighbour has another lock. The fix: flags of different locks do not share a
//! word.

#![expect(unsafe_code, reason = "the defect that this shows is one of unsafe code")]
#![expect(clippy::disallowed_types, reason = "the locks are the point of the model")]

use std::cell::UnsafeCell;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Guarded by `owner_lock`: only the owner may change the queue.
const LOCKED: u8 = 1;
/// Guarded by `check_lock`: a thread looks for due events.
const CHECK_BLOCKED: u8 = 4;

/// How long the threads run.
const LENGTH: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Queue {
    owner_lock: Mutex<()>,
    check_lock: Mutex<()>,
    flags: UnsafeCell<u8>,
    /// The fix: the flag of the other lock, in a word of its own.
    check_flags: UnsafeCell<u8>,
    fixed: bool,
}

// SAFETY: this is not true without the fix, which is the defect that the example shows.
unsafe impl Sync for Queue {}

/// Locks the queue for its owner and unlocks it again.
#[inline(never)]
fn control_queue(queue: &Queue) {
    let _held = queue.owner_lock.lock().expect("nobody panics");
    change(&queue.flags, LOCKED);
}

/// Looks for due events, as the timer does.
#[inline(never)]
fn check_queue(queue: &Queue) {
    let _held = queue.check_lock.lock().expect("nobody panics");
    change(if queue.fixed { &queue.check_flags } else { &queue.flags }, CHECK_BLOCKED);
}

#[inline(always)]
fn change(flags: &UnsafeCell<u8>, bit: u8) {
    // SAFETY: the pointer is good; that others write to this word is the defect.
    unsafe { *flags.get() ^= bit }
}

fn main() {
    let fixed = std::env::args().nth(1).is_some_and(|word| word == "fixed");
    let queue = Queue { fixed, ..Queue::default() };
    let end = Instant::now() + LENGTH;
    let run = |work: fn(&Queue)| {
        while Instant::now() < end {
            work(&queue);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| run(control_queue));
        scope.spawn(|| run(check_queue));
    });
}
