//! Lock classes: all locks of one type that one line of code makes are one class.
//!
//! What is learnt from one lock holds for every lock of its class. That is how a deadlock is reported that did not
//! happen. The bits that every acquisition reads are in arrays here; the rest of a class is in the graph.

use std::panic::Location;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::words::Wait;

/// Maximum number of classes. Locks of further classes are not checked. Programs have fewer lines that make locks.
pub(crate) const MAX_CLASSES: usize = 4096;

/// Usage bits of each class.
pub(crate) static USAGE: [AtomicU32; MAX_CLASSES] = [const { AtomicU32::new(0) }; MAX_CLASSES];
/// The wait type of each class.
static WAITS: [AtomicU8; MAX_CLASSES] = [const { AtomicU8::new(0) }; MAX_CLASSES];
/// How locks of each class were taken inside of one another, if that is allowed: bits of [`Ladder`].
static LADDERS: [AtomicU8; MAX_CLASSES] = [const { AtomicU8::new(0) }; MAX_CLASSES];

/// Whether each class may hold locks that do not belong together, and whether it was given up for that.
static MIXED: [AtomicU8; MAX_CLASSES] = [const { AtomicU8::new(0) }; MAX_CLASSES];
const IS_MIXED: u8 = 1;
const IS_SPLIT: u8 = 2;

/// Notes that the locks of a class were made by one line, but on different ways to it: the line may be in a wrapper.
#[cfg(feature = "static-tls")]
pub(crate) fn mix(class: u16) {
    MIXED[usize::from(class)].fetch_or(IS_MIXED, Ordering::Relaxed);
}

/// Gives a class up if it is mixed. Its locks get classes of their own, so what it seems to show is no finding.
pub(crate) fn splits(class: u16) -> bool {
    let mixed = &MIXED[usize::from(class)];
    let is_mixed = mixed.load(Ordering::Relaxed) & IS_MIXED != 0;
    if is_mixed {
        mixed.fetch_or(IS_SPLIT, Ordering::Relaxed);
    }
    is_mixed
}

/// Returns whether a class was given up.
#[cfg(feature = "static-tls")]
pub(crate) fn is_split(class: u16) -> bool {
    MIXED[usize::from(class)].load(Ordering::Relaxed) & IS_SPLIT != 0
}

/// What tells classes apart: the type, the line that makes the lock, and the name for reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) init: &'static Location<'static>,
    pub(crate) type_name: fn() -> &'static str,
    pub(crate) name: Option<&'static str>,
    pub(crate) wait: Wait,
    /// Whether the lock stands in the place of one of another library, whose users have no way to name or nest it.
    pub(crate) stands_in: bool,
}

impl Key {
    /// Returns whether the line does not tell this lock apart from others, because it is a line of a library that makes
    /// locks for its callers. Such a lock is a class of its own.
    pub(crate) fn is_vague(&self) -> bool {
        if !self.stands_in {
            return false;
        }
        let file = self.init.file();
        #[cfg(feature = "parking_lot")]
        if file == crate::parking_lot::RAW_FILE {
            return true;
        }
        file.starts_with("/rustc/") || file.starts_with("library/")
    }
}

/// Returns the wait type of a class: how taking it waits, and which waits it allows while it is held.
#[inline]
pub(crate) fn wait(class: u16) -> u8 {
    WAITS[usize::from(class)].load(Ordering::Relaxed)
}

pub(crate) fn set_wait(class: u16, wait: Wait) {
    WAITS[usize::from(class)].store(wait as u8, Ordering::Relaxed);
}

/// Returns the usage bits of a class.
#[inline]
pub(crate) fn usage(class: u16) -> u32 {
    USAGE[usize::from(class)].load(Ordering::Relaxed)
}

/// The direction in which a thread takes locks of one class, by their addresses.
///
/// Who cannot nest locks of one class by name, as users of std's locks cannot, has to take them in an order that all
/// threads know. The one that can be seen is that of addresses, such as in an array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Ladder {
    /// To a higher address.
    Up = 1,
    /// To a lower address.
    Down = 2,
}

/// The bit of a class whose locks may be taken inside of one another in one direction.
const ALLOWED: u8 = 4;

impl Ladder {
    /// Returns the direction from one lock to the next.
    pub(crate) fn between(from: usize, to: usize) -> Self {
        if from < to { Self::Up } else { Self::Down }
    }

    /// Allows a class to be taken in one direction.
    pub(crate) fn allow(class: u16) {
        LADDERS[usize::from(class)].fetch_or(ALLOWED, Ordering::Relaxed);
    }

    /// Notes a direction. Returns whether it is allowed, and the only one so far.
    pub(crate) fn is_only_one(self, class: u16) -> bool {
        let before = LADDERS[usize::from(class)].fetch_or(self as u8, Ordering::Relaxed);
        before & ALLOWED != 0 && (before | self as u8) & !ALLOWED == self as u8
    }

    /// Returns whether both directions were seen of a class.
    pub(crate) fn has_both(class: u16) -> bool {
        LADDERS[usize::from(class)].load(Ordering::Relaxed)
            == ALLOWED | Self::Up as u8 | Self::Down as u8
    }

    /// Forgets what was seen of all classes.
    pub(crate) fn forget() {
        for ladder in &LADDERS {
            ladder.fetch_and(ALLOWED, Ordering::Relaxed);
        }
    }
}
