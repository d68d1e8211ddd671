//! Checks the irq state: code that turns interrupts off turns them on again, once and in order.

use std::hash::{Hash as _, Hasher as _};

use crate::context::{self, IrqEvent, Thread};
use crate::graph;
use crate::print;
use crate::sink;
use crate::site;
use crate::state;
use crate::trace::Trace;
use crate::words::Mode;
use crate::words::Place;
use crate::words::ReportKind;

/// Turns interrupts off and notes where.
pub(crate) fn disable(thread: &Thread, place: Place) {
    if !thread.irqs_on() {
        return;
    }
    thread.set_irqs_on(false);
    let mut trace = thread.trace.get();
    trace.stamp = trace.stamp.wrapping_add(1);
    trace.hardirqs_off = IrqEvent { stamp: trace.stamp, site: site::of(place) };
    thread.trace.set(trace);
}

/// Turns interrupts on and notes where. All held locks are now held with interrupts enabled.
pub(crate) fn enable(thread: &Thread, place: Place) {
    if thread.irqs_on() {
        return;
    }
    note_enabled(thread, place);
    let bit = if thread.softirqs_on() {
        state::ENABLED_HARDIRQ | state::ENABLED_SOFTIRQ
    } else {
        state::ENABLED_HARDIRQ
    };
    mark_held(thread, bit);
}

/// The same at the end of a context. All held locks were held before the context began.
pub(crate) fn note_enabled(thread: &Thread, place: Place) {
    thread.set_irqs_on(true);
    let mut trace = thread.trace.get();
    trace.stamp = trace.stamp.wrapping_add(1);
    trace.hardirqs_on = IrqEvent { stamp: trace.stamp, site: site::of(place) };
    thread.trace.set(trace);
}

/// Notes that softirqs were turned off or on.
pub(crate) fn note_softirqs(thread: &Thread, on: bool, place: Place) {
    let mut trace = thread.trace.get();
    trace.stamp = trace.stamp.wrapping_add(1);
    let event = IrqEvent { stamp: trace.stamp, site: site::of(place) };
    if on {
        trace.softirqs_on = event;
    } else {
        trace.softirqs_off = event;
    }
    thread.trace.set(trace);
}

/// Adds a bit that means "held with interrupts enabled" to the class of each held lock.
pub(crate) fn mark_held(thread: &Thread, exclusive: u32) {
    let bits = |mode| if mode == Mode::Exclusive { exclusive } else { exclusive << 1 };
    let is_known = thread
        .held
        .iter()
        .all(|held| crate::class::usage(held.class) & bits(held.mode) == bits(held.mode));
    if is_known {
        return;
    }
    crate::sud::allowing_syscalls(|| {
        let mut graph = graph::lock();
        graph.learn();
        let trace = Trace::here();
        for held in thread.held.iter() {
            if crate::class::wait(held.class) == 0 {
                continue;
            }
            if !super::mark(&mut graph, thread, &held, bits(held.mode), &trace) {
                return;
            }
        }
    });
}

/// Reports that interrupts were already on when they were restored: code in between turned them on.
pub(crate) fn restored_while_on(thread: &Thread) {
    warn(thread, "raw_local_irq_restore() called with IRQs enabled");
}

/// Reports that saved states were not restored in the opposite order of saving.
pub(crate) fn restored_out_of_order(thread: &Thread) {
    warn(thread, "irq flags restored out of order");
}

/// Reports that a saved state was dropped.
pub(crate) fn never_restored(thread: &Thread) {
    warn(thread, "irq flags dropped without being restored");
}

/// Reports that a context ended in another irq state than it began with.
pub(crate) fn left_changed(thread: &Thread, section: &'static str, was_on: bool) {
    let (was, is) = if was_on { ("enabled", "disabled") } else { ("disabled", "enabled") };
    warn(thread, &format!("{section} entered with IRQs {was}, returned with IRQs {is}"));
}

/// Reports that a context ended with another preempt count than it began with.
pub(crate) fn left_preempt_count(thread: &Thread, section: &'static str, before: u32, now: u32) {
    warn(
        thread,
        &format!("{section} entered with preempt_count {before:08x}, exited with {now:08x}?"),
    );
}

/// Reports each of these once for each stack.
#[cold]
fn warn(thread: &Thread, message: &str) {
    let mut hasher = std::hash::DefaultHasher::new();
    message.hash(&mut hasher);
    let (key, _) = crate::stack::look(thread.tid(), hasher.finish());
    if !sink::is_new(ReportKind::IrqState, key) {
        return;
    }
    crate::sud::allowing_syscalls(|| {
        sink::emit(thread, ReportKind::IrqState, print::warning(thread, message).to_string());
    });
}

/// Calls `f` unless the validators are busy or off.
pub(crate) fn with<R>(f: impl FnOnce(&Thread) -> R) -> Option<R> {
    context::enter(f)
}
