//! What a checker reports.

use std::fmt;

/// The part of a run that reports a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Checker {
    /// The validator of lock orders and contexts.
    Lockdep,
    /// The check for calls that may sleep where nothing may.
    MightSleep,
    /// Watchpoints on plain accesses, by the rules of KCSAN.
    Race,
    /// The check of memory: use after free, double free, null pointers, corrupted lists.
    Memory,
    /// The check for objects, references and bindings that are left at the end.
    Leak,
    /// The check for bytes that are copied out and were never written.
    Init,
    /// The check for calls that do not end, or do too much work.
    Watchdog,
    /// The comparison with a model: the unplanted engine, or what must hold at the end.
    Difference,
    /// A panic.
    Panic,
}

impl fmt::Display for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lockdep => "lockdep",
            Self::MightSleep => "might_sleep",
            Self::Race => "watchpoints",
            Self::Memory => "memory check",
            Self::Leak => "leak check",
            Self::Init => "initialisation check",
            Self::Watchdog => "watchdog",
            Self::Difference => "model difference",
            Self::Panic => "panic",
        })
    }
}

impl Checker {
    /// All checkers.
    pub const ALL: [Self; 9] = [
        Self::Lockdep,
        Self::MightSleep,
        Self::Race,
        Self::Memory,
        Self::Leak,
        Self::Init,
        Self::Watchdog,
        Self::Difference,
        Self::Panic,
    ];
}

/// A report of a checker, with the title that syzkaller would give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The checker.
    pub checker: Checker,
    /// The title, in the form of the kernel's reports.
    pub title: String,
}
