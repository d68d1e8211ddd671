//! Reports in the order of time: when, which task, and whether it is a cause.

use super::{context, headline, seconds};
use crate::log::Log;
use crate::model::Report;
use std::fmt::Write as _;

/// Prints one line per report: time, task, cause or consequence, title.
#[must_use]
pub fn timeline(log: &Log<'_>) -> String {
    let mut entries: Vec<(&Report<'_>, String)> = Vec::new();
    for (number, group) in log.groups.iter().enumerate() {
        let number = number + 1;
        entries.push((&log.reports[group.cause], format!("cause {number}")));
        let consequences = group.consequences.iter().map(|&index| &log.reports[index]);
        entries.extend(consequences.map(|report| (report, format!("of {number}"))));
        let repeats = group.repeats.iter().map(|&index| &log.reports[index]);
        entries.extend(repeats.map(|report| (report, format!("again {number}"))));
    }
    // Logs of several processors are not quite in order. A report without a time keeps its place.
    entries.sort_by_key(|(report, _)| (report.time_us, report.line_range().0));
    let when = |report: &Report<'_>| match report.time_us {
        Some(time) => seconds(time),
        None => format!("line {}", report.line_range().0),
    };
    let who = |report: &Report<'_>| match &report.task {
        Some(task) => format!("{}/{}", task.comm, task.pid),
        None => context(report.context).unwrap_or_else(|| "-".to_owned()),
    };
    let width = |text: &dyn Fn(&Report<'_>) -> String| {
        entries.iter().map(|(report, _)| text(report).len()).max().unwrap_or(0)
    };
    let (when_width, who_width) = (width(&when), width(&who));
    let mut out = String::new();
    for (report, role) in &entries {
        let (when, who) = (when(report), who(report));
        let _ =
            writeln!(out, "{when:>when_width$}  {who:who_width$}  {role:9} {}", headline(report));
    }
    out
}
