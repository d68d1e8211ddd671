//! Checks wait types: while a lock that spins is held, no lock that sleeps may be taken.

use crate::check::Next;
use crate::class;
use crate::graph;
use crate::print;
use crate::sink;
use crate::words::ReportKind;
use crate::words::Wait;

/// Returns the highest wait type that a context allows. A task may sleep, an interrupt may not.
#[inline]
pub(crate) fn limit(context: u8) -> u8 {
    if context == 0 { Wait::Sleep as u8 } else { Wait::Config as u8 }
}

/// Reports a lock that may wait longer than held locks and the context allow.
#[cold]
pub(crate) fn check(next: &Next<'_>) {
    let (thread, held) = (next.thread, &next.held);
    let last = thread.held.last().map(|last| last.class);
    if !sink::is_new(ReportKind::WaitContext, (held.class, last, held.context)) {
        return;
    }
    let limit = limit(held.context);
    let graph = graph::lock();
    let report = kreport::print::WaitContext {
        origin: print::origin(thread),
        acquiring: print::lock(&graph, held),
        context: (limit, limit),
        held: print::held(&graph, thread),
        trace: print::trace_here(),
    };
    drop(graph);
    let allowed = match thread.held.last() {
        Some(last) if last.context == held.context => last.inner,
        _ => limit,
    };
    let wait = class::wait(held.class);
    let translation =
        format!("a lock of wait type {wait} is taken where at most {allowed} is allowed.");
    print::send(thread, ReportKind::WaitContext, report, &translation);
}
