//! Locks, their classes, what a task holds, when interrupts were switched.

use super::{Frame, Origin, Trace};
use std::fmt;

/// A class of locks, printed as `(name#2/1){+.+.}-{3:3}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    /// The name, often an expression as `&timer->lock`.
    pub name: String,
    /// Tells classes of one name apart; 1 is not printed.
    pub version: u32,
    /// The nesting level; 0 is not printed.
    pub subclass: u32,
    /// Four usage characters: hard interrupt write and read, soft interrupt write and read.
    pub usage: String,
    /// Wait types, outer and inner.
    pub wait: (u8, u8),
}

impl Class {
    /// A class of which only the name is known.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), version: 1, subclass: 0, usage: "....".to_owned(), wait: (3, 3) }
    }

    /// The name with version and subclass.
    #[must_use]
    pub fn full_name(&self) -> String {
        let mut name = self.name.clone();
        if self.version > 1 {
            name += &format!("#{}", self.version);
        }
        if self.subclass > 0 {
            name += &format!("/{}", self.subclass);
        }
        name
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (outer, inner) = self.wait;
        write!(f, "({}){{{}}}-{{{outer}:{inner}}}", self.full_name(), self.usage)
    }
}

/// One lock and where it is or was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Its address.
    pub address: u64,
    /// Its class.
    pub class: Class,
    /// The place: inlined functions first, then the one with the address. One line each.
    pub at: Vec<Frame>,
}

impl Lock {
    /// One line a frame, each after `before`.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, before: &str) -> fmt::Result {
        let Self { address, class, at } = self;
        at.iter().try_for_each(|frame| writeln!(f, "{before}{address:016x} {class}, at: {frame}"))
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, "")
    }
}

/// The locks that a task holds, the first taken first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held(pub Vec<Lock>);

impl Held {
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, origin: &Origin) -> fmt::Result {
        let task = origin.task();
        match self.0.len() {
            0 => writeln!(f, "no locks held by {task}.")?,
            1 => writeln!(f, "1 lock held by {task}:")?,
            count => writeln!(f, "{count} locks held by {task}:")?,
        }
        let mut locks = self.0.iter().enumerate();
        locks.try_for_each(|(index, lock)| lock.write(f, &format!(" #{index}: ")))
    }
}

/// One change of the irq state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IrqStamp {
    /// The number of the change.
    pub stamp: u64,
    /// The address it was made at.
    pub address: u64,
    /// The functions at that address.
    pub at: Trace,
}

/// When interrupts were switched last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IrqTrace {
    /// How many changes there were.
    pub stamp: u64,
    /// Hard interrupts on.
    pub hardirqs_on: IrqStamp,
    /// Hard interrupts off.
    pub hardirqs_off: IrqStamp,
    /// Soft interrupts on.
    pub softirqs_on: IrqStamp,
    /// Soft interrupts off.
    pub softirqs_off: IrqStamp,
}

impl fmt::Display for IrqTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "irq event stamp: {}", self.stamp)?;
        let events = [
            ("hardirqs last  enabled", &self.hardirqs_on),
            ("hardirqs last disabled", &self.hardirqs_off),
            ("softirqs last  enabled", &self.softirqs_on),
            ("softirqs last disabled", &self.softirqs_off),
        ];
        for (what, IrqStamp { stamp, address, at }) in events {
            if at.0.is_empty() {
                writeln!(f, "{what} at ({stamp}): [<{address:016x}>] 0x{address:x}")?;
            }
            for frame in at.first_address() {
                writeln!(f, "{what} at ({stamp}): [<{address:016x}>] {frame}")?;
            }
        }
        Ok(())
    }
}
