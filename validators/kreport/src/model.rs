//! A report as it is read: what it is about, which task, which functions.

use crate::kind::Kind;
use crate::parse::frame::Frame;
use crate::parse::header::Header;
use crate::parse::prefix::Context;
use crate::parse::split::Claimed;
use serde::Serialize;

/// A task that a report names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Task<'a> {
    /// The name.
    pub comm: &'a str,
    /// The process ID.
    pub pid: u32,
}

/// A stack, and the line that announces it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trace<'a> {
    /// The line that announces the stack, such as `Call Trace:` or `Allocated by task 12:`.
    pub label: &'a str,
    /// The functions, innermost first.
    pub frames: Vec<Frame<'a>>,
}

/// A lock that a report lists: one that is held, or one that the report is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lock<'a> {
    /// The number in the list of held locks.
    pub index: Option<u32>,
    /// The address as printed.
    pub address: &'a str,
    /// The name of the lock's class, with version and subclass.
    pub class: &'a str,
    /// The usage characters of the class, such as `+.+.`.
    pub usage: &'a str,
    /// The functions in which the lock was taken, inlined ones first.
    pub at: Vec<Frame<'a>>,
}

/// An access in a data race.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Access<'a> {
    /// What the access does, such as `write (marked)`.
    pub what: &'a str,
    /// The address as printed.
    pub address: &'a str,
    /// The length in bytes.
    pub size: u64,
    /// Who made the access: `task 12` or `interrupt`.
    pub by: &'a str,
    /// The number of the processor.
    pub cpu: u32,
    /// The index of the access's stack in [`Report::traces`].
    pub trace: Option<usize>,
}

/// The function to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Guilty<'a> {
    /// The name.
    pub function: &'a str,
    /// The source file, if the log has it.
    pub file: Option<&'a str>,
    /// The line in the source file.
    pub line: Option<u32>,
    /// The frame as the log prints it.
    #[serde(skip)]
    pub frame: Frame<'a>,
    /// The functions between this one and the one in the title, outermost first. Empty if both are the same.
    pub through: Vec<&'a str>,
}

/// One report of a log.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report<'a> {
    /// What the report is about.
    pub kind: Kind,
    /// The title that syzkaller would give.
    pub title: String,
    /// Other titles under which the same defect may be known.
    pub alternatives: Vec<String>,
    /// The first line, from the word that begins a report on.
    pub headline: &'a str,
    /// The sentence above the first line, if there is one.
    pub message: Option<&'a str>,
    /// The function that the title names.
    pub function: Option<&'a str>,
    /// The function to blame.
    pub guilty: Option<Guilty<'a>>,
    /// Whether parts are missing that reports of this kind have.
    pub corrupted: bool,
    /// Whether no rule knows the first line, so that the title is the line itself.
    pub unknown: bool,
    /// Whether a program printed the report, not a kernel.
    pub of_program: bool,
    /// What printed the report: a task, a processor in an interrupt, or something unknown.
    pub context: Context,
    /// The time of the report, in microseconds since the kernel started.
    pub time_us: Option<u64>,
    /// The task that the report is about.
    pub task: Option<Task<'a>>,
    /// The number of the processor.
    pub cpu: Option<u32>,
    /// The queue and function of the work item that ran.
    pub work: Option<&'a str>,
    /// The stacks.
    pub traces: Vec<Trace<'a>>,
    /// The index in [`traces`](Self::traces) of the stack of what went wrong.
    pub main_trace: Option<usize>,
    /// How many functions, from the start of the main stack, belong to an interrupt.
    pub irq_frames: usize,
    /// The function that the processor executed, after those that were inlined into it.
    pub pointer: Vec<Frame<'a>>,
    /// The locks that the report lists.
    pub locks: Vec<Lock<'a>>,
    /// The accesses of a data race.
    pub accesses: Vec<Access<'a>>,
    /// The value before and after a data race, as printed.
    pub change: Option<&'a str>,
    /// The panic that the report led to.
    pub panic: Option<&'a str>,
    /// The lines of the report.
    pub lines: Vec<Claimed<'a>>,
    /// The word that the report begins with, the index of its line, and the offset in that line.
    pub(crate) header: (Header, usize, usize),
}

impl<'a> Report<'a> {
    /// Returns the functions that were active, innermost first.
    pub(crate) fn main_frames(&self) -> Vec<Frame<'a>> {
        let mut frames = self.pointer.clone();
        if let Some(trace) = self.main_trace {
            frames.extend(&self.traces[trace].frames);
        }
        frames.retain(|frame| !frame.unreliable);
        frames
    }

    /// Returns whether this is a message of a program that only begins like a report: `INFO: starting`.
    pub(crate) fn is_message(&self, header: Header) -> bool {
        if !self.traces.is_empty() || self.cpu.is_some() {
            return false;
        }
        let line = self.lines.iter().find(|line| line.text.ends_with(self.headline));
        let before =
            line.map_or("", |line| &line.text[..line.text.len() - self.headline.len()]).trim();
        let by_kernel = !matches!(self.context, Context::Plain | Context::Process(_));
        match header {
            Header::Go => !self.headline.starts_with("panic: ") || !before.is_empty(),
            _ if !self.unknown => false,
            Header::Info | Header::Warning if !by_kernel => true,
            // `systemd[1]: WARNING: x`
            Header::Info | Header::Warning => before.ends_with("]:"),
            Header::Bug => !by_kernel && !before.is_empty(),
            _ => false,
        }
    }

    /// Returns the `file:line` that the first line names: `a.c:5:9: runtime error: ...`, `WARNING: ... at a.c:12 f`.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        self.headline.split(' ').find_map(|word| {
            let mut parts = word.split(':');
            let (file, line) = (parts.next()?, parts.next()?);
            let known = file.contains('.') && line.parse::<u32>().is_ok_and(|line| line > 0);
            known.then(|| format!("{file}:{line}"))
        })
    }

    /// Returns a number that reports of the same defect share: in other logs, of other kernels, behind other
    /// prefixes. It depends on the kind, the title, and the function to blame.
    #[must_use]
    pub fn signature(&self) -> u64 {
        let guilty = self.guilty.as_ref().map_or("", |guilty| guilty.function);
        let parts = [self.kind.name(), "\n", self.title.as_str(), "\n", guilty];
        // This is FNV-1a.
        let bytes = parts.iter().flat_map(|part| part.bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }

    /// Returns the text as it is in the log, without prefixes.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.text, "\n"]).collect()
    }

    /// Returns the numbers of the first and the last line, counted from 1.
    #[must_use]
    pub fn line_range(&self) -> (usize, usize) {
        let number = |line: Option<&Claimed<'_>>| line.map_or(0, |line| line.number + 1);
        (number(self.lines.first()), number(self.lines.last()))
    }
}
