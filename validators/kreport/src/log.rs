//! A whole log: its reports, their groups, and the lines that belong to no report.

use crate::group::{self, Group};
use crate::model::Report;
use crate::parse::split;
use std::borrow::Cow;
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
}

impl Log<'_> {
    /// Returns how many lines belong to reports.
    #[must_use]
    pub fn lines_in_reports(&self) -> usize {
        self.reports.iter().map(|report| report.lines.len()).sum()
    }

    /// Returns how many lines belong to no report.
    #[must_use]
    pub fn lines_outside(&self) -> usize {
        self.outside.iter().map(|range| range.len()).sum()
    }
}

/// Returns the bytes of a log as text. Bytes that are not UTF-8 become replacement characters.
#[must_use]
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    // The check alone is several times faster than the conversion.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Reads a log.
#[must_use]
pub fn read(text: &str) -> Log<'_> {
    let reports: Vec<Report<'_>> = split::split(text).into_iter().map(Report::new).collect();
    let groups = group::deduplicate(&reports, group::group(&reports));
    let lines = count_lines(text);
    let mut claimed: Vec<usize> =
        reports.iter().flat_map(|report| report.lines.iter().map(|line| line.number)).collect();
    claimed.sort_unstable();
    let outside = gaps(&claimed, lines);
    Log { reports, groups, lines, outside }
}

fn count_lines(text: &str) -> usize {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    ends + usize::from(!text.is_empty() && !text.ends_with('\n'))
}

/// Returns the ranges of numbers below `end` that are not in an ordered list.
fn gaps(claimed: &[usize], end: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut next = 0;
    for &number in claimed {
        if number > next {
            found.push(next..number);
        }
        next = number + 1;
    }
    if next < end {
        found.push(next..end);
    }
    found
}
