//! A report as it is read: its subject, its task, its place.

use crate::kind::Kind;
use crate::parse::frame::Frame;
use crate::parse::prefix::Context;
use crate::parse::split::Claimed;
use serde::Serialize;

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Task<'a> {
    /// Its name.
    pub comm: &'a str,
    /// Its number.
    pub pid: u32,
}

/// A stack with the line that announces it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trace<'a> {
    /// The announcement, as `Call Trace:` or `Allocated by task 12:`.
    pub label: &'a str,
    /// The functions, innermost first.
    pub frames: Vec<Frame<'a>>,
}

/// A lock in a list of those that are held, or one that a report is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lock<'a> {
    /// The place in the list.
    pub index: Option<u32>,
    /// The address as printed.
    pub address: &'a str,
    /// The class's name, with version and subclass.
    pub class: &'a str,
    /// Usage characters.
    pub usage: &'a str,
    /// Where it was taken: inlined functions first.
    pub at: Vec<Frame<'a>>,
}

/// An access in a data race.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Access<'a> {
    /// What it does, as `write (marked)`.
    pub what: &'a str,
    /// The address as printed.
    pub address: &'a str,
    /// The length in bytes.
    pub size: u64,
    /// `task 12` or `interrupt`.
    pub by: &'a str,
    /// The processor.
    pub cpu: u32,
    /// Which of the report's stacks is its own.
    pub trace: Option<usize>,
}

/// The function to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Guilty<'a> {
    /// Its name.
    pub function: &'a str,
    /// Source file.
    pub file: Option<&'a str>,
    /// Line in it.
    pub line: Option<u32>,
    /// The place in it as the log prints it.
    #[serde(skip)]
    pub frame: Frame<'a>,
    /// The functions that it called to get there, outermost first, up to the one in the title; empty if
    /// that is the guilty one itself.
    pub through: Vec<&'a str>,
}

/// A report.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report<'a> {
    /// What it is about.
    pub kind: Kind,
    /// The title that syzkaller would give.
    pub title: String,
    /// Other titles of the same defect.
    pub alternatives: Vec<String>,
    /// The line it begins with, from its word on.
    pub headline: &'a str,
    /// The sentence that stands above the header.
    pub message: Option<&'a str>,
    /// The function in the title.
    pub function: Option<&'a str>,
    /// Who is to blame.
    pub guilty: Option<Guilty<'a>>,
    /// The report lacks what its kind has.
    pub corrupted: bool,
    /// Who printed it.
    pub context: Context,
    /// When, in microseconds since the kernel started.
    pub time_us: Option<u64>,
    /// The task that it is about.
    pub task: Option<Task<'a>>,
    /// The processor.
    pub cpu: Option<u32>,
    /// The work item or system call within which it happened.
    pub work: Option<&'a str>,
    /// The stacks.
    pub traces: Vec<Trace<'a>>,
    /// The stack of what went wrong, among them.
    pub main_trace: Option<usize>,
    /// How many functions of that stack, from its start, belong to an interrupt.
    pub irq_frames: usize,
    /// Where the processor was: inlined functions first.
    pub pointer: Vec<Frame<'a>>,
    /// The locks that it lists.
    pub locks: Vec<Lock<'a>>,
    /// The accesses of a data race.
    pub accesses: Vec<Access<'a>>,
    /// The value before and after, as printed.
    pub change: Option<&'a str>,
    /// The panic that the report led to.
    pub panic: Option<&'a str>,
    /// Its lines.
    pub lines: Vec<Claimed<'a>>,
}

impl<'a> Report<'a> {
    /// The functions from where the processor was outwards.
    pub(crate) fn main_frames(&self) -> Vec<Frame<'a>> {
        let mut frames = self.pointer.clone();
        if let Some(trace) = self.main_trace {
            frames.extend(&self.traces[trace].frames);
        }
        frames.retain(|frame| !frame.unreliable);
        frames
    }

    /// The text, as it is in the log but without prefixes.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.text, "\n"]).collect()
    }

    /// Numbers of the first and the last line, from 1.
    #[must_use]
    pub fn line_range(&self) -> (usize, usize) {
        let number = |line: Option<&Claimed<'_>>| line.map_or(0, |line| line.number + 1);
        (number(self.lines.first()), number(self.lines.last()))
    }
}
