//! The races inside a process: the halves of both threads, and the form without the race.

use std::hint::black_box;

mod counting;
mod publication;
#[cfg(not(feature = "loom"))]
mod uninstrumented;

use crate::tool::{Arc, AtomicBool, Condvar, Mutex, Ordering, Plain};

pub(crate) trait Case: Send + Sync {
    fn first(&self);
    fn second(&self);
    /// Restores the state of the beginning. No other thread accesses it meanwhile.
    #[cfg_attr(feature = "loom", expect(dead_code, reason = "a model has one round"))]
    fn reset(&self) {}
}

/// How many times a thread looks whether something is there. It is small for loom, which tries all orders.
const LOOKS: u32 = if cfg!(feature = "loom") { 3 } else { 100 };

/// How many times a thread repeats its accesses in a round. It is 1 for loom, which tries all orders.
pub(crate) const TURNS: u32 = if cfg!(feature = "loom") { 1 } else { 200 };

/// Makes the compiler read plain variables again.
pub(crate) fn look_again() {
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
}

use counting::{Bits, Counter, Ring, WrongInstance};
use publication::{AfterSignal, DoubleChecked, FlagPublish, RelaxedPublication};
#[cfg(not(feature = "loom"))]
use uninstrumented::UninstrumentedCode;

pub(crate) type New = fn(bool) -> Box<dyn Case>;

pub(crate) const CASES: &[(&str, New)] = &[
    ("flag-publish", |fixed| Box::new(FlagPublish::new(fixed))),
    ("bits-two-locks", |fixed| Box::new(Bits::new(fixed))),
    ("double-checked-init", |fixed| Box::new(DoubleChecked::new(fixed))),
    ("relaxed-publication", |fixed| match fixed {
        true => Box::new(RelaxedPublication::<true>::new()),
        false => Box::new(RelaxedPublication::<false>::new()),
    }),
    ("counter", |fixed| Box::new(Counter::new(fixed))),
    ("wrong-instance", |fixed| Box::new(WrongInstance::new(fixed))),
    ("after-signal", |fixed| Box::new(AfterSignal::new(fixed))),
    ("ring-plain-index", |fixed| Box::new(Ring::new(fixed))),
    #[cfg(not(feature = "loom"))]
    ("uninstrumented-code", |fixed| Box::new(UninstrumentedCode::new(fixed))),
    ("no-defect", |_| Box::new(NoDefect::new())),
];

/// A correct program with locks, a wake-up, an atomic hand-over and a shared pointer.
struct NoDefect {
    total: Mutex<u32>,
    grown: Condvar,
    value: Plain<u32>,
    handed_over: AtomicBool,
    shared: Arc<u32>,
}

impl NoDefect {
    fn new() -> Self {
        let (value, handed_over) = (Plain::new(0), AtomicBool::new(false));
        let (total, grown) = (Mutex::new(0), Condvar::new());
        Self { total, grown, value, handed_over, shared: Arc::new(1) }
    }
}

impl Case for NoDefect {
    fn first(&self) {
        self.value.set(1);
        self.handed_over.store(true, Ordering::Release);
        *self.total.lock().unwrap() += *Arc::clone(&self.shared);
        self.grown.notify_one();
    }

    fn second(&self) {
        let mut total = self.total.lock().unwrap();
        while *total == 0 {
            total = self.grown.wait(total).unwrap();
        }
        *total += *Arc::clone(&self.shared);
        drop(total);
        if self.handed_over.load(Ordering::Acquire) {
            black_box(self.value.get());
        }
    }

    fn reset(&self) {
        *self.total.lock().unwrap() = 0;
        self.handed_over.store(false, Ordering::Relaxed);
        self.value.set(0);
    }
}
