//! The lines of one report.

use super::header::Header;
use super::line::LineClass;
use super::prefix::Context;

/// One line of a report.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Claimed<'a> {
    /// The offset of the line in the log, in bytes.
    pub start: usize,
    /// The number of the line, counted from 0.
    pub number: usize,
    /// The text without its prefix.
    pub text: &'a str,
    /// What the line is within the report.
    pub class: LineClass<'a>,
}

/// The lines of one report.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Piece<'a> {
    /// What printed the report.
    pub context: Context,
    /// The time of the header, in microseconds since the kernel started.
    pub time_us: Option<u64>,
    /// The word that the report begins with.
    pub header: Header,
    /// The index in [`lines`](Self::lines) of the line with the word.
    pub header_line: usize,
    /// The offset of the word in that line, in bytes.
    pub header_at: usize,
    /// The lines, in order.
    pub lines: Vec<Claimed<'a>>,
}
