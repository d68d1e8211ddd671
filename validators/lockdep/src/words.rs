//! The words of the contract: plain types that are the same with the validators on and off.

use std::panic::Location;

/// How many subclasses a class has, as in the kernel (`MAX_LOCKDEP_SUBCLASSES`).
pub const MAX_SUBCLASSES: usize = 8;

/// How a thread waits for a lock. Inside a lock of one type only locks of the same or a lower type
/// may be taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Wait {
    /// Not checked: a span of work, not a lock.
    Unchecked = 0,
    /// Never waits.
    Free = 1,
    /// Always spins.
    Spin = 2,
    /// Spins, or sleeps on a system that is built that way.
    Config = 3,
    /// Sleeps.
    Sleep = 4,
}

/// Whether a lock is taken alone or shared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub(crate) enum Mode {
    /// Alone.
    #[default]
    Exclusive = 0,
    /// Shared. A waiting writer holds further readers off, so a reader must not take it twice.
    Shared = 1,
    /// Shared, and a reader may take it again while a writer waits.
    SharedRecursive = 2,
}

/// How a lock is about to be taken.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(not(feature = "validate"), expect(dead_code, reason = "the checks read the fields"))]
pub struct How {
    /// Alone or shared.
    pub(crate) mode: Mode,
    /// Whether it fails instead of waiting, and so cannot be the wait of a deadlock.
    pub(crate) attempt: bool,
    /// The subclass, from 0 to 7.
    pub(crate) subclass: usize,
    /// The address of the lock that allows several of one class in any order; 0 for none.
    pub(crate) nest: usize,
}

impl How {
    /// Alone, waiting.
    pub const EXCLUSIVE: Self =
        Self { mode: Mode::Exclusive, attempt: false, subclass: 0, nest: 0 };
    /// Shared, waiting. Readers that arrive after a waiting writer wait too.
    pub const SHARED: Self = Self { mode: Mode::Shared, ..Self::EXCLUSIVE };
    /// Shared, waiting. A thread that already reads may read again, even if a writer waits.
    pub const SHARED_RECURSIVE: Self = Self { mode: Mode::SharedRecursive, ..Self::EXCLUSIVE };

    /// Makes it an attempt, which fails instead of waiting.
    #[must_use]
    pub const fn attempt(self) -> Self {
        Self { attempt: true, ..self }
    }

    /// Returns whether it is an attempt.
    #[must_use]
    pub const fn is_attempt(self) -> bool {
        self.attempt
    }

    /// Puts it into a subclass, from 0 to 7: locks of one class that are taken in a fixed order have
    /// one subclass each.
    #[must_use]
    pub const fn nested(self, subclass: usize) -> Self {
        Self { subclass, ..self }
    }

    /// Puts it under the protection of the lock at the address `outer`: while that lock is held, the
    /// locks of one class may be taken in any order.
    #[must_use]
    pub const fn under(self, outer: usize) -> Self {
        Self { nest: outer, ..self }
    }
}

/// A place in the code.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Place {
    /// A line of Rust.
    Line(&'static Location<'static>),
    /// A return address, for calls from other languages.
    Address(usize),
}

impl Place {
    /// Returns the line of the caller.
    #[track_caller]
    #[inline(always)]
    #[must_use]
    pub const fn here() -> Self {
        Self::Line(Location::caller())
    }
}

/// What a report is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// A call that may sleep, an allocation or a system call, in atomic context.
    Sleep,
    /// A new order of two classes closes a cycle.
    Circular,
    /// The thread that holds a class takes it again.
    Recursive,
    /// A class is used both inside an interrupt and with interrupts enabled.
    Inconsistent,
    /// A new order leads from an irq-safe class to an irq-unsafe one.
    SafeToUnsafe,
    /// A class became irq-safe or irq-unsafe, and a known order makes that wrong.
    Inversion,
    /// A lock is taken inside one that allows only shorter waits.
    WaitContext,
    /// A lock is released that is not held.
    UnlockBalance,
    /// A lock was freed while held.
    Freed,
    /// A callback, work item or task returned with a lock held.
    Leaving,
    /// The interrupt state was restored wrongly.
    IrqState,
    /// A pinned lock was released, or one was unpinned that was not pinned.
    Pin,
    /// `assert_held!` found that the lock is not held.
    NotHeld,
    /// A section took more items or more time than it may.
    Budget,
    /// A section does not end.
    Lockup,
}

/// One finding.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// What the report is about.
    pub kind: Kind,
    /// The whole text in the kernel's form, with a newline at its end.
    pub text: String,
    /// The number of the outermost section of the thread. Of the reports with one number, the first is
    /// the cause.
    pub group: u64,
    /// The number of the thread.
    pub tid: u32,
}

impl Report {
    /// Returns the line that names the finding.
    #[must_use]
    pub fn title(&self) -> &str {
        let mut lines = self.text.lines();
        let is_rule = |line: &str| line.is_empty() || line.starts_with(['=', '-']);
        lines.find(|line| !is_rule(line)).unwrap_or_default()
    }
}
