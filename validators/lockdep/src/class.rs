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

/// What tells classes apart: the type, the line that makes the lock, and the name for reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) init: &'static Location<'static>,
    pub(crate) type_name: fn() -> &'static str,
    pub(crate) name: Option<&'static str>,
    pub(crate) wait: Wait,
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
