//! What the validators are when they are off: types of no size and calls of no instructions.

use std::marker::PhantomData;
use std::time::Duration;

/// How many subclasses a class has.
pub const MAX_SUBCLASSES: usize = 8;

/// How one waits for a lock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wait {
    /// Not checked.
    Unchecked,
    /// Never waits.
    Free,
    /// Spins.
    Spin,
    /// Spins, or sleeps where the system is built that way.
    Config,
    /// Sleeps.
    Sleep,
}

/// A place in the code; nothing.
#[derive(Clone, Copy, Debug)]
pub struct Place;

impl Place {
    /// Nothing.
    #[inline(always)]
    #[must_use]
    pub const fn here() -> Self {
        Self
    }
}

/// How a lock is taken; nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct How;

impl How {
    /// Alone.
    pub const EXCLUSIVE: Self = Self;
    /// Shared.
    pub const SHARED: Self = Self;
    /// Shared, possibly inside another such.
    pub const SHARED_RECURSIVE: Self = Self;

    /// The same.
    #[inline(always)]
    #[must_use]
    pub const fn attempt(self) -> Self {
        self
    }

    /// The same.
    #[inline(always)]
    #[must_use]
    pub const fn nested(self, _subclass: usize) -> Self {
        self
    }
}

/// The validators' part of a lock; nothing.
#[derive(Debug)]
pub struct Map;

impl Map {
    /// Nothing.
    #[inline(always)]
    #[must_use]
    pub const fn new<T: ?Sized>(_wait: Wait) -> Self {
        Self
    }

    /// Nothing.
    #[inline(always)]
    #[must_use]
    pub const fn named<T: ?Sized>(_wait: Wait, _name: &'static str) -> Self {
        Self
    }

    /// Nothing.
    #[inline(always)]
    pub const fn acquire(&self, _how: How, _place: Place) {}

    /// Nothing.
    #[inline(always)]
    pub const fn release(&self, _place: Place) {}

    /// Nothing.
    #[inline(always)]
    pub const fn pin(&self, _place: Place) {}

    /// Nothing.
    #[inline(always)]
    pub const fn unpin(&self, _place: Place) {}

    #[inline(always)]
    pub(crate) const fn nest_of(&self, how: How) -> How {
        how
    }
}

/// A span of code; nothing.
#[must_use = "the section ends when the guard is dropped"]
pub struct Section {
    thread: PhantomData<*const ()>,
}

impl Section {
    /// Nothing.
    #[inline(always)]
    pub fn max_items(self, _items: u64) -> Self {
        self
    }

    /// Nothing.
    #[inline(always)]
    pub fn max_time(self, _budget: Duration) -> Self {
        self
    }

    /// Nothing.
    #[inline(always)]
    pub fn no_syscalls(self) -> Self {
        self
    }

    /// Nothing.
    #[inline(always)]
    pub fn item(&self) {}
}

macro_rules! nothing {
    ($($enter:ident),*) => {
        $(/// Nothing.
        #[inline(always)]
        pub fn $enter(_name: &'static str) -> Section {
            Section { thread: PhantomData }
        })*
    };
}

nothing!(hardirq_enter, softirq_enter, task_enter);

/// Nothing.
#[inline(always)]
pub fn preempt_disable() -> Section {
    Section { thread: PhantomData }
}

/// Nothing.
#[inline(always)]
pub fn local_bh_disable() -> Section {
    Section { thread: PhantomData }
}

/// A work item; nothing.
#[derive(Debug)]
pub struct Work;

impl Work {
    /// Nothing.
    #[inline(always)]
    #[must_use]
    pub const fn new(
        _queue: &'static str,
        _function: &'static str,
        _queue_class: &'static str,
        _item_class: &'static str,
    ) -> Self {
        Self
    }

    /// Nothing.
    #[inline(always)]
    pub fn enter(&'static self) -> Section {
        Section { thread: PhantomData }
    }

    /// Nothing.
    #[inline(always)]
    pub fn flush(&self) {}
}

/// The irq state; nothing.
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

    /// Nothing.
    #[inline(always)]
    pub fn restore(self) {}
}

/// Nothing.
#[inline(always)]
pub fn irqsave() -> IrqFlags {
    IrqFlags { thread: PhantomData }
}

/// Nothing.
#[inline(always)]
pub fn local_irq_disable() {}

/// Nothing.
#[inline(always)]
pub fn local_irq_enable() {}

#[inline(always)]
pub(crate) fn disable_at(_place: Place) {}

#[inline(always)]
pub(crate) fn enable_at(_place: Place) {}

/// Nothing.
#[inline(always)]
pub fn might_sleep_at(_place: Place) {}

#[inline(always)]
pub(crate) fn spin_enter() {}

#[inline(always)]
pub(crate) fn spin_leave() {}

/// Calls `f`.
#[inline(always)]
pub fn allow_alloc<R>(f: impl FnOnce() -> R) -> R {
    f()
}
