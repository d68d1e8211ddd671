//! Checks releases: a released lock must be held, and not pinned.

use crate::context::{self, Thread};
use crate::frame::Frame;
use crate::graph;
use crate::print;
use crate::sink;
use crate::site;
use crate::words::Place;
use crate::words::ReportKind;

/// Reports the release of a lock that the thread does not hold.
#[cold]
pub(crate) fn not_held(thread: &Thread, class: Option<u16>, place: Place) {
    crate::sud::allowing_syscalls(|| report_not_held(thread, class, place));
}

fn report_not_held(thread: &Thread, class: Option<u16>, place: Place) {
    let frames = site::frames(site::of(place));
    let frame = frames.last().cloned().unwrap_or_else(|| Frame::of_place(place));
    if !sink::is_new(ReportKind::UnlockBalance, (class, frame.symbol())) {
        return;
    }
    let graph = graph::lock();
    let report = kreport::print::Balance {
        origin: print::origin(thread),
        lock: class.map_or("unknown", |class| graph.name(class)).to_owned(),
        at: (frame.address as u64, print::frame(&frame)),
        held: print::held(&graph, thread),
        trace: print::trace_here(),
    };
    drop(graph);
    let translation = "the lock is free, or another thread holds it and now loses it.";
    print::send(thread, ReportKind::UnlockBalance, report, translation);
}

/// Reports the release of a pinned lock.
#[cold]
pub(crate) fn pinned(thread: &Thread) {
    warn(thread, ReportKind::Pin, "releasing a pinned lock");
}

/// Reports that a thread holds more locks than the validators can count. They ignore the last one.
#[cold]
pub(crate) fn too_deep(thread: &Thread) {
    warn(thread, ReportKind::UnlockBalance, "BUG: MAX_LOCK_DEPTH too low!");
}

/// Adds a pin to a held lock, which must not be released until the pin is removed.
pub(crate) fn pin(instance: usize, place: Place) {
    change_pins(instance, place, "pinning an unheld lock", |pins| pins.checked_add(1));
}

/// Removes a pin.
pub(crate) fn unpin(instance: usize, place: Place) {
    change_pins(instance, place, "unpinning an unpinned lock", |pins| pins.checked_sub(1));
}

fn change_pins(
    instance: usize,
    place: Place,
    complaint: &str,
    change: impl FnOnce(u16) -> Option<u16>,
) {
    context::enter(|thread| {
        let changed = thread.held.position(instance).and_then(|index| {
            let mut held = thread.held.iter().nth(index)?;
            held.pins = change(held.pins)?;
            thread.held.set(index, &held);
            Some(())
        });
        if changed.is_none() && sink::is_new(ReportKind::Pin, (complaint, site::of(place))) {
            warn(thread, ReportKind::Pin, complaint);
        }
    });
}

/// Reports that a lock is not held where the code relies on it.
#[cold]
pub(crate) fn assertion_failed(place: Place) {
    context::enter(|thread| {
        if sink::is_new(ReportKind::NotHeld, site::of(place)) {
            warn(thread, ReportKind::NotHeld, "lock not held where it must be");
        }
    });
}

/// Reports that a condition variable is used with a mutex of another class than before.
#[cold]
pub(crate) fn other_mutex(first: u16, now: u16, place: Place) {
    context::enter(|thread| {
        if !sink::is_new(ReportKind::Condition, (first, now, site::of(place))) {
            return;
        }
        crate::sud::allowing_syscalls(|| {
            let message = "condition variable used with two mutexes";
            let graph = graph::lock();
            let translation = format!(
                "it waited with {} before, and now with {}: a wake-up for one may be lost to the other, and std may panic.",
                graph.name(first),
                graph.name(now)
            );
            drop(graph);
            let report = print::warning(thread, message);
            print::send(thread, ReportKind::Condition, report, &translation);
        });
    });
}

fn warn(thread: &Thread, kind: ReportKind, message: &str) {
    crate::sud::allowing_syscalls(|| {
        sink::emit(thread, kind, print::warning(thread, message).to_string());
    });
}
