//! Checks that a callback, work item or task releases the locks that it took.

use crate::context::Thread;
use crate::graph;
use crate::print;
use crate::sink;
use crate::words::ReportKind;

/// Checks at the end of a section that no more than `depth` locks are held.
pub(crate) fn check(thread: &Thread, depth: usize, section: &'static str) {
    let translation = || format!("\"{section}\" returned with a lock that it took.");
    report(thread, depth, section, "", translation);
}

/// Checks at an await of a task that it holds no more than `depth` locks.
pub(crate) fn check_await(thread: &Thread, depth: usize, task: &'static str) {
    let because = format!(
        "Did not happen, can happen: a deadlock, because the task {task} keeps a lock across an await, and the thread \
         runs other tasks meanwhile. If one of them waits for the lock, the holder never runs again.\n"
    );
    let translation = || format!("\"{task}\" keeps a lock across an await.");
    report(thread, depth, task, &because, translation);
}

fn report(
    thread: &Thread,
    depth: usize,
    section: &'static str,
    because: &str,
    translation: impl FnOnce() -> String,
) {
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
    print::send_because(thread, ReportKind::Leaving, because, report, &translation());
}
