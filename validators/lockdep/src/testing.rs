//! Runs a piece of code and captures its reports, for tests.

#![expect(clippy::disallowed_types, reason = "cases of one process run one at a time")]

use std::sync::{Mutex, PoisonError};

use crate::{Report, check, context, graph, sink};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs a case and returns the reports that it made, in all threads. Everything that was learnt before is
/// forgotten.
pub fn capture(case: impl FnOnce()) -> Vec<Report> {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    reset();
    sink::start_capture();
    case();
    let reports = sink::end_capture();
    context::forget_thread();
    reports
}

/// Forgets all uses, orders and reports, and what the calling thread holds.
pub fn reset() {
    context::forget_thread();
    graph::lock().forget();
    sink::forget();
    check::sleep::forget();
}
