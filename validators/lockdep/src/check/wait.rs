//! Wait types: inside a lock that spins nothing may be taken that sleeps.

use crate::check::Next;
use crate::class;
use crate::graph;
use crate::print;
use crate::sink;
use crate::words::Kind;
use crate::words::Wait;

/// The longest wait that a context allows: a task may sleep, an interrupt may not.
#[inline]
pub(crate) fn limit(context: u8) -> u8 {
    if context == 0 { Wait::Sleep as u8 } else { Wait::Config as u8 }
}

/// Reports a lock that waits longer than its surroundings allow; `false` always: the kernel checks
/// no more of this acquisition then.
#[cold]
pub(crate) fn check(next: &Next<'_>) -> bool {
    let (thread, held) = (next.thread, &next.held);
    let last = thread.held.last().map(|last| last.class);
    if !sink::is_new(Kind::WaitContext, (held.class, last, held.context)) {
        return false;
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
    let translation = format!("a lock of wait type {wait} where no more than {allowed} may wait.");
    print::send(thread, Kind::WaitContext, report, &translation);
    false
}
