//! Interrupt safety: a class that an interrupt takes must never be held with interrupts enabled, nor
//! wait for one that is.

use crate::check::Next;
use crate::class;
use crate::context::Thread;
use crate::graph::{self, Graph, Step, Way};
use crate::held::{Held, Mode};
use crate::print::{Page, class_text};
use crate::sink::{self, Kind};
use crate::state;
use crate::trace::Trace;

/// Bits of use inside a context, exclusive and shared.
const IN_BITS: u32 = 0b0011_0011;

/// Checks a usage bit that a class just came by. `false` after a report.
pub(crate) fn check_use(graph: &Graph, thread: &Thread, held: &Held, bit: u32) -> bool {
    let mut conflicts = state::conflicts(bit);
    if held.mode == Mode::Shared && !state::is_enabled(bit) {
        // A reader that must not come twice waits behind a writer that waits for the first reader.
        conflicts |= conflicts << 1;
    }
    let clash = class::usage(held.class) & conflicts;
    if clash != 0 {
        inconsistent(graph, thread, held, clash.trailing_zeros(), bit);
        return false;
    }
    check_paths(graph, thread, held, bit)
}

/// Looks for a class on a strong path whose use conflicts with the new bit.
fn check_paths(graph: &Graph, thread: &Thread, held: &Held, bit: u32) -> bool {
    let (way, weak_start) = if state::is_enabled(bit) {
        (Way::Backward, held.mode != Mode::Exclusive)
    } else {
        (Way::Forward, held.mode == Mode::SharedRecursive)
    };
    let wanted = state::opposite(1 << bit);
    let found = graph.path(held.class, weak_start, way, |class, weak| {
        class != held.class && graph::visible_usage(class, weak) & wanted != 0
    });
    let Some(path) = found else { return true };
    inversion(graph, thread, held, bit, &path);
    false
}

/// Checks that a new order joins no irq-safe class to an irq-unsafe one. `false` after a report.
pub(crate) fn check_edge(graph: &Graph, next: &Next<'_>, previous: &Held) -> bool {
    let weak_back = previous.mode != Mode::Exclusive;
    let mut safe_usage = 0;
    graph.path(previous.class, weak_back, Way::Backward, |class, weak| {
        safe_usage |= graph::visible_usage(class, weak) & IN_BITS;
        false
    });
    let wanted = state::opposite(safe_usage);
    if wanted == 0 {
        return true;
    }
    let weak_start = next.held.mode == Mode::SharedRecursive;
    let mut unsafe_usage = 0;
    let forward = graph.path(next.held.class, weak_start, Way::Forward, |class, weak| {
        unsafe_usage = graph::visible_usage(class, weak) & wanted;
        unsafe_usage != 0
    });
    let Some(to_unsafe) = forward else { return true };
    let wanted = state::opposite(unsafe_usage);
    let mut safe_bits = 0;
    let backward = graph.path(previous.class, weak_back, Way::Backward, |class, weak| {
        safe_bits = graph::visible_usage(class, weak) & wanted;
        safe_bits != 0
    });
    let Some(to_safe) = backward else { return true };
    let safe_bit = safe_bits.trailing_zeros();
    let unsafe_bit = (state::opposite(1 << safe_bit) & unsafe_usage).trailing_zeros();
    safe_to_unsafe(graph, next, previous, &to_safe, safe_bit, &to_unsafe, unsafe_bit);
    false
}

#[cold]
fn inconsistent(graph: &Graph, thread: &Thread, held: &Held, old: u32, new: u32) {
    if !sink::is_new(Kind::Inconsistent, held.class) {
        return;
    }
    let mut page = Page::new(thread);
    let who = page.who();
    page.head("WARNING: inconsistent lock state", 32);
    page.line(format_args!(
        "inconsistent {{{}}} -> {{{}}} usage.",
        state::name(old),
        state::name(new)
    ));
    page.line(format_args!("{who} {} takes:", Page::contexts(thread))).lock(graph, held);
    page.line(format_args!("{{{}}} state was registered at:", state::name(old)));
    if let Some(trace) = graph.usage_trace(held.class, old) {
        page.trace(trace, "  ");
    }
    page.irq_events(thread);
    page.line("").line("other info that might help us debug this:");
    page.line(" Possible unsafe locking scenario:").line("");
    page.line("       CPU0").line("       ----");
    let name = graph.name(held.class);
    page.line(format_args!("  lock({name});")).line("  <Interrupt>");
    page.line(format_args!("    lock({name});"));
    page.line("").line(" *** DEADLOCK ***").line("").held(graph, thread);
    page.translation(TRANSLATION).backtrace(thread);
    sink::emit(thread, Kind::Inconsistent, page.finish());
}

const TRANSLATION: &str = "a signal handler that takes it waits for the code it interrupted; \
    a real-time thread waits for a holder that may be preempted.";

