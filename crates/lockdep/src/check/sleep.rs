//! Calls that may sleep, where nothing may: contended or not, the call itself is the defect.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::context::{self, Thread};
use crate::graph;
use crate::print::Page;
use crate::sink::{self, Kind};
use crate::site::{self, Place};
use crate::trace::Trace;

/// The kernel prints at most one such report a second: the first one is what matters.
static INTERVAL_NS: AtomicU64 = AtomicU64::new(1_000_000_000);
/// When the last one was, in nanoseconds from the start, plus one; 0 for never.
static LAST_NS: AtomicU64 = AtomicU64::new(0);
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Sets the least time between two reports about sleeping; the kernel's is a second.
pub fn set_sleep_report_interval(interval: Duration) {
    let ns = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    INTERVAL_NS.store(ns, Ordering::Relaxed);
}

pub(crate) fn forget() {
    LAST_NS.store(0, Ordering::Relaxed);
    INTERVAL_NS.store(1_000_000_000, Ordering::Relaxed);
}

/// Says that the calling code may sleep; a report if it must not.
#[inline]
pub fn might_sleep(place: Place) {
    context::enter(|thread| {
        if thread.is_atomic() {
            crate::sud::with_door_open(|| {
                report(thread, &at(place), &Trace::here(), site::of(place), "")
            });
        }
    });
}

/// Says that an allocator is called, with the size wanted.
#[inline]
pub(crate) fn allocates(size: usize) {
    context::enter(|thread| {
        if thread.is_atomic() && thread.alloc_allowed.get() == 0 {
            crate::sud::with_door_open(|| allocation(thread, size));
        }
    });
}

#[cold]
fn allocation(thread: &Thread, size: usize) {
    let trace = Trace::here();
    let outside = |line: &&String| !is_library(line);
    let lines = trace.lines();
    // The first line that is not the language's own code.
    let line = lines.iter().find(outside).cloned().unwrap_or_default();
    let at = line.split(' ').nth(1).unwrap_or(&line).to_owned();
    report(thread, &at, &trace, line, &format!("an allocation of {size} bytes"));
}

fn is_library(line: &str) -> bool {
    [" library/", "__rust", "__rdl", "alloc::"].iter().any(|part| line.contains(part))
}

/// A system call that was trapped in a section without system calls.
#[cold]
pub(crate) fn system_call(thread: &Thread, number: u64, addresses: &[usize]) {
    let trace = Trace::of_addresses(addresses);
    let lines = trace.lines();
    let outside =
        |line: &&String| !is_library(line) && line.contains(".rs:") || line.contains(".c:");
    let line = lines.iter().find(outside).or_else(|| lines.first()).cloned().unwrap_or_default();
    let at = line.split(' ').nth(1).unwrap_or(&line).to_owned();
    report(thread, &at, &trace, (line, number), &format!("system call {number}"));
}

fn at(place: Place) -> String {
    match place {
        Place::Line(location) => format!("{}:{}", location.file(), location.line()),
        Place::Address(_) => match site::frame(site::of(place)) {
            frame if frame.line.is_some() => {
                frame.line.map(|(file, line)| format!("{file}:{line}")).unwrap_or_default()
            }
            frame => frame.symbol(),
        },
    }
}

#[cold]
fn report(thread: &Thread, at: &str, trace: &Trace, what: impl std::hash::Hash, call: &str) {
    let now = u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1);
    let last = LAST_NS.load(Ordering::Relaxed);
    let is_soon = last != 0 && now - last.min(now) < INTERVAL_NS.load(Ordering::Relaxed);
    if is_soon || !sink::is_new(Kind::Sleep, what) {
        return;
    }
    LAST_NS.store(now, Ordering::Relaxed);
    let graph = graph::lock();
    let mut page = Page::new(thread);
    let comm = crate::print::comm();
    page.line(format_args!("BUG: sleeping function called from invalid context at {at}"));
    page.line(format_args!(
        "in_atomic(): {}, irqs_disabled(): {}, non_block: 0, pid: {}, name: {comm}",
        u8::from(thread.preempt_count() != 0),
        u8::from(!thread.irqs_on()),
        thread.tid(),
    ));
    page.line(format_args!("preempt_count: {:x}, expected: 0", thread.preempt_count()));
    page.line("RCU nest depth: 0, expected: 0");
    page.held(&graph, thread);
    drop(graph);
    if !thread.irqs_on() {
        page.irq_events(thread);
    }
    if !call.is_empty() {
        page.translation(&format!("{call}."));
    }
    page.cpu_line(thread, sink::taint()).call_trace(trace);
    sink::emit(thread, Kind::Sleep, page.finish());
}
