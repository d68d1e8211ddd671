//! Lock classes: all locks of one type that one line of code makes are one class.
//!
//! A rule learnt from one lock holds for every lock of its class, which is what lets the validator
//! report a deadlock that did not happen. The rarely changing part of a class is in the graph; the
//! bits that every acquisition looks at are in arrays here.

use std::panic::Location;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::words::Wait;

/// More classes than a program has lines that make locks. Locks beyond are not checked.
pub(crate) const MAX_CLASSES: usize = 4096;

/// Usage bits of each class.
pub(crate) static USAGE: [AtomicU32; MAX_CLASSES] = [const { AtomicU32::new(0) }; MAX_CLASSES];
/// The wait type of each class.
static WAITS: [AtomicU8; MAX_CLASSES] = [const { AtomicU8::new(0) }; MAX_CLASSES];

/// What makes a class: the type, the line that makes the lock, and a name for reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) init: &'static Location<'static>,
    pub(crate) type_name: fn() -> &'static str,
    pub(crate) name: Option<&'static str>,
    pub(crate) wait: Wait,
}

/// The wait type of a class: what taking it does, and what holding it allows.
#[inline]
pub(crate) fn wait(class: u16) -> u8 {
    WAITS[usize::from(class)].load(Ordering::Relaxed)
}

pub(crate) fn set_wait(class: u16, wait: Wait) {
    WAITS[usize::from(class)].store(wait as u8, Ordering::Relaxed);
}

/// The usage bits of a class.
#[inline]
pub(crate) fn usage(class: u16) -> u32 {
    USAGE[usize::from(class)].load(Ordering::Relaxed)
}
