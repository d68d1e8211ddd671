//! Checks that no lock is freed while it is held.

use std::ops::Range;

use crate::context::{self, Thread};
use crate::graph;
use crate::held::Held;
use crate::print;
use crate::sink;
use crate::words::ReportKind;

/// Checks that the calling thread holds no lock inside memory that is freed.
#[inline]
pub(crate) fn check(memory: Range<usize>) {
    context::enter(|thread| {
        let is_inside = |held: &Held| memory.contains(&held.instance);
        if let Some(held) = thread.held.iter().find(is_inside) {
            crate::sud::allowing_syscalls(|| report(thread, &held, &memory));
            forget(thread, &memory);
        }
    });
}

/// Forgets the locks inside freed memory, which can no longer be released.
fn forget(thread: &Thread, memory: &Range<usize>) {
    while let Some(index) = thread.held.iter().position(|held| memory.contains(&held.instance)) {
        super::drop_held(thread, index);
    }
}

#[cold]
fn report(thread: &Thread, held: &Held, memory: &Range<usize>) {
    if !sink::is_new(ReportKind::Freed, (held.class, held.site)) {
        return;
    }
    let graph = graph::lock();
    let report = kreport::print::Freed {
        origin: print::origin(thread),
        memory: (memory.start as u64, memory.end.saturating_sub(1) as u64),
        lock: print::lock(&graph, held),
        held: print::held(&graph, thread),
        trace: print::trace_here(),
    };
    drop(graph);
    let translation =
        "a thread that waits for this lock waits in memory that may be in other use now.";
    print::send(thread, ReportKind::Freed, report, translation);
}
