//! Wait types: inside a lock that spins nothing may be taken that sleeps.

use crate::check::Next;
use crate::class::{self, Wait};
use crate::graph;
use crate::print::Page;
use crate::sink::{self, Kind};

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
    let graph = graph::lock();
    let mut page = Page::new(thread);
    let who = page.who();
    page.line("").line("=============================").line("[ BUG: Invalid wait context ]");
    page.line(format_args!("lockdep-{} #0 {}", env!("CARGO_PKG_VERSION"), sink::taint()));
    page.line("-----------------------------");
    page.line(format_args!("{who} is trying to lock:"));
    page.lock(&graph, held);
    page.line("other info that might help us debug this:");
    let limit = limit(held.context);
    page.line(format_args!("context-{{{limit}:{limit}}}")).held(&graph, thread);
    page.translation(&format!(
        "a lock of wait type {} is taken where nothing above {} may be waited for.",
        class::wait(held.class),
        thread.held.last().filter(|last| last.context == held.context).map_or(limit, |l| l.inner),
    ));
    drop(graph);
    page.line("stack backtrace:").stack(thread);
    sink::emit(thread, Kind::WaitContext, page.finish());
    false
}
