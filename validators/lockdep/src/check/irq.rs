//! Checks interrupt safety: a class that an interrupt takes must never be held with interrupts enabled, nor wait for
//! a class that is.

use crate::check::Next;
use crate::class;
use crate::context::Thread;
use crate::graph::{self, Graph, Step, Way};
use crate::held::Held;
use crate::print;
use crate::sink;
use crate::state;
use crate::words::Mode;
use crate::words::ReportKind;

/// Bits of use inside a context, exclusive and shared.
const IN_BITS: u32 = 0b0011_0011;

/// Checks a usage bit that a class just got. Returns `false` after a report.
pub(crate) fn check_use(graph: &Graph, thread: &Thread, held: &Held, bit: u32) -> bool {
    let mut conflicts = state::conflicts(bit);
    if held.mode == Mode::Shared && !state::is_enabled(bit) {
        // A reader that is not recursive waits behind a writer, which waits for the first reader.
        conflicts |= conflicts << 1;
    }
    let clash = class::usage(held.class) & conflicts;
    if clash != 0 {
        inconsistent(graph, thread, held, clash.trailing_zeros(), bit);
        return false;
    }
    check_paths(graph, thread, held, bit)
}

/// Looks for a class on a strong path whose use conflicts with the new bit.
fn check_paths(graph: &Graph, thread: &Thread, held: &Held, bit: u32) -> bool {
    let (way, weak_start) = if state::is_enabled(bit) {
        (Way::Backward, held.mode != Mode::Exclusive)
    } else {
        (Way::Forward, held.mode == Mode::SharedRecursive)
    };
    let wanted = state::opposite(1 << bit);
    let found = graph.path(held.class, weak_start, way, |class, weak| {
        class != held.class && graph::visible_usage(class, weak) & wanted != 0
    });
    let Some(path) = found else { return true };
    inversion(graph, thread, held, bit, &path);
    false
}

/// Checks that a new order joins no irq-safe class to an irq-unsafe one. Returns `false` after a report.
pub(crate) fn check_edge(graph: &Graph, next: &Next<'_>, previous: &Held) -> bool {
    let weak_back = previous.mode != Mode::Exclusive;
    let mut safe_usage = 0;
    graph.path(previous.class, weak_back, Way::Backward, |class, weak| {
        safe_usage |= graph::visible_usage(class, weak) & IN_BITS;
        false
    });
    let wanted = state::opposite(safe_usage);
    if wanted == 0 {
        return true;
    }
    let weak_start = next.held.mode == Mode::SharedRecursive;
    let mut unsafe_usage = 0;
    let forward = graph.path(next.held.class, weak_start, Way::Forward, |class, weak| {
        unsafe_usage = graph::visible_usage(class, weak) & wanted;
        unsafe_usage != 0
    });
    let Some(to_unsafe) = forward else { return true };
    let wanted = state::opposite(unsafe_usage);
    let mut safe_bits = 0;
    let backward = graph.path(previous.class, weak_back, Way::Backward, |class, weak| {
        safe_bits = graph::visible_usage(class, weak) & wanted;
        safe_bits != 0
    });
    let Some(to_safe) = backward else { return true };
    let safe_bit = safe_bits.trailing_zeros();
    let unsafe_bit = (state::opposite(1 << safe_bit) & unsafe_usage).trailing_zeros();
    safe_to_unsafe(graph, next, previous, &to_safe, safe_bit, &to_unsafe, unsafe_bit);
    false
}

#[cold]
fn inconsistent(graph: &Graph, thread: &Thread, held: &Held, old: u32, new: u32) {
    if !sink::is_new(ReportKind::Inconsistent, held.class) {
        return;
    }
    let known = graph.usage_trace(held.class, old).map(print::trace).unwrap_or_default();
    let report = kreport::print::Inconsistent {
        origin: print::origin(thread),
        direction: print::direction(new),
        states: (state::name(old).to_owned(), state::name(new).to_owned()),
        contexts: print::contexts(thread),
        lock: print::lock(graph, held),
        registered: known,
        irqs: Some(print::irqs(thread)),
        held: print::held(graph, thread),
        trace: print::trace_here(),
    };
    print::send(thread, ReportKind::Inconsistent, report, TRANSLATION);
}

const TRANSLATION: &str = "a signal handler that takes it waits for the code that it interrupted; \
    a real-time thread waits for a holder that may be preempted.";

#[cold]
fn inversion(graph: &Graph, thread: &Thread, held: &Held, bit: u32, path: &[Step]) {
    let Some(other) = path.last() else { return };
    if !sink::is_new(ReportKind::Inversion, (held.class, other.class)) {
        return;
    }
    let report = kreport::print::Inversion {
        origin: print::origin(thread),
        direction: print::direction(bit),
        changed: print::lock(graph, held),
        became_safe: !state::is_enabled(bit),
        other: print::class(graph, other.class),
        held: print::held(graph, thread),
        dependencies: print::dependencies(graph, path),
        trace: print::trace_here(),
    };
    print::send(thread, ReportKind::Inversion, report, TRANSLATION);
}

#[cold]
fn safe_to_unsafe(
    graph: &Graph,
    next: &Next<'_>,
    previous: &Held,
    to_safe: &[Step],
    safe_bit: u32,
    to_unsafe: &[Step],
    unsafe_bit: u32,
) {
    let (thread, new) = (next.thread, &next.held);
    let (Some(safe), Some(other)) = (to_safe.last(), to_unsafe.last()) else { return };
    if !sink::is_new(ReportKind::SafeToUnsafe, (safe.class, other.class)) {
        return;
    }
    let report = kreport::print::SafeUnsafe {
        origin: print::origin(thread),
        direction: print::direction(safe_bit),
        contexts: print::contexts(thread),
        acquiring: print::lock(graph, new),
        holding: print::lock(graph, previous),
        safe: print::use_of(graph, safe.class, safe_bit),
        unsafe_: print::use_of(graph, other.class, unsafe_bit),
        held: print::held(graph, thread),
        to_holding: print::dependencies(graph, to_safe),
        to_unsafe: print::dependencies(graph, to_unsafe),
        trace: print::trace_here(),
    };
    print::send(thread, ReportKind::SafeToUnsafe, report, TRANSLATION);
}
