//! Running a case of its own: reports captured, everything forgotten before.

#![expect(clippy::disallowed_types, reason = "cases of one process run one at a time")]

use std::sync::{Mutex, PoisonError};

use crate::{Report, check, context, graph, sink};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs a case and gives the reports that it made, in all threads. Before it, everything that was
/// learnt is forgotten; the interval between reports about sleeping is 0.
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
