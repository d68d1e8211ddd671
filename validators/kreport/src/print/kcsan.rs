//! Data races and failed assertions about accesses.

use super::{Frame, Origin, Trace};
use std::fmt;

/// The rule above and below.
const RULE: &str = "==================================================================";

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessKind {
    /// It reads.
    pub read: bool,
    /// It writes.
    pub write: bool,
    /// It is marked as meant for concurrent use (`READ_ONCE`, atomics).
    pub marked: bool,
    /// It is checked later than the program made it.
    pub reordered: bool,
    /// It is an assertion: none may write (`write` false), or none may access (`write` true).
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

/// Who made an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actor {
    /// A task, by number.
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
    /// What it does.
    pub kind: AccessKind,
    /// The address.
    pub address: u64,
    /// The length in bytes.
    pub size: u64,
    /// Who made it.
    pub actor: Actor,
    /// The processor.
    pub cpu: u32,
    /// The stack. Its first frame gives the name in the title.
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

/// The value before and after, where it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Before.
    pub old: u64,
    /// After.
    pub new: u64,
    /// The length in bytes; gives the number of digits.
    pub size: usize,
    /// The bits that are watched, where not all are.
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

/// Which of the two findings it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RaceKind {
    /// A data race.
    #[default]
    DataRace,
    /// An assertion that failed.
    Assert,
}

/// A race.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Race {
    /// Data race or assertion.
    pub kind: RaceKind,
    /// The access that was found first (or the only one that is known).
    pub first: Access,
    /// The other; none for a race of unknown origin.
    pub second: Option<Access>,
    /// The change of the value.
    pub change: Option<Change>,
    /// Who prints.
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
                // In lexical order, so that a race found from either side has one title.
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
