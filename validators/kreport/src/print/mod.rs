//! The printer: what a validator found, as the text that Linux 6.12 would print for it.
//!
//! Fill one of the structs and format it; [`Report`] holds any of them. Texts end with a newline.
//! The reader of this crate gets back the same data, with the title that syzkaller would give.
//!
//! ```
//! use kreport::print::{Frame, MightSleep, Origin, Report, Trace};
//!
//! let report = Report::from(MightSleep {
//!     at: ("crates/x/src/lib.rs".into(), 12),
//!     origin: Origin::new("audio", 1167),
//!     irqs_disabled: true,
//!     trace: Trace(vec![Frame::new("callback", 0x1b, 0x60).at("crates/x/src/lib.rs", 12)]),
//!     ..MightSleep::default()
//! });
//! assert!(report.to_string().starts_with("BUG: sleeping function called from invalid context"));
//! ```

mod kcsan;
mod lock;
mod lockdep;
pub mod name;
mod pieces;
mod warning;

use std::fmt;

pub use kcsan::{Access, AccessKind, Actor, Change, Race, RaceKind};
pub use lock::{Class, Held, IrqStamp, IrqTrace, Lock};
pub use lockdep::{
    Balance, Circular, Dependency, Direction, Freed, Inconsistent, Inversion, Leaving, Link,
    Recursive, SafeUnsafe, WaitContext,
};
pub use pieces::{Contexts, Frame, Origin, Trace};
pub use warning::{MightSleep, Warning};

/// Any report that the printer knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// A call that may sleep where nothing may.
    MightSleep(MightSleep),
    /// A new order of locks closes a cycle.
    Circular(Circular),
    /// A lock is taken while another one of its class is held.
    Recursive(Recursive),
    /// A class is used both in interrupts and with interrupts on.
    Inconsistent(Inconsistent),
    /// A new order leads from an irq-safe class to an irq-unsafe one.
    SafeUnsafe(SafeUnsafe),
    /// A change of a class's state makes a known order wrong.
    Inversion(Inversion),
    /// A lock may wait longer than a held lock or the context allows.
    WaitContext(WaitContext),
    /// A lock is released that is not held.
    Balance(Balance),
    /// Memory with a held lock in it is freed.
    Freed(Freed),
    /// A task leaves with a lock held.
    Leaving(Leaving),
    /// A plain warning. [`Warning::irq_restore`] makes the one about interrupt flags.
    Warning(Warning),
    /// A data race or a failed assertion about accesses.
    Race(Race),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MightSleep(report) => report.fmt(f),
            Self::Circular(report) => report.fmt(f),
            Self::Recursive(report) => report.fmt(f),
            Self::Inconsistent(report) => report.fmt(f),
            Self::SafeUnsafe(report) => report.fmt(f),
            Self::Inversion(report) => report.fmt(f),
            Self::WaitContext(report) => report.fmt(f),
            Self::Balance(report) => report.fmt(f),
            Self::Freed(report) => report.fmt(f),
            Self::Leaving(report) => report.fmt(f),
            Self::Warning(report) => report.fmt(f),
            Self::Race(report) => report.fmt(f),
        }
    }
}

macro_rules! from {
    ($($name:ident)*) => { $(
        impl From<$name> for Report {
            fn from(report: $name) -> Self {
                Self::$name(report)
            }
        }
    )* };
}

from! { MightSleep Circular Recursive Inconsistent SafeUnsafe Inversion WaitContext Balance Freed
Leaving Warning Race }
