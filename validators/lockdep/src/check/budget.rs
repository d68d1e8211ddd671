//! Checks the budgets of sections, with a watchdog for sections that do not end.

#![expect(clippy::disallowed_types, reason = "a list of open sections, touched at their ends only")]

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::context::Thread;
use crate::print::{self, comm};
use crate::sink;
use crate::words::ReportKind;

/// A section with a time budget that is open.
struct Open {
    entry: u64,
    tid: u32,
    comm: String,
    name: &'static str,
    start: Instant,
    budget: Duration,
    reported: bool,
}

static OPEN: LazyLock<Mutex<Vec<Open>>> = LazyLock::new(|| Mutex::new(Vec::new()));

fn open() -> std::sync::MutexGuard<'static, Vec<Open>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets the watchdog observe a section. Returns the number with which to end that.
pub(crate) fn watch(thread: &Thread, name: &'static str, budget: Duration) -> u64 {
    let entry = crate::context::next_entry();
    let (tid, comm, start) = (thread.tid(), comm(), Instant::now());
    open().push(Open { entry, tid, comm, name, start, budget, reported: false });
    entry
}

pub(crate) fn unwatch(entry: u64) {
    open().retain(|open| open.entry != entry);
}

/// Reports a section that took too many items or too long.
#[cold]
pub(crate) fn exceeded(thread: &Thread, name: &'static str, what: &str) {
    if !sink::is_new(ReportKind::Budget, (name, what.split(' ').next())) {
        return;
    }
    crate::sud::allowing_syscalls(|| {
        sink::emit(
            thread,
            ReportKind::Budget,
            print::warning(thread, &format!("section {name} exceeded its budget: {what}"))
                .to_string(),
        );
    });
}

/// Reports the sections that have been open for longer than their budget, each once. Returns how many it reported.
#[must_use]
pub fn check_watchdog() -> usize {
    let mut late = 0;
    for open in open().iter_mut().filter(|open| !open.reported) {
        let elapsed = open.start.elapsed();
        if elapsed <= open.budget {
            continue;
        }
        open.reported = true;
        late += 1;
        let text = format!(
            "watchdog: BUG: soft lockup - CPU#0 stuck for {}s! [{}:{}]\n\
             In user space: section {} is open for {elapsed:?}, its budget is {:?}.\n",
            elapsed.as_secs(),
            open.comm,
            open.tid,
            open.name,
            open.budget,
        );
        sink::emit_for(open.entry, open.tid, ReportKind::Lockup, text);
    }
    late
}

/// Starts a thread that looks every `period` for sections that do not end.
///
/// # Errors
///
/// Returns the error of starting the thread.
pub fn start_watchdog(period: Duration) -> std::io::Result<()> {
    let look = move || loop {
        std::thread::sleep(period);
        let _ = check_watchdog();
    };
    std::thread::Builder::new().name("watchdog".to_owned()).spawn(look).map(drop)
}
