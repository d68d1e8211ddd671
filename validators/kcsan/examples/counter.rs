//! Two threads count without a lock: `counter` is reported, `counter fixed` is not.

#![expect(unsafe_code, reason = "the defect that this shows is one of unsafe code")]

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long the threads count.
const LENGTH: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Statistics {
    plain: UnsafeCell<u64>,
    atomic: AtomicU64,
}

// SAFETY: this is not true for `plain`, which is the defect that the example shows.
unsafe impl Sync for Statistics {}

#[inline(never)]
fn count_event(statistics: &Statistics, fixed: bool) {
    if fixed {
        statistics.atomic.fetch_add(1, Ordering::Relaxed);
    } else {
        // SAFETY: the pointer is good; that another thread writes there too is the defect.
        unsafe { *statistics.plain.get() += 1 }
    }
}

fn main() {
    let fixed = std::env::args().nth(1).is_some_and(|word| word == "fixed");
    let statistics = Statistics::default();
    let end = Instant::now() + LENGTH;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while Instant::now() < end {
                    count_event(&statistics, fixed);
                }
            });
        }
    });
}
