//! Reports in the order of time: when, which task, and whether it is a cause.

use super::{headline, seconds};
use crate::group::Occurrence;
use crate::known::Known;
use crate::log::Log;
use crate::model::Report;
use std::fmt::Write as _;

/// A line of the timeline.
struct Entry {
    time_us: Option<u64>,
    line: usize,
    by: String,
    role: String,
    headline: String,
}

/// Prints one line per report: time, task, cause or consequence, title.
#[must_use]
pub fn timeline(log: &Log<'_>, known: &Known) -> String {
    let mut entries: Vec<Entry> = Vec::new();
    let entry = |report: &Report<'_>, role: String| {
        let Occurrence { line, time_us, by, .. } = Occurrence::new(report);
        Entry { time_us, line, by, role, headline: headline(report) }
    };
    for (number, group) in log.groups.iter().enumerate() {
        let number = number + 1;
        if group.members().all(|index| known.reason(&log.reports[index]).is_some()) {
            continue;
        }
        let cause = &log.reports[group.cause];
        entries.push(entry(cause, format!("cause {number}")));
        let consequences = group.consequences.iter().map(|&index| &log.reports[index]);
        entries.extend(consequences.map(|report| entry(report, format!("of {number}"))));
        let repeats = group.repeats.iter().map(|&index| &log.reports[index]);
        entries.extend(repeats.map(|report| entry(report, format!("again {number}"))));
        entries.extend(group.again.iter().map(|again| Entry {
            time_us: again.time_us,
            line: again.line,
            by: again.by.clone(),
            role: format!("again {number}"),
            headline: headline(cause),
        }));
    }
    // Logs of several processors are not quite in order. A report without a time keeps its place.
    entries.sort_by_key(|entry| (entry.time_us, entry.line));
    let when = |entry: &Entry| match entry.time_us {
        Some(time) => seconds(time),
        None => format!("line {}", entry.line),
    };
    let when_width = entries.iter().map(|entry| when(entry).len()).max().unwrap_or(0);
    let by_width = entries.iter().map(|entry| entry.by.len()).max().unwrap_or(0);
    let mut out = String::new();
    for entry in &entries {
        let (when, Entry { by, role, headline, .. }) = (when(entry), entry);
        let _ = writeln!(out, "{when:>when_width$}  {by:by_width$}  {role:9} {headline}");
    }
    out
}
