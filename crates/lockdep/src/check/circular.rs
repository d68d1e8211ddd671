//! Cycles: an order of classes whose opposite is known.

use crate::check::Next;
use crate::graph::{Graph, Step, Way};
use crate::held::{Held, Mode};
use crate::print::{Page, class_text, verb};
use crate::sink::{self, Kind};
use crate::trace::Trace;

/// Reports a new order `previous`, then `next`, if a strong path leads back. `false` after a report.
pub(crate) fn check(graph: &Graph, next: &Next<'_>, previous: &Held) -> bool {
    let weak_start = next.held.mode == Mode::SharedRecursive;
    let back = graph.path(next.held.class, weak_start, Way::Forward, |class, weak| {
        class == previous.class && (previous.mode == Mode::Exclusive || !weak)
    });
    let Some(path) = back else { return true };
    report(graph, next, previous, &path);
    false
}

#[cold]
fn report(graph: &Graph, next: &Next<'_>, previous: &Held, path: &[Step]) {
    let (thread, new) = (next.thread, &next.held);
    if !sink::is_new(Kind::Circular, (new.class, previous.class)) {
        return;
    }
    let mut page = Page::new(thread);
    let who = page.who();
    page.head("WARNING: possible circular locking dependency detected", 54);
    page.line(format_args!("{who} is trying to acquire lock:")).lock(graph, new);
    page.line("").line("but task is already holding lock:").lock(graph, previous);
    page.line("").line("which lock already depends on the new lock.").line("").line("");
    page.line("the existing dependency chain (in reverse order) is:");
    for (depth, step) in path.iter().enumerate().rev() {
        page.line("").line(format_args!("-> #{depth} {}:", class_text(graph, step.class)));
        // The last entry of the chain is the acquisition that closes it.
        let trace = step.trace.clone().unwrap_or_else(Trace::here);
        page.trace(&trace, "       ");
    }
    page.line("").line("other info that might help us debug this:").line("");
    scenario(&mut page, graph, next, previous, path);
    page.line("").line(" *** DEADLOCK ***").line("").held(graph, thread);
    page.translation(
        "a thread that takes these locks the other way round makes both wait for ever.",
    );
    page.backtrace(thread);
    sink::emit(thread, Kind::Circular, page.finish());
}

/// The two columns. On a longer chain the middle lock stands for all between.
fn scenario(page: &mut Page, graph: &Graph, next: &Next<'_>, previous: &Held, path: &[Step]) {
    let source = graph.name(next.held.class);
    let target = graph.name(previous.class);
    let parent = path.iter().rev().nth(1).map_or(source, |step| graph.name(step.class));
    if parent != source {
        page.line("Chain exists of:").line(format_args!("  {source} --> {parent} --> {target}"));
        page.line("");
    }
    page.line(" Possible unsafe locking scenario:").line("");
    page.line("       CPU0                    CPU1");
    page.line("       ----                    ----");
    let column = " ".repeat(31);
    page.line(format_args!("  {}({target});", verb(previous.mode)));
    page.line(format_args!("{column}lock({parent});"));
    page.line(format_args!("{column}lock({target});"));
    page.line(format_args!("  {}({source});", verb(next.held.mode)));
}
