//! Locks and their classes, what a task holds, and when interrupts were switched.

use super::{Frame, Origin, Trace};
use std::fmt;

/// A class of locks, printed as `(name#2/1){+.+.}-{3:3}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    /// The name, often an expression such as `&timer->lock`.
    pub name: String,
    /// The number that tells classes of one name apart. 1 is not printed.
    pub version: u32,
    /// The nesting level. 0 is not printed.
    pub subclass: u32,
    /// Four usage characters: hard interrupt write and read, soft interrupt write and read.
    pub usage: String,
    /// The wait types, outer and inner.
    pub wait: (u8, u8),
}

impl Class {
    /// Makes a class of which only the name is known.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), version: 1, subclass: 0, usage: "....".to_owned(), wait: (3, 3) }
    }

    /// Returns the name with version and subclass.
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

/// A lock, and where it is or was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The address of the lock.
    pub address: u64,
    /// The class of the lock.
    pub class: Class,
    /// The functions at the place, one per line: inlined ones first, then the one with the address. It is empty if the
    /// place is not known.
    pub at: Vec<Frame>,
}

impl Lock {
    /// Prints one line per frame, each after `before`.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, before: &str) -> fmt::Result {
        let Self { address, class, at } = self;
        if at.is_empty() {
            return writeln!(f, "{before}{address:016x} {class}");
        }
        at.iter().try_for_each(|frame| writeln!(f, "{before}{address:016x} {class}, at: {frame}"))
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, "")
    }
}

/// The locks that a task holds, in the order in which it took them.
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
    /// The address of the code that made the change.
    pub address: u64,
    /// The functions at that address.
    pub at: Trace,
}

/// When interrupts were last switched on and off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IrqTrace {
    /// How many changes there were so far.
    pub stamp: u64,
    /// The last time that hard interrupts were switched on.
    pub hardirqs_on: IrqStamp,
    /// The last time that hard interrupts were switched off.
    pub hardirqs_off: IrqStamp,
    /// The last time that soft interrupts were switched on.
    pub softirqs_on: IrqStamp,
    /// The last time that soft interrupts were switched off.
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
