//! What differs between loom and the other tools: the types, and how a case is run.

#![expect(unsafe_code, reason = "memory that two threads access without order: the races")]

#[cfg(feature = "loom")]
mod here {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    pub(crate) use loom::sync::{Arc, Condvar, Mutex};

    use crate::cases::{Case, New};

    /// Memory that is accessed without any marking.
    pub(crate) struct Plain<T>(loom::cell::UnsafeCell<T>);

    impl<T: Copy> Plain<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::cell::UnsafeCell::new(value))
        }

        pub(crate) fn get(&self) -> T {
            // SAFETY: the pointer is that of the cell. Loom checks that no other thread writes.
            self.0.with(|value| unsafe { *value })
        }

        pub(crate) fn set(&self, value: T) {
            // SAFETY: as above.
            self.0.with_mut(|place| unsafe { *place = value });
        }
    }

    /// Runs every order of the two halves once.
    pub(crate) fn run(new: New, fixed: bool) {
        loom::model(move || {
            let case: Arc<Box<dyn Case>> = Arc::new(new(fixed));
            let other = Arc::clone(&case);
            let thread = loom::thread::spawn(move || other.second());
            case.first();
            thread.join().unwrap();
        });
    }
}

#[cfg(not(feature = "loom"))]
mod here {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    pub(crate) use std::sync::{Arc, Condvar, Mutex};

    use std::cell::UnsafeCell;

    use crate::cases::New;
    use crate::rounds::{Deadline, Steps};

    /// Memory that is accessed without any marking.
    #[repr(transparent)]
    pub(crate) struct Plain<T>(UnsafeCell<T>);

    impl<T: Copy> Plain<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn get(&self) -> T {
            // SAFETY: the pointer is that of the cell. The race is the purpose.
            unsafe { *self.0.get() }
        }

        #[inline(always)]
        pub(crate) fn set(&self, value: T) {
            // SAFETY: as above.
            unsafe { *self.0.get() = value }
        }
    }

    /// Runs rounds of two threads until the time is over.
    pub(crate) fn run(new: New, fixed: bool) {
        // The case that is not in use is reset for the next round.
        let slots = Arc::new([new(fixed), new(fixed)]);
        let steps = Arc::new(Steps::default());
        let (other_slots, other_steps) = (Arc::clone(&slots), Arc::clone(&steps));
        let thread = std::thread::spawn(move || {
            let mut round = 0;
            while other_steps.follow(round) {
                other_slots[round as usize % 2].second();
                round += 1;
            }
        });
        let deadline = Deadline::new();
        let mut round = 0;
        while steps.lead(round, &deadline) {
            slots[round as usize % 2].first();
            slots[(round as usize + 1) % 2].reset();
            round += 1;
        }
        thread.join().unwrap();
    }
}

pub(crate) use here::*;

// SAFETY: this is not true. The race is the purpose.
unsafe impl<T: Send> Sync for Plain<T> {}
