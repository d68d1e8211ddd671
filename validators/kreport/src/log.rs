//! A whole log: its reports, their groups, and what belongs to none.

use crate::group::{self, Group};
use crate::model::Report;
use crate::parse::split;
use std::borrow::Cow;
use std::ops::Range;

/// What was read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Log<'a> {
    /// The reports in the order of their headers.
    pub reports: Vec<Report<'a>>,
    /// Causes with consequences, the same ones joined.
    pub groups: Vec<Group>,
    /// The number of lines in the log.
    pub lines: usize,
    /// Numbers of the lines, from 0, that belong to no report.
    pub outside: Vec<Range<usize>>,
}

impl Log<'_> {
    /// How many lines belong to reports.
    #[must_use]
    pub fn lines_in_reports(&self) -> usize {
        self.reports.iter().map(|report| report.lines.len()).sum()
    }

    /// How many lines belong to none.
    #[must_use]
    pub fn lines_outside(&self) -> usize {
        self.outside.iter().map(|range| range.len()).sum()
    }
}

/// The bytes as text; what is not UTF-8 is marked, no line is lost.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    // The check alone is several times faster.
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

/// The numbers below `end` that are not in an ordered list.
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
