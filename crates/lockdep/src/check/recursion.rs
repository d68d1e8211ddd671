//! Recursion: a class that the thread holds already.

use crate::check::Next;
use crate::graph::Graph;
use crate::held::{Held, Mode};
use crate::print::{Page, verb};
use crate::sink::{self, Kind};

/// Reports a second lock of a class that is held, unless it was said to be nested or both are
/// readers and the later one may come again. `false` after a report.
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
    if !sink::is_new(Kind::Recursive, (new.class, new.site)) {
        return;
    }
    let mut page = Page::new(thread);
    let who = page.who();
    page.head("WARNING: possible recursive locking detected", 44);
    page.line(format_args!("{who} is trying to acquire lock:")).lock(graph, new);
    page.line("").line("but task is already holding lock:").lock(graph, old);
    page.line("").line("other info that might help us debug this:");
    page.line(" Possible unsafe locking scenario:").line("");
    page.line("       CPU0").line("       ----");
    page.line(format_args!("  {}({});", verb(old.mode), graph.name(old.class)));
    page.line(format_args!("  {}({});", verb(new.mode), graph.name(new.class)));
    page.line("").line(" *** DEADLOCK ***").line("");
    page.line(" May be due to missing lock nesting notation").line("");
    page.held(graph, thread);
    page.translation(if old.instance == new.instance {
        "the thread waits for a lock that it holds itself."
    } else {
        "two locks of one class have no order; two threads may take them the other way round."
    });
    page.backtrace(thread);
    sink::emit(thread, Kind::Recursive, page.finish());
}
