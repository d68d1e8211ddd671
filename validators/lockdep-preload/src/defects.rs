//! Defects of locks that are no matter of order.

#![expect(clippy::disallowed_types, reason = "tables of this library's own")]

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockdep::raw::Class;
use lockdep::{Place, ReportKind, preload, raw};

/// Locks that were destroyed, and neither made again nor freed since.
static DESTROYED: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());
/// How many there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn all() -> MutexGuard<'static, BTreeSet<usize>> {
    DESTROYED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn change(f: impl FnOnce(&mut BTreeSet<usize>)) {
    raw::unchecked(|| {
        let mut all = all();
        f(&mut all);
        COUNT.store(all.len(), Ordering::Relaxed);
    });
}

/// Locks the table while the process forks.
pub(crate) fn lock() -> MutexGuard<'static, BTreeSet<usize>> {
    all()
}

/// Notes that a lock was destroyed. On the stack, another lock may be at the same place soon, so those are left out.
pub(crate) fn is_destroyed(lock: usize) {
    /// Size of the part of a stack in which locks of the functions that run are, in bytes.
    const NEAR: usize = 8 << 20;
    let here = 0_u8;
    let stack = (&raw const here).addr();
    if !(stack.saturating_sub(NEAR)..stack + NEAR).contains(&lock) {
        change(|all| {
            all.insert(lock);
        });
    }
}

/// Notes that a lock is made.
pub(crate) fn made(lock: usize) {
    if COUNT.load(Ordering::Relaxed) != 0 {
        change(|all| {
            all.remove(&lock);
        });
    }
}

/// Forgets the locks in memory that is freed.
pub(crate) fn forget(memory: &Range<usize>) {
    if COUNT.load(Ordering::Relaxed) != 0 {
        change(|all| all.retain(|lock| !memory.contains(lock)));
    }
}

/// Reports the use of a lock that was destroyed.
pub(crate) fn destroyed(lock: usize, place: Place) {
    if COUNT.load(Ordering::Relaxed) == 0 || !raw::unchecked(|| all().contains(&lock)) {
        return;
    }
    let message = "lock used after it was destroyed";
    let translation = "the memory may be in other use, and the lock is not initialised.";
    preload::warn(ReportKind::Destroyed, place, message, translation);
}

/// Maximum number of classes, as in lockdep.
const CLASSES: usize = 4096;
const IS_WAITED_FOR: u8 = 1;
const IS_TRIED_IN_REAL_TIME: u8 = 2;
/// How the locks of each class are taken.
static TAKEN: [AtomicU8; CLASSES] = [const { AtomicU8::new(0) }; CLASSES];

/// Checks attempts in real-time code. They do not wait, but if another thread waits for the lock meanwhile, the release
/// calls the kernel to wake it.
pub(crate) fn attempt(class: Class, is_attempt: bool, place: Place) {
    let Some(taken) = TAKEN.get(preload::number(class)) else { return };
    let bit = match (is_attempt, raw::is_atomic()) {
        (true, true) => IS_TRIED_IN_REAL_TIME,
        (false, false) => IS_WAITED_FOR,
        _ => return,
    };
    if taken.load(Ordering::Relaxed) & bit != 0 && bit != IS_TRIED_IN_REAL_TIME {
        return;
    }
    let before = taken.fetch_or(bit, Ordering::Relaxed);
    if bit == IS_TRIED_IN_REAL_TIME && before & IS_WAITED_FOR != 0 {
        let message = "trylock of a lock that others wait for";
        let translation = "the attempt does not wait, but the release calls the kernel if a thread \
            waits for the lock meanwhile.";
        preload::warn(ReportKind::Attempt, place, message, translation);
    }
}

/// Reports a wait for a condition while another lock is held.
pub(crate) fn waits(place: Place) {
    if preload::held() != 0 {
        let message = "wait for a condition with another lock held";
        let translation = "if the thread that signals the condition needs that lock first, both \
            wait forever.";
        preload::warn_held(ReportKind::Waiting, place, message, translation);
    }
}

/// Reports a copy of the process while a lock is held.
pub(crate) fn forks(place: Place) {
    if preload::held() != 0 {
        let message = "fork with a lock held";
        let translation = "the lock stays locked in the child, where only this thread goes on.";
        preload::warn_held(ReportKind::Fork, place, message, translation);
    }
}
