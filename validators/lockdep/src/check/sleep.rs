//! Checks calls that may sleep. In atomic context the call is the defect, even if it does not wait this time.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::context::{self, Thread};
use crate::graph;
use crate::print;
use crate::sink;
use crate::site;
use crate::trace::Trace;
use crate::words::Place;
use crate::words::ReportKind;

/// Minimum time between two reports about sleeping, in ns. It is the kernel's: the first report is what matters.
static INTERVAL_NS: AtomicU64 = AtomicU64::new(1_000_000_000);
/// The time of the last report about sleeping, in ns from the start plus 1; 0 for never.
static LAST_NS: AtomicU64 = AtomicU64::new(0);
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Sets the minimum time between two reports about sleeping. The default is a second, as in the kernel.
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
            crate::sud::allowing_syscalls(|| {
                report(
                    thread,
                    &at(place),
                    &Trace::here(),
                    site::of(place),
                    "a call that may wait, contended or not, is made in code that must meet a deadline.",
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
            crate::sud::allowing_syscalls(|| allocation(thread, size));
        }
    });
}

#[cold]
fn allocation(thread: &Thread, size: usize) {
    // A trace takes long, and a program may make thousands of allocations in a second.
    if is_soon(now_ns()) {
        return;
    }
    let trace = Trace::here();
    let at = caller(&trace);
    let call = format!("an allocation or release of {size} bytes may wait for the allocator.");
    report(thread, &at, &trace, &at, &call);
}

/// Reports a system call that was trapped in a section that forbids them.
#[cold]
pub(crate) fn system_call(thread: &Thread, number: u64, addresses: &[usize]) {
    let trace = Trace::of_addresses(addresses);
    let at = caller(&trace);
    report(thread, &at, &trace, (&at, number), &format!("system call {number}."));
}

/// Returns the first line of a stack that is not in the language's own code.
fn caller(trace: &Trace) -> (String, u32) {
    let frames = trace.frames();
    // The allocator's entry has the line where it was declared.
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
    if is_soon(now_ns()) || !sink::is_new(ReportKind::Sleep, what) {
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
    print::send(thread, ReportKind::Sleep, report, translation);
    // The time counts from the end of the report: finding the names of functions takes a while the first time.
    LAST_NS.store(now_ns(), Ordering::Relaxed);
}

/// Returns whether the last report about sleeping is too recent for another one.
fn is_soon(now: u64) -> bool {
    let last = LAST_NS.load(Ordering::Relaxed);
    last != 0 && now - last.min(now) < INTERVAL_NS.load(Ordering::Relaxed)
}

/// Returns the time from the start of the process in ns, plus 1.
fn now_ns() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1)
}