#[cold]
fn inversion(graph: &Graph, thread: &Thread, held: &Held, bit: u32, path: &[Step]) {
    let Some(other) = path.last() else { return };
    if !sink::is_new(Kind::Inversion, (held.class, other.class)) {
        return;
    }
    let mut page = Page::new(thread);
    let who = page.who();
    let state = state::state_name(bit);
    page.head("WARNING: possible irq lock inversion dependency detected", 56);
    page.line(format_args!("{who} just changed the state of lock:")).lock(graph, held);
    let is_now_safe = !state::is_enabled(bit);
    page.line(if is_now_safe {
        format!("but this lock took another, {state}-unsafe lock in the past:")
    } else {
        format!("but this lock was taken by another, {state}-safe lock in the past:")
    });
    page.line(format_args!(" {}", class_text(graph, other.class)));
    page.line("").line("and interrupts could create inverse lock ordering between them.");
    page.line("").line("").line("other info that might help us debug this:");
    let mut classes: Vec<u16> = path.iter().map(|step| step.class).collect();
    if !is_now_safe {
        classes.reverse();
    }
    scenario(&mut page, graph, &classes);
    page.held(graph, thread);
    page.line("").line("the shortest dependencies between 2nd lock and 1st lock:");
    dependencies(&mut page, graph, path);
    page.translation(TRANSLATION).backtrace(thread);
    sink::emit(thread, Kind::Inversion, page.finish());
}

#[cold]
fn safe_to_unsafe(
    graph: &Graph,
    next: &Next<'_>,
    previous: &Held,
    to_safe: &[Step],
    safe_bit: u32,
    to_unsafe: &[Step],
    unsafe_bit: u32,
) {
    let (thread, new) = (next.thread, &next.held);
    let (Some(safe), Some(other)) = (to_safe.last(), to_unsafe.last()) else { return };
    if !sink::is_new(Kind::SafeToUnsafe, (safe.class, other.class)) {
        return;
    }
    let state = state::state_name(safe_bit);
    let mut page = Page::new(thread);
    let who = page.who();
    page.head(&format!("WARNING: {state}-safe -> {state}-unsafe lock order detected"), 53);
    page.line(format_args!("{who} {} is trying to acquire:", Page::contexts(thread)));
    page.lock(graph, new);
    page.line("").line("and this task is already holding:").lock(graph, previous);
    page.line("which would create a new lock dependency:");
    let (from, to) = (class_text(graph, previous.class), class_text(graph, new.class));
    page.line(format_args!(" {from} -> {to}"));
    page.line("");
    page.line(format_args!("but this new dependency connects a {state}-irq-safe lock:"));
    page.line(format_args!(" {}", class_text(graph, safe.class)));
    page.line("").line(format_args!("... which became {state}-irq-safe at:"));
    use_at(&mut page, graph, safe.class, safe_bit);
    page.line("").line(format_args!("to a {state}-irq-unsafe lock:"));
    page.line(format_args!(" {}", class_text(graph, other.class)));
    page.line("").line(format_args!("... which became {state}-irq-unsafe at:"));
    page.line("...");
    use_at(&mut page, graph, other.class, unsafe_bit);
    page.line("").line("other info that might help us debug this:").line("");
    let mut classes: Vec<u16> = to_safe.iter().rev().map(|step| step.class).collect();
    classes.extend(to_unsafe.iter().map(|step| step.class));
    scenario(&mut page, graph, &classes);
    page.held(graph, thread);
    page.line("");
    page.line(format_args!("the dependencies between {state}-irq-safe lock and the holding lock:"));
    dependencies(&mut page, graph, to_safe);
    page.line("").line("the dependencies between the lock to be acquired");
    page.line(format_args!(" and {state}-irq-unsafe lock:"));
    dependencies(&mut page, graph, to_unsafe);
    page.translation(TRANSLATION).backtrace(thread);
    sink::emit(thread, Kind::SafeToUnsafe, page.finish());
}

fn use_at(page: &mut Page, graph: &Graph, class: u16, bit: u32) {
    if let Some(trace) = graph.usage_trace(class, bit) {
        page.trace(trace, "  ");
    }
}

/// The two columns, for a chain from an irq-safe class to an irq-unsafe one.
fn scenario(page: &mut Page, graph: &Graph, classes: &[u16]) {
    let (Some(&safe), Some(&other)) = (classes.first(), classes.last()) else { return };
    let (safe, other) = (graph.name(safe), graph.name(other));
    let middle = classes.get(1).map_or(safe, |&class| graph.name(class));
    if middle != other {
        page.line("Chain exists of:").line(format_args!("  {safe} --> {middle} --> {other}"));
        page.line("");
    }
    page.line(" Possible interrupt unsafe locking scenario:").line("");
    page.line("       CPU0                    CPU1");
    page.line("       ----                    ----");
    let column = " ".repeat(31);
    page.line(format_args!("  lock({other});"));
    page.line(format_args!("{column}local_irq_disable();"));
    page.line(format_args!("{column}lock({safe});"));
    page.line(format_args!("{column}lock({middle});"));
    page.line("  <Interrupt>").line(format_args!("    lock({safe});"));
    page.line("").line(" *** DEADLOCK ***").line("");
}

/// Each class of a path with the places where it came by its bits.
fn dependencies(page: &mut Page, graph: &Graph, path: &[Step]) {
    for (depth, step) in path.iter().enumerate().rev() {
        let indent = " ".repeat(path.len() - 1 - depth);
        page.line(format_args!("{indent}-> {} {{", class_text(graph, step.class)));
        for bit in 0..state::CONTEXT_BITS + 2 {
            if let Some(trace) = graph.usage_trace(step.class, bit) {
                page.line(format_args!("{indent}   {} at:", state::name(bit)));
                page.trace(trace, &format!("{indent}                    "));
            }
        }
        page.line(format_args!("{indent} }}"));
        let acquired = step.trace.clone().unwrap_or_else(Trace::here);
        page.line(format_args!("{indent} ... acquired at:"))
            .trace(&acquired, &format!("{indent}   "));
    }
    page.line("");
}
