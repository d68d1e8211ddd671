//! Stores that a processor may delay behind a later atomic one, because nothing orders the two (`weak_memory=1`).
//!
//! A thread that fills a structure and then publishes it by a relaxed store has a race: other processors may see the
//! store before what it publishes. The accesses do not meet in time, so the thread's stop before the first one never
//! finds it. As in the kernel, the first store is watched once more behind the second, as if it had been delayed.
//!
//! That is done only for the next atomic store, exchange or the like, and only if the code between the two leads nowhere
//! else and orders nothing (`code`). So each report is about two accesses that nothing orders.

use std::ffi::c_int;

use crate::runtime::thread::current;
#[cfg(target_arch = "x86_64")]
use crate::runtime::{access::Access, access::kind, code, options, thread::Thread, watch};

/// From this order on, an atomic orders the stores before it: release, both, and sequentially consistent.
#[cfg(target_arch = "x86_64")]
const RELEASE: c_int = 3;

/// What is so little above the end of the stack is a variable of the function that runs, or of one of its callers; in bytes.
#[cfg(target_arch = "x86_64")]
const NEAR: usize = 1 << 16;

/// Notes a store that takes the slow path. `stack` is the end of the stack.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn may_be(access: Access, place: usize, stack: usize) {
    use std::sync::atomic::Ordering;

    if !options::WEAK_MEMORY.load(Ordering::Relaxed) || !access.is(kind::WRITE) {
        return;
    }
    let thread = current();
    // Variables of the function itself are seldom published.
    if access.address.wrapping_sub(stack) < NEAR {
        return;
    }
    // Of several stores before one atomic, each has its chance.
    let is_free = thread.delayed.address.get() == 0;
    if watch::is_in_program(thread) && (is_free || thread.random(2) == 0) {
        thread.delayed.address.set(access.address);
        thread.delayed.size.set(access.size);
        thread.delayed.place.set(place);
    }
}

/// Forgets the store: something orders it.
#[inline(always)]
pub(crate) fn forget() {
    current().delayed.address.set(0);
}

/// Watches the store that an atomic has not ordered, if there is one. `place` is the atomic's return address.
#[inline(always)]
pub(crate) fn behind(order: c_int, place: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        let thread = current();
        if thread.delayed.address.get() != 0 {
            watch_behind(thread, order, place);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (order, place);
}

#[cfg(target_arch = "x86_64")]
#[cold]
#[inline(never)]
fn watch_behind(thread: &Thread, order: c_int, place: usize) {
    if !watch::is_in_program(thread) {
        return;
    }
    let delayed = &thread.delayed;
    let address = delayed.address.replace(0);
    if order >= RELEASE {
        return;
    }
    let from = delayed.place.get();
    if !watch::in_runtime(thread, || code::orders_nothing(from, place)) {
        return;
    }
    let bits = kind::WRITE | kind::REORDERED;
    watch::delayed(thread, Access::new(address, delayed.size.get(), bits));
}
