//! Functions that several tests use.

use lockdep::testing::capture;
use lockdep::{Report, ReportKind};

/// Returns the kinds of the reports that a case makes, in order.
pub(crate) fn kinds(case: impl FnOnce()) -> Vec<ReportKind> {
    let reports = reports(case);
    reports.iter().map(|report| report.kind).collect()
}

/// Returns the reports that a case makes.
pub(crate) fn reports(case: impl FnOnce()) -> Vec<Report> {
    let reports = capture(case);
    for report in &reports {
        // The harness shows this if the test fails.
        println!("{}", report.text);
    }
    reports
}
