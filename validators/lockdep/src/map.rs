//! The validators' part of a lock, and the checks at its acquisition and release.

use std::any::type_name;
use std::panic::Location;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::check::{self, balance, freed};
use crate::class::Key;
use crate::context;
use crate::words::{How, MAX_SUBCLASSES, Place, Wait};
use crate::{graph, statistics, sud};

/// The validators' part of a lock: its class, found at the first acquisition.
///
/// Use it to teach the validators a lock type of your own: embed a `Map`, call
/// [`acquire`](Self::acquire) before the lock is taken and [`release`](Self::release) before it is
/// released.
#[derive(Debug)]
pub struct Map {
    key: Key,
    classes: [AtomicU16; MAX_SUBCLASSES],
}

impl Map {
    /// Makes a map. Its class is the type `T` and the calling line.
    #[track_caller]
    #[must_use]
    pub const fn new<T: ?Sized>(wait: Wait) -> Self {
        Self::with(Key {
            init: Location::caller(),
            type_name: type_name::<T>,
            name: None,
            wait,
            stands_in: false,
        })
    }

    /// Makes a map with a name for reports. Classes of one name are one class in processes that share a graph.
    #[track_caller]
    #[must_use]
    pub const fn named<T: ?Sized>(wait: Wait, name: &'static str) -> Self {
        let name = Some(name);
        Self::with(Key {
            init: Location::caller(),
            type_name: type_name::<T>,
            name,
            wait,
            stands_in: false,
        })
    }

    /// Makes the map of a lock that stands in the place of one of another library.
    #[track_caller]
    pub(crate) const fn standing_in<T: ?Sized>(wait: Wait) -> Self {
        Self::with(Key {
            init: Location::caller(),
            type_name: type_name::<T>,
            name: None,
            wait,
            stands_in: true,
        })
    }

    /// Makes a map of the same class.
    pub(crate) fn sibling(&self) -> Self {
        Self::with(self.key)
    }

    const fn with(key: Key) -> Self {
        Self { key, classes: [const { AtomicU16::new(0) }; MAX_SUBCLASSES] }
    }

    /// Checks an acquisition. Call it before waiting for the lock, or after an attempt succeeded.
    #[inline]
    pub fn acquire(&self, how: How, place: Place) {
        context::glance(|thread| {
            if let Some(class) = self.class(how.subclass) {
                check::acquire(thread, self.instance(), class, how, place);
            }
        });
    }

    /// Checks a release. Call it before the lock is released.
    #[inline]
    pub fn release(&self, place: Place) {
        context::glance(|thread| {
            if !check::release(thread, self.instance()) {
                thread.while_busy(|| balance::not_held(thread, self.class(0), place));
            }
        });
    }

    /// Returns whether the calling thread holds this lock.
    #[must_use]
    pub fn is_held(&self) -> bool {
        context::peek(|thread| thread.held.position(self.instance()).is_some())
    }

    /// Waits for the lock, which is not free, by `f`.
    #[cold]
    pub(crate) fn wait<R>(&self, place: Place, f: impl FnOnce() -> R) -> R {
        let wait = statistics::wait(self.instance());
        let result = f();
        if let Some(wait) = wait {
            let class = self.class(0);
            context::peek(|thread| thread.while_busy(|| wait.ends(class, place)));
        }
        result
    }

    /// Forbids the release of a held lock until [`unpin`](Self::unpin).
    pub fn pin(&self, place: Place) {
        balance::pin(self.instance(), place);
    }

    /// Removes a pin.
    pub fn unpin(&self, place: Place) {
        balance::unpin(self.instance(), place);
    }

    /// Reports if the calling thread does not hold this lock.
    pub fn assert_held(&self, place: Place) {
        if !context::is_busy() && !self.is_held() {
            balance::assertion_failed(place);
        }
    }

    /// Returns `how` under the protection of this lock: while it is held, locks of one class may be taken in any order.
    #[must_use]
    pub(crate) fn nest_of(&self, how: How) -> How {
        how.under(self.instance())
    }

    /// Returns the address that identifies the lock.
    pub(crate) fn instance(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Returns the class of this lock, or `None` if there are too many classes.
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
        let find = || graph::lock().class_of(&self.key, subclass);
        let find = || sud::allowing_syscalls(find);
        let class = context::peek(|thread| thread.while_busy(find))?;
        self.classes[subclass].store(class, Ordering::Relaxed);
        Some(class)
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let start = self.instance();
        freed::check(start..start + size_of::<Self>());
    }
}
