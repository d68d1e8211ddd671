//! Sends reports to standard error, a file (`LOCKDEP_LOG`), a hook, or a test that captures them.

#![expect(clippy::disallowed_types, reason = "the validator's own lock, taken to report only")]

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::context::Thread;
use crate::environment::variable;
use crate::words::{Report, ReportKind};

type Hook = Box<dyn Fn(&Report) + Send>;

#[derive(Default)]
struct Sink {
    /// How many times each finding came.
    seen: HashMap<u64, u64>,
    captured: Option<Vec<Report>>,
    file: Option<File>,
    hook: Option<Hook>,
}

static SINK: LazyLock<Mutex<Sink>> = LazyLock::new(|| Mutex::new(Sink::new()));
static TAINTED: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);

impl Sink {
    fn new() -> Self {
        let file = variable("LOCKDEP_LOG")
            .and_then(|path| File::options().append(true).create(true).open(path).ok());
        Self { file, ..Self::default() }
    }

    fn write(&mut self, report: Report) {
        if let Some(hook) = &self.hook {
            hook(&report);
        }
        if let Some(captured) = &mut self.captured {
            captured.push(report);
            return;
        }
        // A report that cannot be written has nowhere else to go.
        let _ = match &mut self.file {
            Some(file) => file.write_all(report.text.as_bytes()),
            None => std::io::stderr().write_all(report.text.as_bytes()),
        };
    }
}

fn sink() -> std::sync::MutexGuard<'static, Sink> {
    SINK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a finding, and returns whether it is new.
pub(crate) fn is_new(kind: ReportKind, what: impl Hash) -> bool {
    let mut hasher = DefaultHasher::new();
    (kind, what).hash(&mut hasher);
    let count = &mut *sink();
    let count = count.seen.entry(hasher.finish()).or_insert(0);
    *count += 1;
    *count == 1
}

/// Sends a report.
pub(crate) fn emit(thread: &Thread, kind: ReportKind, text: String) {
    emit_for(thread.group(), thread.tid(), kind, text);
}

/// Sends a report about a thread.
pub(crate) fn emit_for(group: u64, tid: u32, kind: ReportKind, text: String) {
    TAINTED.store(true, Ordering::Relaxed);
    COUNT.fetch_add(1, Ordering::Relaxed);
    sink().write(Report { kind, text, group, tid });
    if variable("LOCKDEP_ABORT").is_some() {
        std::process::abort();
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

/// Calls `hook` with every report before it is written. The hook runs in the reported code, so it must not wait.
pub fn set_hook(hook: impl Fn(&Report) + Send + 'static) {
    sink().hook = Some(Box::new(hook));
}

/// Collects reports from now on instead of writing them.
pub(crate) fn start_capture() {
    sink().captured = Some(Vec::new());
}

/// Returns the collected reports. From now on reports are written again.
pub(crate) fn end_capture() -> Vec<Report> {
    sink().captured.take().unwrap_or_default()
}

/// Forgets all earlier reports.
pub(crate) fn forget() {
    sink().seen.clear();
    TAINTED.store(false, Ordering::Relaxed);
}
