//! Checks that a callback, work item or task releases the locks that it took.

use crate::context::Thread;
use crate::graph;
use crate::print;
use crate::sink;
use crate::words::ReportKind;

/// Checks at the end of a section that no more than `depth` locks are held.
pub(crate) fn check(thread: &Thread, depth: usize, section: &'static str) {
    if thread.held.depth() <= depth {
        return;
    }
    let classes: Vec<u16> = thread.held.iter().skip(depth).map(|held| held.class).collect();
    if !sink::is_new(ReportKind::Leaving, (section, classes)) {
        return;
    }
    let graph = graph::lock();
    let report = kreport::print::Leaving {
        origin: print::origin(thread),
        held: print::held(&graph, thread),
    };
    drop(graph);
    let translation = format!("\"{section}\" returned with a lock that it took.");
    print::send(thread, ReportKind::Leaving, report, &translation);
}
