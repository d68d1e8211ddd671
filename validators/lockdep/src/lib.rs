//! Lock dependency, atomic-sleep and irq-state validators in user space.
//!
//! The kernel's validators find potential deadlocks and blocking calls even when nothing blocked, because they check
//! rules and not outcomes. This crate does the same for a program. Locks belong to classes, and callbacks run in
//! contexts. Each new order of classes, each new use in a context and each call that may sleep is checked once, when
//! it is first seen.
//!
//! ```
//! use lockdep::{Mutex, SpinLock, hardirq_enter};
//!
//! static MIXER: SpinLock<f32> = SpinLock::new(0.0);
//!
//! fn audio_callback() {
//!     let _section = hardirq_enter("audio_callback");
//!     *MIXER.lock() += 0.1;        // fine, as long as all others take it with interrupts off
//! }
//! # audio_callback();
//! ```
//!
//! Without the feature `validate`, each lock is only its raw lock, and every other call does nothing. With the
//! feature, environment variables change where reports go and how far a run gets:
//!
//! * `LOCKDEP_LOG` names a file for reports. Without it they go to standard error.
//! * `LOCKDEP_MAX_REPORTS` limits the reports of a process; the default is 1000, and 0 means no limit.
//! * `LOCKDEP_SLEEP_INTERVAL` is the minimum time in seconds between two reports about sleeping; 1 is the kernel's, and 0
//!   the default.
//! * `LOCKDEP_ABORT` makes the first report end the program.
//! * `LOCKDEP_GRAPH` names a file by which processes share what they learn.
//!
//! The kernel's words mean this in a program:
//!
//! * **hardirq**: code that must meet a deadline. It begins with [`hardirq_enter`].
//! * **interrupts off**: the thread keeps such code out, for example by a lock. It begins with [`irqsave`].
//! * **atomic context**: code that must not sleep, because it is in a hardirq-like or softirq-like section, holds a
//!   spin lock, or has interrupts off.

mod alloc;
mod lock;
mod task;
mod words;

pub use alloc::Alloc;
pub use lock::mutex::{Mutex, MutexGuard};
pub use lock::rwlock::{
    RwLock, RwLockReadGuard, RwLockWriteGuard, RwSpinLock, RwSpinReadGuard, RwSpinWriteGuard,
};
pub use lock::spin::{AtEnd, Enabled, SpinGuard, SpinLock, Unchanged};
pub use task::check_task;
pub use words::{How, MAX_SUBCLASSES, Place, Report, ReportKind, Wait};

#[cfg(not(feature = "validate"))]
mod off;
#[cfg(all(not(feature = "validate"), feature = "parking_lot"))]
#[doc(no_inline)]
pub use ::parking_lot;
#[cfg(not(feature = "validate"))]
#[doc(no_inline)]
pub use ::std;
#[cfg(not(feature = "validate"))]
pub use off::*;

#[cfg(feature = "validate")]
mod check;
#[cfg(feature = "validate")]
mod class;
#[cfg(feature = "validate")]
mod context;
#[cfg(feature = "validate")]
mod environment;
#[cfg(feature = "validate")]
mod frame;
#[cfg(feature = "validate")]
mod graph;
#[cfg(feature = "validate")]
mod held;
#[cfg(feature = "validate")]
mod irq;
#[cfg(feature = "validate")]
mod map;
#[cfg(feature = "validate")]
mod on;
#[cfg(feature = "validate")]
mod output;
#[cfg(all(feature = "validate", feature = "parking_lot"))]
pub mod parking_lot;
#[cfg(feature = "validate")]
mod plain;
#[cfg(feature = "static-tls")]
#[doc(hidden)]
pub mod preload;
#[cfg(feature = "validate")]
mod print;
#[cfg(feature = "validate")]
pub mod raw;
#[cfg(feature = "validate")]
mod section;
#[cfg(feature = "session")]
#[doc(hidden)]
pub mod session;
#[cfg(feature = "validate")]
mod shared;
#[cfg(feature = "validate")]
mod sink;
#[cfg(feature = "validate")]
mod site;
#[cfg(feature = "validate")]
mod stack;
#[cfg(feature = "validate")]
mod startup;
#[cfg(feature = "validate")]
mod state;
#[cfg(feature = "validate")]
mod statistics;
#[cfg(feature = "validate")]
pub mod std;
#[cfg(feature = "validate")]
mod sud;
#[cfg(feature = "validate")]
mod symbols;
#[cfg(feature = "validate")]
pub mod testing;
#[cfg(feature = "validate")]
mod trace;
#[cfg(feature = "validate")]
mod unwind;
#[cfg(feature = "validate")]
pub use on::*;

/// Marks code that may sleep, and reports it if it must not sleep here.
#[macro_export]
macro_rules! might_sleep {
    () => {
        $crate::might_sleep_at($crate::Place::here())
    };
}

/// Reports if the calling thread does not hold the lock.
#[macro_export]
macro_rules! assert_held {
    ($lock:expr) => {
        $lock.assert_held()
    };
}

/// Makes a [`Work`] item of the queue it runs on, its function, and the name of the item's class.
///
/// ```
/// static TASK_WORK: lockdep::Work =
///     lockdep::work!("events_highpri", "timer_work", "&timer->task_work");
/// let _section = TASK_WORK.enter();
/// ```
#[macro_export]
macro_rules! work {
    ($queue:literal, $function:literal, $item:literal) => {
        $crate::Work::new(
            $queue,
            $function,
            concat!("(wq_completion)", $queue),
            concat!("(work_completion)(", $item, ")"),
        )
    };
}

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
