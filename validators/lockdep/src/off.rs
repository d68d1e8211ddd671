//! The API without the feature `validate`: types of no size and functions without instructions.
//!
//! It is the same as with the feature, so that a program compiles with both. `tests/api.rs` compares the two.

use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use crate::words::{How, Place, Report, Wait};

pub mod raw;
pub mod testing;

/// The validators' part of a lock. It is empty without the feature `validate`.
///
/// Use it to teach the validators a lock type of your own: embed a `Map`, call
/// [`acquire`](Self::acquire) before the lock is taken and [`release`](Self::release) before it is
/// released.
#[derive(Debug)]
pub struct Map {
    _nothing: (),
}

impl Map {
    /// Makes an empty map.
    #[inline(always)]
    #[must_use]
    pub const fn new<T: ?Sized>(_wait: Wait) -> Self {
        Self { _nothing: () }
    }

    /// Makes an empty map; the name is not kept.
    #[inline(always)]
    #[must_use]
    pub const fn named<T: ?Sized>(_wait: Wait, _name: &'static str) -> Self {
        Self { _nothing: () }
    }

    /// Does nothing without the feature `validate`.
    #[inline(always)]
    pub fn acquire(&self, _how: How, _place: Place) {}

    /// Does nothing without the feature `validate`.
    #[inline(always)]
    pub fn release(&self, _place: Place) {}

    /// Returns `false`: without the feature `validate` holders are not recorded.
    #[inline(always)]
    #[must_use]
    pub fn is_held(&self) -> bool {
        false
    }

    /// Does nothing without the feature `validate`.
    #[inline(always)]
    pub fn assert_held(&self, _place: Place) {}

    /// Does nothing without the feature `validate`.
    #[inline(always)]
    pub fn pin(&self, _place: Place) {}

    /// Does nothing without the feature `validate`.
    #[inline(always)]
    pub fn unpin(&self, _place: Place) {}
}

/// A span of code that runs in a context. It ends when this guard is dropped. It is empty without the feature
/// `validate`.
#[must_use = "the section ends when the guard is dropped"]
pub struct Section {
    thread: PhantomData<*const ()>,
}

const SECTION: Section = Section { thread: PhantomData };

impl Section {
    /// Returns the section as it is.
    #[inline(always)]
    pub fn max_items(self, _items: u64) -> Self {
        self
    }

    /// Returns the section as it is.
    #[inline(always)]
    pub fn max_time(self, _budget: Duration) -> Self {
        self
    }

    /// Returns the section as it is.
    #[inline(always)]
    pub fn no_syscalls(self) -> Self {
        self
    }

    /// Does nothing without the feature `validate`.
    #[inline(always)]
    pub fn item(&self) {}
}

/// Returns an empty section.
#[inline(always)]
pub fn hardirq_enter(_name: &'static str) -> Section {
    SECTION
}

/// Returns an empty section.
#[inline(always)]
pub fn softirq_enter(_name: &'static str) -> Section {
    SECTION
}

/// Returns an empty section.
#[inline(always)]
pub fn task_enter(_name: &'static str) -> Section {
    SECTION
}

/// Returns an empty section.
#[inline(always)]
pub fn preempt_disable() -> Section {
    SECTION
}

/// Returns an empty section.
#[inline(always)]
pub fn local_bh_disable() -> Section {
    SECTION
}

/// A work item of a queue. It is empty without the feature `validate`. Make one with
/// [`work!`](crate::work).
#[derive(Debug)]
pub struct Work {
    _nothing: (),
}

impl Work {
    /// Makes an empty work item.
    #[inline(always)]
    #[must_use]
    pub const fn new(
        _queue: &'static str,
        _function: &'static str,
        _queue_class: &'static str,
        _item_class: &'static str,
    ) -> Self {
        Self { _nothing: () }
    }

    /// Returns an empty section.
    #[inline(always)]
    pub fn enter(&'static self) -> Section {
        SECTION
    }

    /// Does nothing without the feature `validate`.
    #[inline(always)]
    pub fn flush(&self) {}
}

/// The irq state that [`irqsave`] found. It is empty without the feature `validate`.
#[must_use = "interrupts stay off until the flags are restored"]
#[derive(Debug)]
pub struct IrqFlags {
    thread: PhantomData<*const ()>,
}

impl IrqFlags {
    #[inline(always)]
    pub(crate) fn save(_place: Place) -> Self {
        Self { thread: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn restore_in_place(&mut self, _place: Place) {}

    /// Does nothing without the feature `validate`.
    #[inline(always)]
    pub fn restore(self) {}
}

/// Returns empty flags.
#[inline(always)]
pub fn irqsave() -> IrqFlags {
    IrqFlags { thread: PhantomData }
}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn local_irq_disable() {}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn local_irq_enable() {}

#[inline(always)]
pub(crate) fn disable_at(_place: Place) {}

#[inline(always)]
pub(crate) fn enable_at(_place: Place) {}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn might_sleep_at(_place: Place) {}

#[inline(always)]
pub(crate) fn spin_enter() {}

#[inline(always)]
pub(crate) fn spin_leave() {}

#[inline(always)]
pub(crate) fn held_count() -> usize {
    0
}

#[inline(always)]
pub(crate) fn ends_poll(_depth: usize, _task: &'static str) {}

/// Calls `f`.
#[inline(always)]
pub fn allow_alloc<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn switch(_on: bool) {}

/// Returns 0: there are no reports without the feature `validate`.
#[inline(always)]
#[must_use]
pub fn count() -> u64 {
    0
}

/// Returns 0: there are no findings without the feature `validate`.
#[inline(always)]
#[must_use]
pub fn left_out() -> u64 {
    0
}

/// Drops `hook`, which would never be called without the feature `validate`.
#[inline(always)]
pub fn set_hook(_hook: impl Fn(&Report) + Send + 'static) {}

/// Does nothing without the feature `validate`.
#[inline(always)]
pub fn set_sleep_report_interval(_interval: Duration) {}

/// Returns `false`: no system call is trapped without the feature `validate`.
#[inline(always)]
#[must_use]
pub fn can_trap_syscalls() -> bool {
    false
}

/// Returns 0: no section is watched without the feature `validate`.
#[inline(always)]
#[must_use]
pub fn check_watchdog() -> usize {
    0
}

/// Starts no thread without the feature `validate`, and cannot fail then.
///
/// # Errors
///
/// Returns the error of starting the thread, only with the feature `validate`.
#[inline(always)]
pub fn start_watchdog(_period: Duration) -> std::io::Result<()> {
    Ok(())
}

/// Opens no file without the feature `validate`, and cannot fail then.
///
/// # Errors
///
/// Returns the error of opening or creating the file, only with the feature `validate`.
#[inline(always)]
pub fn share_graph(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
