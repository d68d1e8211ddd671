//! Calls that may sleep, where nothing may: contended or not, the call itself is the defect.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::context::{self, Thread};
use crate::graph;
use crate::print;
use crate::sink;
use crate::site;
use crate::trace::Trace;
use crate::words::Kind;
use crate::words::Place;

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

/// Checks code that may sleep, and reports it if it must not sleep here.
#[inline]
pub fn might_sleep(place: Place) {
    if !context::peek(Thread::is_atomic) {
        return;
    }
    context::enter(|thread| {
        if thread.is_atomic() {
            crate::sud::with_door_open(|| {
                report(
                    thread,
                    &at(place),
                    &Trace::here(),
                    site::of(place),
                    "what may wait, contended or not, is called where somebody waits in real time.",
                )
            });
        }
    });
}

/// Checks a call of an allocator for `size` bytes.
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
    // A trace takes long, and there may be thousands of these in a second.
    if is_soon(now_ns()) {
        return;
    }
    let trace = Trace::here();
    let at = caller(&trace);
    let call = format!("an allocation or release of {size} bytes waits for the allocator.");
    report(thread, &at, &trace, &at, &call);
}

/// A system call that was trapped in a section without system calls.
#[cold]
pub(crate) fn system_call(thread: &Thread, number: u64, addresses: &[usize]) {
    let trace = Trace::of_addresses(addresses);
    let at = caller(&trace);
    report(thread, &at, &trace, (&at, number), &format!("system call {number}."));
}

/// The first line that is neither the language's own code nor without a line.
fn caller(trace: &Trace) -> (String, u32) {
    let frames = trace.frames();
    // The allocator's own entry has the line where it was declared.
    let mut own =
        frames.iter().filter(|frame| !frame.is_of_library() && !frame.symbol().contains("__rust_"));
    own.find_map(|frame| frame.line.clone()).unwrap_or_else(|| ("unknown".to_owned(), 0))
}

fn at(place: Place) -> (String, u32) {
    match place {
        Place::Line(location) => (location.file().to_owned(), location.line()),
        Place::Address(_) => {
            let frame = site::frame(site::of(place));
            let symbol = frame.symbol();
            frame.line.unwrap_or((symbol, 0))
        }
    }
}

#[cold]
fn report(
    thread: &Thread,
    at: &(String, u32),
    trace: &Trace,
    what: impl std::hash::Hash,
    translation: &str,
) {
    if is_soon(now_ns()) || !sink::is_new(Kind::Sleep, what) {
        return;
    }
    let graph = graph::lock();
    let report = kreport::print::MightSleep {
        at: at.clone(),
        origin: print::origin(thread),
        in_atomic: thread.preempt_count() != 0,
        irqs_disabled: !thread.irqs_on(),
        preempt_count: (thread.preempt_count(), 0),
        held: print::held(&graph, thread),
        irqs: (!thread.irqs_on()).then(|| print::irqs(thread)),
        trace: print::trace(trace),
        ..kreport::print::MightSleep::default()
    };
    drop(graph);
    print::send(thread, Kind::Sleep, report, translation);
    // From its end: finding the names of functions takes a while the first time.
    LAST_NS.store(now_ns(), Ordering::Relaxed);
}

/// Was there a report of this kind less than a second ago?
fn is_soon(now: u64) -> bool {
    let last = LAST_NS.load(Ordering::Relaxed);
    last != 0 && now - last.min(now) < INTERVAL_NS.load(Ordering::Relaxed)
}

/// Nanoseconds from the start of the process, never 0.
fn now_ns() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1)
}
