//! Locks and use counts of models. lockdep checks every lock.
#![expect(clippy::disallowed_types, reason = "the table of classes belongs to no run")]

use super::memory::Atomic;
use super::task::{may_sleep, new_id, point, touch, wait_until};
use lockdep::raw::{self, Class};
use lockdep::{How, IrqFlags, Place, Wait};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

static CLASSES: LazyLock<Mutex<HashMap<String, Class>>> = LazyLock::new(Mutex::default);

/// Returns the class of a name, which is the same in all runs.
fn class(name: String, wait: Wait) -> Class {
    let mut classes = CLASSES.lock().unwrap_or_else(PoisonError::into_inner);
    let new = |name: &String| Class::new(name, wait).expect("few classes");
    *classes.entry(name).or_insert_with_key(new)
}

/// A lock. Locks of one name are one class.
#[derive(Clone, Debug)]
pub struct Lock {
    name: &'static str,
    spins: bool,
    id: usize,
    taken: Arc<AtomicBool>,
}

impl Lock {
    /// Makes a lock whose waiters sleep.
    pub fn mutex(name: &'static str) -> Self {
        Self::new(name, false)
    }

    /// Makes a lock whose waiters spin.
    pub fn spin(name: &'static str) -> Self {
        Self::new(name, true)
    }

    fn new(name: &'static str, spins: bool) -> Self {
        Self { name, spins, id: new_id(), taken: Arc::default() }
    }

    /// Takes the lock.
    #[must_use]
    pub fn lock(&self) -> Guard {
        self.take(0, None)
    }

    /// Takes the lock as one of several of its class, which have an order.
    #[must_use]
    pub fn lock_nested(&self, subclass: usize) -> Guard {
        self.take(subclass, None)
    }

    /// Takes the lock and keeps interrupts out.
    #[must_use]
    pub fn lock_irqsave(&self) -> Guard {
        let flags = lockdep::irqsave();
        self.take(0, Some(flags))
    }

    /// Returns the place of the lock in a global order.
    #[must_use]
    pub const fn order(&self) -> usize {
        self.id
    }

    fn take(&self, subclass: usize, flags: Option<IrqFlags>) -> Guard {
        let wait = if self.spins { Wait::Spin } else { Wait::Sleep };
        let name = match subclass {
            0 => self.name.to_owned(),
            _ => format!("{}/{subclass}", self.name),
        };
        let class = class(name, wait);
        if self.spins {
            raw::spin_enter();
        } else {
            may_sleep();
        }
        class.acquire(self.id, How::EXCLUSIVE, Place::here());
        point();
        wait_until(|| !self.taken.swap(true, Ordering::Relaxed));
        Guard { lock: self.clone(), class, flags, leaked: false }
    }
}

/// A lock that is held.
#[derive(Debug)]
pub struct Guard {
    lock: Lock,
    class: Class,
    flags: Option<IrqFlags>,
    leaked: bool,
}

impl Guard {
    /// Forgets to release the lock.
    pub fn leak(mut self) {
        self.leaked = true;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.leaked {
            if self.lock.spins {
                raw::spin_leave();
            }
            return;
        }
        self.class.release(self.lock.id, Place::here());
        self.lock.taken.store(false, Ordering::Relaxed);
        if self.lock.spins {
            raw::spin_leave();
        }
        if let Some(flags) = self.flags.take() {
            flags.restore();
        }
        touch();
        point();
    }
}

/// How many tasks use something.
#[derive(Clone, Debug)]
pub struct Users(Atomic<i32>);

impl Users {
    /// Makes a count of 0.
    pub fn none() -> Self {
        Self(Atomic::new(0))
    }

    /// Counts one more.
    pub fn enter(&self) {
        self.0.change(|count| count + 1);
    }

    /// Counts one less. Returns whether it was the last.
    pub fn leave(&self) -> bool {
        self.0.change(|count| count - 1) == 1
    }

    /// Returns the count.
    #[must_use]
    pub fn count(&self) -> i32 {
        self.0.get()
    }

    /// Waits until nobody uses it.
    pub fn wait(&self) {
        may_sleep();
        wait_until(|| self.0.get() == 0);
    }
}
