//! Checks for cycles: an order of classes whose opposite is known.

use crate::check::Next;
use crate::class;
use crate::graph::{Graph, Step, Way};
use crate::held::Held;
use crate::plain;
use crate::print;
use crate::sink;
use crate::words::Mode;
use crate::words::ReportKind;

/// Reports the new order of `previous` before `next`, if a strong path leads back. Returns `false` after a report.
pub(crate) fn check(graph: &Graph, next: &Next<'_>, previous: &Held) -> bool {
    let weak_start = next.held.mode == Mode::SharedRecursive;
    let back = graph.path(next.held.class, weak_start, Way::Forward, |class, weak| {
        class == previous.class && (previous.mode == Mode::Exclusive || !weak)
    });
    let Some(path) = back else { return true };
    if splits(&path) {
        return true;
    }
    report(graph, next, previous, &path);
    false
}

/// Gives up the mixed classes of a path. Returns whether there are some.
fn splits(path: &[Step]) -> bool {
    path.iter().filter(|step| class::splits(step.class)).count() != 0
}

#[cold]
fn report(graph: &Graph, next: &Next<'_>, previous: &Held, path: &[Step]) {
    let (thread, new) = (next.thread, &next.held);
    if !sink::is_new(ReportKind::Circular, (new.class, previous.class)) {
        return;
    }
    let link = |step: &Step| {
        // The first entry of the chain is the acquisition that closes it.
        let trace = step.trace.as_ref().map_or_else(print::trace_here, print::trace);
        kreport::print::Link { class: print::class(graph, step.class), trace }
    };
    let report = kreport::print::Circular {
        origin: print::origin(thread),
        acquiring: print::lock(graph, new),
        holding: print::lock(graph, previous),
        chain: path.iter().map(link).collect(),
        held: print::held(graph, thread),
        trace: print::trace_here(),
    };
    let translation =
        "if another thread takes these locks in the known order meanwhile, both wait forever.";
    let because = plain::circular(graph, new, previous, path);
    print::send_because(thread, ReportKind::Circular, &because, report, translation);
}
