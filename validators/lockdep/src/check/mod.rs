//! The checks at every acquisition and release.
//!
//! The fast path of an acquisition reads a few words of the thread and looks into the table of checked acquisitions.
//! Everything new takes the slow path, once.

pub(crate) mod balance;
pub(crate) mod budget;
pub(crate) mod circular;
pub(crate) mod freed;
pub(crate) mod irq;
pub(crate) mod irq_state;
pub(crate) mod leaving;
pub(crate) mod recursion;
pub(crate) mod sleep;
pub(crate) mod wait;

use crate::class;
use crate::context::Thread;
use crate::graph::{self, Graph};
use crate::held::{Again, Held};
use crate::site;
use crate::state;
use crate::statistics;
use crate::sud;
use crate::trace::Trace;
use crate::words::Place;
use crate::words::{How, Mode};

/// An acquisition that is about to be checked.
pub(crate) struct Next<'a> {
    pub(crate) thread: &'a Thread,
    pub(crate) held: Held,
}

#[inline]
pub(crate) fn acquire(thread: &Thread, instance: usize, class: u16, how: How, place: Place) {
    let context = thread.irq_context();
    let (below, outer) = match thread.held.top() {
        Some((last, inner, chain)) if last == context => (chain, inner),
        _ => (0, wait::limit(context)),
    };
    let below = below ^ thread.held.ladder(class, instance);
    let again = Again {
        class,
        mode: how.mode,
        attempt: how.attempt,
        site: place.key(),
        below,
        state: graph::state_key(thread.irq_word()),
    };
    if how.nest == 0 && thread.held.push_again(instance, &again) {
        return;
    }
    look_up(thread, instance, how, place, &again, context, outer);
}

/// Looks an acquisition up in the table of checked ones, and checks it if it is new.
fn look_up(
    thread: &Thread,
    instance: usize,
    how: How,
    place: Place,
    again: &Again,
    context: u8,
    outer: u8,
) {
    let (class, below) = (again.class, again.below);
    let wait = class::wait(class);
    let chain = chain_above(below, class, how);
    let held = Held {
        instance,
        class,
        mode: how.mode,
        attempt: how.attempt,
        context,
        inner: if wait == 0 { outer } else { outer.min(wait) },
        site: again.site,
        chain,
        nest: how.nest,
        pins: 0,
    };
    let key = graph::acquisition_key(chain, thread.irq_word(), held.site);
    let is_known = graph::is_chain_known(key);
    if !is_known {
        let is_bad_wait = wait > outer && !how.attempt;
        check(&Next { thread, held }, place, key, is_bad_wait);
    }
    if thread.held.push(&held) {
        thread.held.remember(again, is_known);
    } else {
        thread.while_busy(|| balance::too_deep(thread));
    }
}

/// Returns the usage bits of taking a lock now.
fn usage_of(thread: &Thread, held: &Held) -> u32 {
    let mut exclusive = 0;
    if !held.attempt {
        if thread.hardirq_count() != 0 {
            exclusive |= state::IN_HARDIRQ;
        }
        if thread.in_softirq() {
            exclusive |= state::IN_SOFTIRQ;
        }
    }
    if thread.irqs_on() {
        exclusive |= state::ENABLED_HARDIRQ;
        if thread.softirqs_on() {
            exclusive |= state::ENABLED_SOFTIRQ;
        }
    }
    let bits = exclusive | state::USED;
    if held.mode == Mode::Exclusive { bits } else { bits << 1 }
}

/// Returns the hash of a chain with one more lock. An attempt and a nested lock add other edges, so they make
/// another chain.
#[inline]
fn chain_above(below: u64, class: u16, how: How) -> u64 {
    let others = u64::from(how.attempt) << 62 | u64::from(how.nest != 0) << 61;
    graph::chain_key(below ^ others, class, how.mode)
}

/// Takes the slow path: something about this acquisition is new.
#[cold]
fn check(next: &Next<'_>, place: Place, key: u64, is_bad_wait: bool) {
    let long_way = || take_long_way(next, place, key, is_bad_wait);
    next.thread.while_busy(|| sud::allowing_syscalls(long_way));
}

