//! How often each place of the program runs, so that places that run rarely are watched first.
//!
//! A place is the return address of an entry. Each has a byte, which counts its visits until the place is hot. Visits of
//! hot places pass without the slow path, and only the count of accesses decides when they are watched. Once a second,
//! cold places start again from zero, and hot ones from a count at which they are neither hot nor rare, so that a place
//! is rare again after a quiet second.
//!
//! The bytes are found by the low bits of the address. A place that shares its byte with a hot one is never rare. If
//! 2000 places are hot, that is the lot of three in a hundred.

#![expect(unsafe_code, reason = "gives the memory of the counts back to the system")]

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::runtime::options;
use crate::runtime::table::{PLACES, TABLES};
use crate::runtime::thread::now;

/// The count of a hot place, which no longer changes.
pub(crate) const HOT: u8 = 200;
/// From this count on, a place is no longer rare.
const WARM: u8 = 136;
/// Time after which counts start again, in ns.
const EPOCH_NS: u64 = 1_000_000_000;
/// How far the time at watchpoints of rare places may run ahead of its share, in ns. With two or three times as much, a
/// short program takes noticeably longer; with less, most of the places of its first threads are not watched.
const AHEAD_NS: u64 = 25_000_000;

/// Whether a second thread has made an access.
static HAS_THREADS: AtomicBool = AtomicBool::new(false);
/// The time at which counts start again.
static NEXT_EPOCH: AtomicU64 = AtomicU64::new(0);
/// The time up to which the share of all threads is spent at watchpoints of rare places.
static SPENT_UNTIL: AtomicU64 = AtomicU64::new(0);

/// Number of low bits that are zero in each place: instructions of aarch64 take four bytes.
const SHIFT: u32 = if cfg!(target_arch = "aarch64") { 2 } else { 0 };

/// Returns the count of a place.
#[inline]
fn visits(place: usize) -> &'static AtomicU8 {
    &TABLES.visits[(place >> SHIFT) % PLACES]
}

/// Counts a visit. Returns whether the place is rare.
#[inline]
pub(crate) fn visit(place: usize) -> bool {
    let count = visits(place);
    let visits = count.load(Ordering::Relaxed);
    if visits < HOT {
        // A lost count of another thread does no harm.
        count.store(visits + 1, Ordering::Relaxed);
    }
    visits < WARM
}

/// Returns whether a visit of this place must be counted.
#[inline]
pub(crate) fn is_cold(place: usize) -> bool {
    visits(place).load(Ordering::Relaxed) < HOT
}

/// Returns whether the process has had a second thread.
pub(crate) fn has_threads() -> bool {
    HAS_THREADS.load(Ordering::Relaxed)
}

/// Notes that there is a second thread. What ran before it could not race, so it all counts as not run yet.
pub(crate) fn second_thread() {
    if !HAS_THREADS.swap(true, Ordering::Relaxed) {
        forget();
    }
}

/// Starts again in a new process, which has one thread.
pub(crate) fn only_thread() {
    HAS_THREADS.store(false, Ordering::Relaxed);
    SPENT_UNTIL.store(0, Ordering::Relaxed);
    forget();
}

fn forget() {
    let start = (&raw const TABLES.visits).cast_mut();
    // SAFETY: whole pages of atomics, which become zero. Other threads lose counts at most.
    unsafe { libc::madvise(start.cast(), PLACES, libc::MADV_DONTNEED) };
}

/// Returns the maximum delay of a watchpoint at a rare place, in ns, or nothing if the time for those is spent. The more
/// of it is spent, the shorter is the delay.
pub(crate) fn allowance(now: u64) -> Option<u64> {
    let most = options::RARE_NS.load(Ordering::Relaxed);
    let duty = u64::from(options::DUTY.load(Ordering::Relaxed));
    let debt = SPENT_UNTIL.load(Ordering::Relaxed).saturating_sub(now) * duty / 100;
    let left = AHEAD_NS.checked_sub(debt)?.min(most * 8) / 8;
    (most > 0 && left > 0).then_some(left)
}

/// Pays for time at a watchpoint of a rare place.
pub(crate) fn pay(start: u64, spent: u64) {
    let duty = u64::from(options::DUTY.load(Ordering::Relaxed));
    let until = SPENT_UNTIL.load(Ordering::Relaxed).max(start) + spent * 100 / duty;
    SPENT_UNTIL.store(until, Ordering::Relaxed);
}

/// Starts the counts again if it is time.
pub(crate) fn start_again() {
    let (now, next) = (now(), NEXT_EPOCH.load(Ordering::Relaxed));
    let turn = |until| {
        NEXT_EPOCH.compare_exchange(next, until, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    };
    if now < next || !turn(now + EPOCH_NS) || next == 0 {
        return;
    }
    for count in &TABLES.visits {
        let visits = count.load(Ordering::Relaxed);
        if visits != 0 {
            count.store(if visits < HOT { 0 } else { WARM }, Ordering::Relaxed);
        }
    }
}
