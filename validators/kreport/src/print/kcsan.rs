//! Data races and failed assertions about accesses.

use super::{Frame, Origin, Trace};
use std::fmt;

/// The rule above and below a report.
const RULE: &str = "==================================================================";

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessKind {
    /// Whether it reads.
    pub read: bool,
    /// Whether it writes.
    pub write: bool,
    /// Whether it is marked as meant for concurrent use (`READ_ONCE`, atomics).
    pub marked: bool,
    /// Whether it is checked later than the program made it.
    pub reordered: bool,
    /// Whether it is an assertion: that nobody else writes (`write` is false) or accesses (`write` is true).
    pub assert: bool,
}

impl AccessKind {
    /// A plain read.
    pub const READ: Self =
        Self { read: true, write: false, marked: false, reordered: false, assert: false };
    /// A plain write.
    pub const WRITE: Self = Self { read: false, write: true, ..Self::READ };
    /// A plain read and write.
    pub const READ_WRITE: Self = Self { write: true, ..Self::READ };
}

impl fmt::Display for AccessKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.assert, self.read, self.write) {
            (true, _, true) => "assert no accesses",
            (true, _, false) => "assert no writes",
            (false, true, true) => "read-write",
            (false, false, true) => "write",
            (false, _, false) => "read",
        };
        f.write_str(what)?;
        match (self.marked && !self.assert, self.reordered) {
            (true, true) => f.write_str(" (marked, reordered)"),
            (true, false) => f.write_str(" (marked)"),
            (false, true) => f.write_str(" (reordered)"),
            (false, false) => Ok(()),
        }
    }
}

/// The task or interrupt that made an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actor {
    /// A task, with its thread ID.
    Task(u32),
    /// An interrupt.
    Interrupt,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(pid) => write!(f, "task {pid}"),
            Self::Interrupt => f.write_str("interrupt"),
        }
    }
}

/// One access with its stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// What the access does.
    pub kind: AccessKind,
    /// The address.
    pub address: u64,
    /// The length in bytes.
    pub size: u64,
    /// What made the access.
    pub actor: Actor,
    /// The number of the processor.
    pub cpu: u32,
    /// The stack. Its first function that is not inlined is named in the title.
    pub trace: Trace,
}

impl Access {
    fn function(&self) -> &str {
        // The title names the function that the address belongs to, not what was inlined into it.
        let first = self.trace.0.iter().find(|frame| frame.offset.is_some());
        first.or_else(|| self.trace.0.first()).map_or("unknown", |frame| &frame.function)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, address, size, actor, cpu, trace } = self;
        writeln!(f, "{kind} to {address:#018x} of {size} bytes by {actor} on cpu {cpu}:")?;
        trace.write(f, " ")
    }
}

/// The change of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The value before.
    pub old: u64,
    /// The value after.
    pub new: u64,
    /// The length in bytes, which decides the number of digits.
    pub size: usize,
    /// The watched bits, if not all are watched.
    pub mask: Option<u64>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { old, new, size, mask } = *self;
        let width = size * 2 + 2;
        writeln!(f, "value changed: {old:#0width$x} -> {new:#0width$x}")?;
        let Some(mask) = mask else { return Ok(()) };
        writeln!(f, " bits changed: {:#0width$x} with mask {mask:#0width$x}", (old ^ new) & mask)
    }
}

/// The two kinds of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RaceKind {
    /// A data race.
    #[default]
    DataRace,
    /// An assertion that failed.
    Assert,
}

/// A data race, or a failed assertion about accesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Race {
    /// Whether it is a data race or an assertion.
    pub kind: RaceKind,
    /// The access that was found first, or the only known one.
    pub first: Access,
    /// The other access. There is none in a race of unknown origin.
    pub second: Option<Access>,
    /// The change of the value, if there was one.
    pub change: Option<Change>,
    /// The task that prints, and where it runs.
    pub origin: Origin,
}

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            RaceKind::DataRace => "data-race",
            RaceKind::Assert => "assert: race",
        };
        write!(f, "{RULE}\nBUG: KCSAN: {what} in ")?;
        match &self.second {
            Some(second) => {
                let mut names = [self.first.function(), second.function()];
                // The names are in lexical order, so that a race has one title whichever side finds it.
                names.sort_unstable();
                write!(f, "{} / {}\n\n{}\n{second}", names[0], names[1], self.first)?;
            }
            None => {
                let unknown = Frame::default();
                let mut frames = self.first.trace.0.iter();
                let frame = frames.find(|frame| frame.offset.is_some()).unwrap_or(&unknown);
                let (offset, size) = frame.offset.unwrap_or_default();
                write!(f, "{}+{offset:#x}/{size:#x}\n\n", self.first.function())?;
                write!(f, "race at unknown origin, with {}", self.first)?;
            }
        }
        f.write_str("\n")?;
        if let Some(change) = &self.change {
            writeln!(f, "{change}")?;
        }
        writeln!(f, "Reported by Kernel Concurrency Sanitizer on:\n{}{RULE}", self.origin)
    }
}
