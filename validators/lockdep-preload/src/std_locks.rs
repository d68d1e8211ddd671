//! The locks of Rust's standard library, as far as futexes show them.
//!
//! Such a lock is a word, and a thread that finds it free makes no call at all. One that has to wait makes the same call as
//! a thread that waits for work: a futex wait, on an address that means nothing here. The functions on the stack tell
//! the two apart, because the standard library keeps the slow path of each lock in a function of its own.

#![expect(
    clippy::disallowed_types,
    reason = "around what is known about places, in slow paths only"
)]

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockdep::{preload, raw};

/// The slow paths in which a thread waits for another one that has a lock: of std's mutexes and locks for readers and
/// writers, of what is initialised once, and of `parking_lot`'s locks. A condition variable, a channel and `park` have
/// others.
const SLOW_PATHS: [&str; 8] = [
    "::lock_contended",
    "::read_contended",
    "::write_contended",
    "once::futex::Once>::call",
    "once::futex::Once::call",
    "::lock_slow",
    "::lock_shared_slow",
    "::lock_exclusive_slow",
];

/// How many functions are looked at, from the call on. The compiler may have left some of those between out of line.
const NEAR: usize = 4;

/// Places that were looked at, and whether they are in such a slow path.
static KNOWN: Mutex<BTreeMap<[usize; NEAR], bool>> = Mutex::new(BTreeMap::new());

/// The lock of the places.
pub(crate) type Guard = MutexGuard<'static, BTreeMap<[usize; NEAR], bool>>;

/// Locks the places while the process forks.
pub(crate) fn lock() -> Guard {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether a futex wait is one for a lock of the standard library or of `parking_lot`. Returns `false` for a
/// program without symbols.
pub(crate) fn is_lock(caller: usize) -> bool {
    raw::unchecked(|| {
        let near = preload::stack_from::<NEAR>(caller);
        let mut known = lock();
        *known.entry(near).or_insert_with(|| near.iter().any(|&address| is_slow_path(address)))
    })
}

fn is_slow_path(address: usize) -> bool {
    let name = raw::variable(address.saturating_sub(1)).unwrap_or_default();
    SLOW_PATHS.iter().any(|path| name.contains(path))
}
