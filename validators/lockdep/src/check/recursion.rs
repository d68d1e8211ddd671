//! Checks recursion: a thread takes a class that it holds already.

use crate::check::Next;
use crate::class;
use crate::class::Ladder;
use crate::graph::Graph;
use crate::held::Held;
use crate::plain;
use crate::print;
use crate::sink;
use crate::words::Mode;
use crate::words::ReportKind;

/// Reports a second lock of a held class, unless it is nested, or both are readers and the later one is a recursive
/// reader. Returns `false` after a report.
pub(crate) fn check(graph: &Graph, next: &Next<'_>) -> bool {
    let (thread, new) = (next.thread, &next.held);
    for held in thread.held.iter().filter(|held| held.class == new.class) {
        if new.mode == Mode::SharedRecursive && held.mode != Mode::Exclusive {
            continue;
        }
        let ladder = Ladder::between(held.instance, new.instance);
        if held.instance != new.instance && ladder.is_only_one(new.class) {
            continue;
        }
        if new.nest != 0 && thread.held.position(new.nest).is_some() {
            continue;
        }
        if new.instance != held.instance && class::splits(new.class) {
            continue;
        }
        report(graph, next, &held);
        return false;
    }
    true
}

#[cold]
fn report(graph: &Graph, next: &Next<'_>, old: &Held) {
    let (thread, new) = (next.thread, &next.held);
    if !sink::is_new(ReportKind::Recursive, (new.class, new.site)) {
        return;
    }
    let report = kreport::print::Recursive {
        origin: print::origin(thread),
        acquiring: print::lock(graph, new),
        holding: print::lock(graph, old),
        held: print::held(graph, thread),
        trace: print::trace_here(),
    };
    let translation = if thread.is_refused.get() {
        "the call fails with EDEADLK. Code that does not look at that releases the lock too early."
    } else if old.instance == new.instance {
        "the thread waits for a lock that it holds itself."
    } else if Ladder::has_both(new.class) {
        "these locks of one class are taken here in one order of their addresses, and in the other order elsewhere."
    } else {
        "two locks of one class have no order; two threads may take them in opposite orders."
    };
    let because = plain::recursive(graph, new, old, thread.is_refused.get());
    print::send_because(thread, ReportKind::Recursive, &because, report, translation);
}
