//! A callback, work item or task must give back what it took.

use crate::context::Thread;
use crate::graph;
use crate::print::Page;
use crate::sink::{self, Kind};

/// Checks at the end of a section that no more than `depth` locks are held.
pub(crate) fn check(thread: &Thread, depth: usize, section: &'static str) {
    if thread.held.depth() <= depth {
        return;
    }
    let classes: Vec<u16> = thread.held.iter().skip(depth).map(|held| held.class).collect();
    if !sink::is_new(Kind::Leaving, (section, classes)) {
        return;
    }
    let graph = graph::lock();
    let mut page = Page::new(thread);
    let who = page.who();
    page.head("WARNING: lock held when returning to user space!", 48);
    page.line(format_args!("{who} is leaving the kernel with locks still held!"));
    page.held(&graph, thread);
    page.translation(&format!("\"{section}\" returned and kept a lock that it took."));
    drop(graph);
    sink::emit(thread, Kind::Leaving, page.finish());
}