fn take_long_way(next: &Next<'_>, place: Place, key: u64, is_bad_wait: bool) {
    site::of(place);
    // The kernel ends its checks with the first report. Here a report must not hide the next one.
    if is_bad_wait {
        wait::check(next);
    }
    let mut graph = graph::lock();
    graph.remember_chain(key);
    let usage = usage_of(next.thread, &next.held);
    let is_used = class::usage(next.held.class) & usage == usage;
    let is_known = next.held.attempt || graph::is_chain_known(next.held.chain);
    if is_used && is_known {
        return;
    }
    graph.learn();
    let trace = Trace::here();
    if !is_used && !mark(&mut graph, next.thread, &next.held, usage, &trace) || is_known {
        return;
    }
    graph.remember_chain(next.held.chain);
    if recursion::check(&graph, next) {
        connect(&mut graph, next, &trace);
    }
}

/// Adds usage bits to the class of a lock, in the kernel's order. Returns `false` after a report.
pub(crate) fn mark(
    graph: &mut Graph,
    thread: &Thread,
    held: &Held,
    usage: u32,
    trace: &Trace,
) -> bool {
    for bit in (0..u32::BITS).filter(|bit| usage & 1 << bit != 0) {
        let is_new = class::usage(held.class) & 1 << bit == 0;
        if !is_new {
            continue;
        }
        graph.mark(held.class, 1 << bit, trace);
        if bit < state::CONTEXT_BITS && !irq::check_use(graph, thread, held, bit) {
            return false;
        }
    }
    true
}

/// Adds the edges from the held locks to the new one. The walk ends with the first lock that is no attempt, because
/// its own acquisition has connected it to all locks below it.
fn connect(graph: &mut Graph, next: &Next<'_>, trace: &Trace) {
    let to = (next.held.class, next.held.mode);
    for previous in next.thread.held.iter().rev() {
        if previous.context != next.held.context {
            return;
        }
        let from = (previous.class, previous.mode);
        if from.0 != to.0 && !graph.is_connected(from, to) {
            if !circular::check(graph, next, &previous) || !irq::check_edge(graph, next, &previous)
            {
                return;
            }
            graph.connect(from, to, trace);
        }
        if !previous.attempt {
            return;
        }
    }
}

/// Removes a lock from the stack. Returns `false` if it is not there.
#[inline]
pub(crate) fn release(thread: &Thread, instance: usize) -> bool {
    statistics::releases(thread, instance);
    thread.held.pop(instance) || release_within(thread, instance)
}

/// The same for a lock that is not the last one, or that is pinned.
#[cold]
fn release_within(thread: &Thread, instance: usize) -> bool {
    let Some(index) = thread.held.position(instance) else { return false };
    thread.while_busy(|| {
        let removed = drop_held(thread, index);
        if removed.pins != 0 {
            balance::pinned(thread);
        }
    });
    true
}

/// Removes the lock at an index from the stack.
#[inline]
pub(crate) fn drop_held(thread: &Thread, index: usize) -> Held {
    let removed = thread.held.remove(index);
    if index < thread.held.depth() {
        rebuild(thread, index);
    }
    removed
}

/// Computes the chain anew above a lock that was released out of order.
fn rebuild(thread: &Thread, from: usize) {
    let mut last = from.checked_sub(1).and_then(|index| thread.held.iter().nth(index));
    for index in from..thread.held.depth() {
        let Some(mut held) = thread.held.iter().nth(index) else { return };
        let (below, outer) = match last {
            Some(last) if last.context == held.context => (last.chain, last.inner),
            _ => (0, wait::limit(held.context)),
        };
        let wait = class::wait(held.class);
        let (mode, attempt, nest) = (held.mode, held.attempt, held.nest);
        held.chain = chain_above(below, held.class, How { mode, attempt, subclass: 0, nest });
        held.inner = if wait == 0 { outer } else { outer.min(wait) };
        thread.held.set(index, &held);
        last = Some(held);
    }
}
