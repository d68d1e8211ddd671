//! Sends reports to `lockdep-run`, standard error, a file (`LOCKDEP_LOG`), a hook, or a test that captures them.

#![expect(clippy::disallowed_types, reason = "the validator's own lock, taken to report only")]

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::context::{self, Thread};
use crate::environment::variable;
use crate::output::Output;
use crate::plain;
use crate::session::writer as session;
use crate::statistics;
use crate::words::{Report, ReportKind};

/// Maximum number of reports of a process, unless `LOCKDEP_MAX_REPORTS` says otherwise. A program with more findings
/// has a common cause of most of them.
const MAX_REPORTS: u64 = 1000;

type Hook = Box<dyn Fn(&Report) + Send>;

/// A finding that was made.
#[derive(Default)]
struct Found {
    /// How many times it came.
    count: u64,
    /// Its index in the session.
    index: Option<usize>,
}

#[derive(Default)]
pub(crate) struct Sink {
    seen: HashMap<u64, Found>,
    captured: Option<Vec<Report>>,
    output: Output,
    hook: Option<Hook>,
    max_reports: u64,
    /// Findings that are held back: the thread of each, and its index in the session.
    held: Vec<(usize, usize)>,
}

static SINK: LazyLock<Mutex<Sink>> = LazyLock::new(|| Mutex::new(Sink::new()));
static TAINTED: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

impl Sink {
    fn new() -> Self {
        let max = variable("LOCKDEP_MAX_REPORTS");
        let max = max.and_then(|text| text.to_str()?.parse().ok()).unwrap_or(MAX_REPORTS);
        // With lockdep-run, the maximum is that of all processes together.
        let max = if session::get().is_some() || max == 0 { u64::MAX } else { max };
        Self { output: Output::open(), max_reports: max, ..Self::default() }
    }

    /// Writes a report, and returns its index in the session.
    fn write(&mut self, report: Report, is_held: bool) -> Option<usize> {
        if let Some(hook) = &self.hook {
            hook(&report);
        }
        if let Some(captured) = &mut self.captured {
            captured.push(report);
            return None;
        }
        let session = session::get();
        if session.is_none() || self.output.is_file() {
            self.output.write(&report.text);
        }
        session?.add(&report.text, is_held)
    }

    fn hold(&mut self, thread: usize, index: usize) {
        if !self.held.contains(&(thread, index)) {
            self.held.push((thread, index));
        }
    }
}

/// Returns the thread whose findings of a kind are held back for `lockdep-run`, if it is the calling one.
fn holder(kind: ReportKind) -> Option<usize> {
    let holds = kind == ReportKind::Sleep && session::mapped().is_some();
    holds.then(|| context::peek(|thread| thread.holds_back.get().then(|| id(thread)))).flatten()
}

/// Returns a number of the thread that stays the same when the process is copied.
fn id(thread: &Thread) -> usize {
    std::ptr::from_ref(thread).addr()
}

fn aborts() {
    if variable("LOCKDEP_ABORT").is_some() {
        std::process::abort();
    }
}

/// Settles whether the findings that the calling thread has held back are findings.
#[cfg(feature = "static-tls")]
pub(crate) fn settle(is_finding: bool) {
    let (own, calls) = context::peek(|thread| (id(thread), thread.held_back.take()));
    let Some(session) = session::mapped().filter(|_| calls > 0) else { return };
    lock().held.retain(|(thread, index)| {
        if *thread == own {
            session.settle(*index, is_finding);
        }
        *thread != own
    });
    if is_finding {
        (0..calls).for_each(|_| statistics::found());
        aborts();
    }
}

/// Locks the place where reports go.
pub(crate) fn lock() -> std::sync::MutexGuard<'static, Sink> {
    SINK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the places where reports go. This comes early, before the program closes its descriptors.
pub(crate) fn open() {
    context::peek(|thread| thread.while_busy(|| drop(lock())));
}

/// Counts a finding, and returns whether it is new and may be reported.
pub(crate) fn is_new(kind: ReportKind, what: impl Hash) -> bool {
    let mut hasher = DefaultHasher::new();
    (kind, what).hash(&mut hasher);
    let key = hasher.finish();
    let holder = holder(kind);
    let sink = &mut *lock();
    let printed = COUNT.load(Ordering::Relaxed);
    let found = sink.seen.entry(key).or_default();
    found.count += 1;
    let (is_known, index) = (found.count > 1, found.index);
    let mut is_held = holder.is_some();
    if let (Some(index), Some(session)) = (index, session::mapped()) {
        session.again(index);
        match holder {
            Some(thread) if session.hold(index) => sink.hold(thread, index),
            Some(_) => is_held = false,
            None => session.settle(index, true),
        }
    }
    if is_held {
        context::peek(|thread| thread.held_back.set(thread.held_back.get() + 1));
    } else {
        statistics::found();
    }
    if is_known {
        return false;
    }
    if sink.captured.is_none() && printed >= sink.max_reports {
        if LEFT_OUT.fetch_add(1, Ordering::Relaxed) == 0 {
            sink.output.write(&format!(
                "lockdep: there are more than {} findings; LOCKDEP_MAX_REPORTS=0 prints all\n",
                sink.max_reports
            ));
        }
        return false;
    }
    context::peek(|thread| thread.finding.set(key));
    true
}

/// Sends a report.
pub(crate) fn emit(thread: &Thread, kind: ReportKind, text: String) {
    emit_for(thread.group(), thread.tid(), kind, text);
}

/// Sends a report about a thread.
pub(crate) fn emit_for(group: u64, tid: u32, kind: ReportKind, text: String) {
    TAINTED.store(true, Ordering::Relaxed);
    COUNT.fetch_add(1, Ordering::Relaxed);
    let key = context::peek(|thread| thread.finding.take());
    let text = plain::with_first_line(kind, text);
    let holder = holder(kind);
    let mut sink = lock();
    let index = sink.write(Report { kind, text, group, tid }, holder.is_some());
    if let Some(found) = sink.seen.get_mut(&key) {
        found.index = index;
    }
    if let (Some(thread), Some(index)) = (holder, index) {
        sink.hold(thread, index);
    }
    drop(sink);
    if holder.is_none() {
        aborts();
    }
}

/// Returns whether a report was made before.
pub(crate) fn is_tainted() -> bool {
    TAINTED.load(Ordering::Relaxed)
}

/// Returns how many reports this process has made.
#[must_use]
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Returns how many findings were not reported because there were too many (`LOCKDEP_MAX_REPORTS`).
#[must_use]
pub fn left_out() -> u64 {
    LEFT_OUT.load(Ordering::Relaxed)
}

/// Calls `hook` with every report before it is written. The hook runs in the reported code, so it must not wait.
pub fn set_hook(hook: impl Fn(&Report) + Send + 'static) {
    lock().hook = Some(Box::new(hook));
}

/// Collects reports from now on instead of writing them.
pub(crate) fn start_capture() {
    lock().captured = Some(Vec::new());
}

/// Returns the collected reports. From now on reports are written again.
pub(crate) fn end_capture() -> Vec<Report> {
    lock().captured.take().unwrap_or_default()
}

/// Forgets all earlier reports.
pub(crate) fn forget() {
    lock().seen.clear();
    TAINTED.store(false, Ordering::Relaxed);
}
