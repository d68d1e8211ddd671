//! The stack of locks that a thread holds.

use std::cell::Cell;

/// The kernel's `MAX_LOCK_DEPTH`.
pub(crate) const MAX_LOCK_DEPTH: usize = 48;

/// How a lock is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Mode {
    /// Alone.
    #[default]
    Exclusive = 0,
    /// Shared; a waiting writer holds further readers off, so a reader must not come twice.
    Shared = 1,
    /// Shared, and a reader may come again while a writer waits.
    SharedRecursive = 2,
}

/// One lock that is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// The address of the lock.
    pub(crate) instance: usize,
    /// Its class.
    pub(crate) class: u16,
    /// How it was taken.
    pub(crate) mode: Mode,
    /// Taken by an attempt that cannot wait.
    pub(crate) attempt: bool,
    /// 0 task, 1 softirq-like, 2 hardirq-like.
    pub(crate) context: u8,
    /// The least inner wait type from the start of the context up to here.
    pub(crate) inner: u8,
    /// Where it was taken.
    pub(crate) site: u32,
    /// The hash of the chain below it.
    pub(crate) below: u64,
    /// The instance under whose protection this one may be taken next to others of its class.
    pub(crate) nest: usize,
    /// How many pins forbid its release.
    pub(crate) pins: u32,
}

impl Held {
    const NONE: Self = Self {
        instance: 0,
        class: 0,
        mode: Mode::Exclusive,
        attempt: false,
        context: 0,
        inner: 0,
        site: 0,
        below: 0,
        nest: 0,
        pins: 0,
    };
}

/// The locks that a thread holds, in the order of taking.
pub(crate) struct HeldStack {
    depth: Cell<usize>,
    locks: [Cell<Held>; MAX_LOCK_DEPTH],
}

impl HeldStack {
    pub(crate) const fn new() -> Self {
        Self { depth: Cell::new(0), locks: [const { Cell::new(Held::NONE) }; MAX_LOCK_DEPTH] }
    }

    /// How many there are.
    pub(crate) fn depth(&self) -> usize {
        self.depth.get()
    }

    /// The one taken last.
    pub(crate) fn last(&self) -> Option<Held> {
        self.depth().checked_sub(1).map(|index| self.locks[index].get())
    }

    /// All, the oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = Held> + '_ {
        self.locks[..self.depth()].iter().map(Cell::get)
    }

    /// Adds one; `false` when the stack is full.
    pub(crate) fn push(&self, held: Held) -> bool {
        let depth = self.depth();
        let Some(slot) = self.locks.get(depth) else { return false };
        slot.set(held);
        self.depth.set(depth + 1);
        true
    }

    /// Replaces the lock at an index.
    pub(crate) fn set(&self, index: usize, held: Held) {
        self.locks[index].set(held);
    }

    /// Where an instance is, the latest first.
    pub(crate) fn position(&self, instance: usize) -> Option<usize> {
        (0..self.depth()).rev().find(|&index| self.locks[index].get().instance == instance)
    }

    /// Takes the lock at an index out and closes the gap.
    pub(crate) fn remove(&self, index: usize) -> Held {
        let depth = self.depth();
        let removed = self.locks[index].get();
        for above in index + 1..depth {
            self.locks[above - 1].set(self.locks[above].get());
        }
        self.depth.set(depth - 1);
        removed
    }

    /// Forgets all above a depth.
    pub(crate) fn truncate(&self, depth: usize) {
        self.depth.set(self.depth().min(depth));
    }
}
