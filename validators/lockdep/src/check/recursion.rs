//! Checks recursion: a thread takes a class that it holds already.

use crate::check::Next;
use crate::graph::Graph;
use crate::held::Held;
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
        if new.nest != 0 && thread.held.position(new.nest).is_some() {
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
    let translation = if old.instance == new.instance {
        "the thread waits for a lock that it holds itself."
    } else {
        "two locks of one class have no order; two threads may take them in opposite orders."
    };
    print::send(thread, ReportKind::Recursive, report, translation);
}
