//! The checks of what is initialised once: the first caller runs a function, and others wait for it meanwhile.
//!
//! To the validators this is a lock that is held during the initialisation. A call that comes later finds the value and
//! waits for nobody, but in another run it could come earlier, so it counts as taking the lock too. There are two
//! exceptions. A value that was made while the program had one thread is there before anybody could wait for it. And
//! code that must not wait is right to use a value that somebody made before.

use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::lock::Hold;
use crate::{How, Map, Place, Wait, raw};

/// The validators' part of something that is initialised once.
pub(crate) struct Startup {
    map: Map,
    /// Whether it was initialised while the program had one thread.
    was_alone: AtomicBool,
}

impl Startup {
    #[track_caller]
    #[inline]
    pub(crate) const fn new<T: ?Sized>() -> Self {
        Self { map: Map::standing_in::<T>(Wait::Sleep), was_alone: AtomicBool::new(false) }
    }

    /// Makes the same for another value of this class.
    pub(crate) fn sibling(&self) -> Self {
        Self { map: self.map.sibling(), was_alone: AtomicBool::new(false) }
    }

    /// Checks a call, and runs it: `call` initialises, waits for another thread that does, or finds what `is_done`.
    #[inline]
    pub(crate) fn check<R>(&self, is_done: bool, place: Place, call: impl FnOnce() -> R) -> R {
        if is_done {
            if !self.was_alone.load(Ordering::Relaxed) && !raw::is_atomic() {
                drop(self.hold(place));
            }
            return call();
        }
        crate::might_sleep_at(place);
        let hold = self.hold(place);
        let result = call();
        drop(hold);
        if !raw::is_atomic() && is_alone() {
            self.was_alone.store(true, Ordering::Relaxed);
        }
        result
    }

    fn hold(&self, place: Place) -> Hold<'_> {
        self.map.acquire(How::EXCLUSIVE, place);
        Hold::new(&self.map, place)
    }
}

/// Returns whether the process has one thread.
#[cold]
fn is_alone() -> bool {
    // Each thread is a folder there, and adds a link to the parent besides the parent's own two.
    let links = || std::fs::metadata("/proc/self/task").map(|folder| folder.nlink());
    raw::unchecked(links).is_ok_and(|links| links == 3)
}
