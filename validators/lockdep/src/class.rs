//! Lock classes: all locks of one type that one line of code makes are one class.
//!
//! A rule learnt from one lock holds for every lock of its class, which is what lets the validator
//! report a deadlock that did not happen. The rarely changing part of a class is in the graph; the
//! bits that every acquisition looks at are in arrays here.

use std::any::type_name;
use std::panic::Location;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering};

use crate::words::{MAX_SUBCLASSES, Wait};

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

/// The validators' part of a lock: its class, found at the first acquisition.
///
/// Use it to teach the validators a lock type of your own: embed a `Map`, call
/// [`acquire`](Self::acquire) before the lock is taken and [`release`](Self::release) before it is
/// given back.
#[derive(Debug)]
pub struct Map {
    key: Key,
    classes: [AtomicU16; MAX_SUBCLASSES],
}

impl Map {
    /// A map whose class is the type `T` and the calling line.
    #[track_caller]
    #[must_use]
    pub const fn new<T: ?Sized>(wait: Wait) -> Self {
        Self::with(Key { init: Location::caller(), type_name: type_name::<T>, name: None, wait })
    }

    /// The same with a name for reports. Classes of one name are one class across processes that
    /// share a graph.
    #[track_caller]
    #[must_use]
    pub const fn named<T: ?Sized>(wait: Wait, name: &'static str) -> Self {
        let name = Some(name);
        Self::with(Key { init: Location::caller(), type_name: type_name::<T>, name, wait })
    }

    const fn with(key: Key) -> Self {
        Self { key, classes: [const { AtomicU16::new(0) }; MAX_SUBCLASSES] }
    }

    /// The address by which the instance is known.
    pub(crate) fn instance(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The class of this lock; `None` when there are too many.
    #[inline]
    pub(crate) fn class(&self, subclass: usize) -> Option<u16> {
        let subclass = subclass.min(MAX_SUBCLASSES - 1);
        match self.classes[subclass].load(Ordering::Relaxed) {
            0 => self.register(subclass),
            class => Some(class),
        }
    }

    #[cold]
    fn register(&self, subclass: usize) -> Option<u16> {
        let find = || crate::graph::lock().class_of(&self.key, subclass);
        let find = || crate::sud::with_door_open(find);
        let class = crate::context::peek(|thread| thread.while_busy(find))?;
        self.classes[subclass].store(class, Ordering::Relaxed);
        Some(class)
    }
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
