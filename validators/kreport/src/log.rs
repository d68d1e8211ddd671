//! A whole log: its reports, their groups, and the lines that belong to no report.

use crate::group::{self, Group};
use crate::model::Report;
use crate::parse::split;
use std::ops::Range;

/// What was read from a log.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Log<'a> {
    /// The reports in the order of their headers.
    pub reports: Vec<Report<'a>>,
    /// The groups of a cause and its consequences. Repetitions are joined.
    pub groups: Vec<Group>,
    /// The number of lines in the log.
    pub lines: usize,
    /// The lines that belong to no report, counted from 0.
    pub outside: Vec<Range<usize>>,
    /// The number of reports, with those that were not kept because they repeat others.
    pub total: usize,
    /// The number of lines in all these reports.
    pub in_reports: usize,
    /// The number of reports that are in no group, because the log has more different or incomplete ones than are kept.
    pub dropped: usize,
}

impl<'a> Log<'a> {
    /// Makes a log of reports that were read one by one, each with how many times it came. Each is a group by itself.
    pub fn of_findings(findings: impl IntoIterator<Item = (Report<'a>, usize)>) -> Self {
        let (mut reports, mut groups) = (Vec::new(), Vec::new());
        for (report, count) in findings {
            groups.push(Group {
                cause: reports.len(),
                consequences: Vec::new(),
                repeats: Vec::new(),
                again: Vec::new(),
                unlisted: count.saturating_sub(1),
            });
            reports.push(report);
        }
        let in_reports = reports.iter().map(|report| report.lines.len()).sum();
        let (lines, total) = (in_reports, reports.len());
        Self { reports, groups, lines, outside: Vec::new(), total, in_reports, dropped: 0 }
    }
}

impl Log<'_> {
    /// Returns how many lines belong to reports.
    #[must_use]
    pub fn lines_in_reports(&self) -> usize {
        self.in_reports
    }

    /// Returns how many lines belong to no report.
    #[must_use]
    pub fn lines_outside(&self) -> usize {
        self.outside.iter().map(|range| range.len()).sum()
    }
}

/// Reads a log.
#[must_use]
pub fn read(text: &str) -> Log<'_> {
    let reports: Vec<Report<'_>> =
        split::split(text).into_iter().filter_map(Report::read).collect();
    let groups = group::deduplicate(&reports, group::group(&reports));
    let lines = count_lines(text);
    let mut claimed: Vec<usize> =
        reports.iter().flat_map(|report| report.lines.iter().map(|line| line.number)).collect();
    claimed.sort_unstable();
    let outside = gaps(claimed.iter().map(|&line| line..line + 1), lines);
    let (total, in_reports) = (reports.len(), claimed.len());
    Log { reports, groups, lines, outside, total, in_reports, dropped: 0 }
}

fn count_lines(text: &str) -> usize {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    ends + usize::from(!text.is_empty() && !text.ends_with('\n'))
}

/// Returns the ranges of numbers below `end` that are in none of these ranges, which are in order.
pub(crate) fn gaps(
    claimed: impl IntoIterator<Item = Range<usize>>,
    end: usize,
) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut next = 0;
    for range in claimed {
        if range.start > next {
            found.push(next..range.start);
        }
        next = range.end.max(next);
    }
    if next < end {
        found.push(next..end);
    }
    found
}
