//! The plain types of the API, which are the same with the validators on and off.

use std::panic::Location;

/// Number of subclasses of a class, as in the kernel (`MAX_LOCKDEP_SUBCLASSES`).
pub const MAX_SUBCLASSES: usize = 8;

/// How a thread waits for a lock. While a lock of one type is held, only locks of the same or a lower type may be
/// taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Wait {
    /// Not checked, because it is a span of work and no lock.
    Unchecked = 0,
    /// A thread never waits.
    Free = 1,
    /// A thread always spins.
    Spin = 2,
    /// A thread spins, or sleeps on a system that is built that way.
    Config = 3,
    /// A thread sleeps.
    Sleep = 4,
}

/// Whether a lock is taken alone or shared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub(crate) enum Mode {
    /// Taken alone.
    #[default]
    Exclusive = 0,
    /// Shared. A waiting writer keeps further readers out, so a reader must not take the lock twice.
    Shared = 1,
    /// Shared. A reader may take the lock again while a writer waits.
    SharedRecursive = 2,
}

/// How a lock is about to be taken.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(not(feature = "validate"), expect(dead_code, reason = "the checks read the fields"))]
pub struct How {
    /// Whether the lock is taken alone or shared.
    pub(crate) mode: Mode,
    /// Whether the acquisition fails instead of waiting, and so cannot be the wait of a deadlock.
    pub(crate) attempt: bool,
    /// The subclass, from 0 to 7.
    pub(crate) subclass: usize,
    /// The address of the lock that allows several locks of one class in any order; 0 for none.
    pub(crate) nest: usize,
}

impl How {
    /// Takes the lock alone, and waits for it.
    pub const EXCLUSIVE: Self =
        Self { mode: Mode::Exclusive, attempt: false, subclass: 0, nest: 0 };
    /// Takes the lock shared, and waits for it. Readers that come after a waiting writer wait too.
    pub const SHARED: Self = Self { mode: Mode::Shared, ..Self::EXCLUSIVE };
    /// Takes the lock shared, and waits for it. A thread that already reads may read again while a writer waits.
    pub const SHARED_RECURSIVE: Self = Self { mode: Mode::SharedRecursive, ..Self::EXCLUSIVE };

    /// Makes the acquisition an attempt, which fails instead of waiting.
    #[must_use]
    pub const fn attempt(self) -> Self {
        Self { attempt: true, ..self }
    }

    /// Returns whether the acquisition is an attempt.
    #[must_use]
    pub const fn is_attempt(self) -> bool {
        self.attempt
    }

    /// Puts the lock into a subclass, from 0 to 7. Locks of one class that are taken in a fixed order have a subclass
    /// each.
    #[must_use]
    pub const fn nested(self, subclass: usize) -> Self {
        Self { subclass, ..self }
    }

    /// Puts the lock under the protection of the lock at the address `outer`. While that lock is held, locks of one
    /// class may be taken in any order.
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
    /// Returns the caller's line.
    #[track_caller]
    #[inline(always)]
    #[must_use]
    pub const fn here() -> Self {
        Self::Line(Location::caller())
    }
}

/// The kinds of reports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ReportKind {
    /// A call that may sleep, an allocation or a system call, in atomic context.
    Sleep,
    /// A new order of two classes closes a cycle.
    Circular,
    /// A thread takes a class that it holds already.
    Recursive,
    /// A class is used both inside an interrupt and with interrupts enabled.
    Inconsistent,
    /// A new order leads from an irq-safe class to an irq-unsafe one.
    SafeToUnsafe,
    /// A class became irq-safe or irq-unsafe, and a known order makes that wrong.
    Inversion,
    /// A lock may wait longer than a held lock or the context allows.
    WaitContext,
    /// A lock is released that is not held.
    UnlockBalance,
    /// A lock was freed while held.
    Freed,
    /// A callback, work item or task returned with a lock held.
    Leaving,
    /// The interrupt state was restored wrongly.
    IrqState,
    /// A pinned lock was released, or a lock was unpinned that was not pinned.
    Pin,
    /// `assert_held!` found that the lock is not held.
    NotHeld,
    /// A section exceeded its limit of items or of time.
    Budget,
    /// A section does not end.
    Lockup,
    /// A thread inherits real-time scheduling from its creator.
    Inherited,
    /// A function is called in a signal handler that must not be.
    Signal,
    /// A lock is used after it was destroyed.
    Destroyed,
    /// A lock that others wait for is tried in real-time code.
    Attempt,
    /// A thread waits for a condition while it holds another lock.
    Waiting,
    /// A process forks while it holds a lock.
    Fork,
    /// A condition variable is used with two mutexes.
    Condition,
}

/// A report of the validators.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// What the report is about.
    pub kind: ReportKind,
    /// The whole text, in the kernel's form, with a newline at its end.
    pub text: String,
    /// The number of the thread's outermost section. Of the reports with one number, the first is the cause.
    pub group: u64,
    /// The thread ID.
    pub tid: u32,
}

/// How the first line of a report begins.
pub(crate) const BEGINNINGS: [&str; 3] =
    ["Did not happen, can happen: ", "Happened: ", "Happens now: "];

impl Report {
    /// Returns the line that names the finding, in the kernel's words.
    #[must_use]
    pub fn title(&self) -> &str {
        let mut lines = self.text.lines();
        let is_rule = |line: &str| line.is_empty() || line.starts_with(['=', '-']);
        let is_plain = |line: &str| BEGINNINGS.iter().any(|beginning| line.starts_with(beginning));
        lines.find(|line| !is_rule(line) && !is_plain(line)).unwrap_or_default()
    }

    /// Returns the first line, which says in plain words what happened, or did not happen but can.
    #[must_use]
    pub fn summary(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }
}
