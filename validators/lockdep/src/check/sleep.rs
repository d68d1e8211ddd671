//! Checks calls that may sleep. In atomic context the call is the defect, even if it does not wait this time.
//!
//! Each call is reported once for each stack that leads to it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::context::{self, Thread};
use crate::environment::variable;
use crate::frame::Frame;
use crate::graph;
use crate::print;
use crate::sink;
use crate::site;
use crate::stack;
use crate::trace::Trace;
use crate::words::Place;
use crate::words::ReportKind;

/// Minimum time between two reports about sleeping, in ns. By default there is none, so that no finding hides another.
static INTERVAL_NS: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(default_interval()));
/// The time of the last report about sleeping, in ns from the start plus 1; 0 for never.
static LAST_NS: AtomicU64 = AtomicU64::new(0);
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Sets the minimum time between two reports about sleeping. The default is 0: each place is reported. The kernel's is
/// a second.
pub fn set_sleep_report_interval(interval: Duration) {
    let ns = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    INTERVAL_NS.store(ns, Ordering::Relaxed);
}

pub(crate) fn forget() {
    LAST_NS.store(0, Ordering::Relaxed);
    INTERVAL_NS.store(default_interval(), Ordering::Relaxed);
}

/// Returns the interval that `LOCKDEP_SLEEP_INTERVAL` gives in seconds, in ns.
fn default_interval() -> u64 {
    let seconds = variable("LOCKDEP_SLEEP_INTERVAL");
    let seconds = seconds.and_then(|text| text.to_str()?.parse::<u32>().ok());
    u64::from(seconds.unwrap_or(0)) * 1_000_000_000
}

/// What may sleep.
#[derive(Clone, Copy, Hash)]
enum What {
    /// A call that may wait, with the name of the function if it is known.
    Wait(&'static str),
    /// An allocation of this many bytes.
    Allocation(&'static str, usize),
    /// A release of memory.
    Release(&'static str),
    /// A system call.
    System(u64),
}

impl What {
    /// Returns the sentence for the last line of a report. It begins with the name of the function.
    fn sentence(self) -> String {
        match self {
            Self::Wait("") => {
                "a call that may wait, contended or not, is made in code that must meet a deadline."
                    .to_owned()
            }
            Self::Wait(call) => {
                format!("{call}() may wait, and is called in code that must meet a deadline.")
            }
            Self::Allocation(call, size) => {
                format!("{call}() of {size} bytes may wait for the allocator.")
            }
            Self::Release(call) => format!("{call}() may wait for the allocator."),
            Self::System(number) => format!("system call {number}."),
        }
    }

    /// Returns a number for the call. The same call with another size is the same finding.
    fn key(self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self {
            Self::Allocation(call, _) => Self::Allocation(call, 0).hash(&mut hasher),
            other => other.hash(&mut hasher),
        }
        hasher.finish()
    }
}

/// Checks code that may sleep, and reports it if it must not sleep here.
#[inline]
pub fn might_sleep(place: Place) {
    may_wait("", place);
}

/// Checks a call of a function that may sleep.
#[inline]
pub(crate) fn may_wait(call: &'static str, place: Place) {
    if context::peek(Thread::is_atomic) {
        check(What::Wait(call), Some(place));
    }
}

/// Checks a call of an allocator for `size` bytes.
#[inline]
pub(crate) fn allocates(call: &'static str, size: usize) {
    if context::peek(Thread::is_atomic) {
        check(What::Allocation(call, size), None);
    }
}

/// Checks a release of memory, which may wait for the allocator's lock just as an allocation may.
#[inline]
pub(crate) fn releases(call: &'static str) {
    if context::peek(Thread::is_atomic) {
        check(What::Release(call), None);
    }
}

#[cold]
fn check(what: What, place: Option<Place>) {
    context::enter(|thread| {
        let is_allowed = place.is_none() && thread.alloc_allowed.get() != 0;
        if thread.is_atomic() && !is_allowed {
            crate::sud::allowing_syscalls(|| report_new(thread, what, place));
        }
    });
}

fn report_new(thread: &Thread, what: What, place: Option<Place>) {
    let (key, trace) = stack::look(thread.tid(), what.key());
    if is_soon(now_ns()) || !sink::is_new(ReportKind::Sleep, key) {
        return;
    }
    let trace = trace.unwrap_or_else(Trace::here);
    let at = match place {
        Some(Place::Line(location)) => (location.file().to_owned(), location.line()),
        Some(place @ Place::Address(_)) => caller_or(&trace, || at(place)),
        None => caller_or(&trace, unknown),
    };
    report(thread, &at, &trace, &what.sentence());
}

/// Reports a system call that was trapped in a section that forbids them.
#[cold]
pub(crate) fn system_call(thread: &Thread, number: u64, addresses: &[usize]) {
    if is_soon(now_ns()) || !sink::is_new(ReportKind::Sleep, (number, addresses)) {
        return;
    }
    let trace = Trace::of_addresses(addresses);
    report(thread, &caller_or(&trace, unknown), &trace, &What::System(number).sentence());
}

/// Returns the first line of a stack that is not in the language's own code. Without lines, it is the first function.
fn caller_or(trace: &Trace, or_else: impl FnOnce() -> (String, u32)) -> (String, u32) {
    let frames = trace.frames();
    // The allocator's entry has the line where it was declared.
    let mut own =
        frames.iter().filter(|frame| !frame.is_of_library() && !frame.symbol().contains("__rust_"));
    own.next().cloned().map_or_else(or_else, line_of)
}

/// Returns the line of a frame. Without lines, it is the function.
fn line_of(frame: Frame) -> (String, u32) {
    let symbol = frame.symbol();
    frame.line.unwrap_or((symbol, 0))
}

fn unknown() -> (String, u32) {
    ("unknown".to_owned(), 0)
}

fn at(place: Place) -> (String, u32) {
    match place {
        Place::Line(location) => (location.file().to_owned(), location.line()),
        Place::Address(_) => site::frame(site::of(place)).map_or_else(unknown, line_of),
    }
}

#[cold]
fn report(thread: &Thread, at: &(String, u32), trace: &Trace, translation: &str) {
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
    let interval = INTERVAL_NS.load(Ordering::Relaxed);
    interval != 0 && last != 0 && now - last.min(now) < interval
}

/// Returns the time from the start of the process in ns, plus 1.
fn now_ns() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1)
}
