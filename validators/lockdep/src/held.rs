//! The stack of locks that a thread holds.

use std::cell::Cell;
use std::sync::atomic::{Ordering, compiler_fence};

use crate::words::Mode;

/// The kernel's `MAX_LOCK_DEPTH`.
pub(crate) const MAX_LOCK_DEPTH: usize = 48;

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
    /// The key of the place where it was taken.
    pub(crate) site: usize,
    /// The hash of the chain from the start of the context up to here.
    pub(crate) chain: u64,
    /// The instance under whose protection this one may be taken next to others of its class.
    pub(crate) nest: usize,
    /// How many pins forbid its release.
    pub(crate) pins: u16,
}

/// The place for one lock in the stack. Small things share a word: the raw lock's atomic instruction
/// behind has to wait until every store before it is done.
struct Slot {
    instance: Cell<usize>,
    chain: Cell<u64>,
    site: Cell<usize>,
    word: Cell<u64>,
    /// Valid if the word says so.
    nest: Cell<usize>,
    /// What the last checked acquisition here depended on besides: the chain below, and the irq state.
    /// The same acquisition once more needs no look into the table. The state is 0 if there is none.
    below: Cell<u64>,
    state: Cell<u64>,
}

const CLASS: u32 = 0;
const INNER: u32 = 16;
const CONTEXT: u32 = 24;
const MODE: u32 = 32;
const ATTEMPT: u64 = 1 << 40;
const NEST: u64 = 1 << 41;
const PINS: u32 = 48;

impl Slot {
    const fn new() -> Self {
        Self {
            instance: Cell::new(0),
            chain: Cell::new(0),
            site: Cell::new(0),
            word: Cell::new(0),
            nest: Cell::new(0),
            below: Cell::new(0),
            state: Cell::new(0),
        }
    }

    fn load(&self) -> Held {
        let word = self.word.get();
        let byte = |at: u32| (word >> at).to_le_bytes()[0];
        let half = |at: u32| u16::from_le_bytes([byte(at), byte(at + 8)]);
        Held {
            instance: self.instance.get(),
            class: half(CLASS),
            mode: match byte(MODE) {
                0 => Mode::Exclusive,
                1 => Mode::Shared,
                _ => Mode::SharedRecursive,
            },
            attempt: word & ATTEMPT != 0,
            context: byte(CONTEXT),
            inner: byte(INNER),
            site: self.site.get(),
            chain: self.chain.get(),
            nest: if word & NEST != 0 { self.nest.get() } else { 0 },
            pins: half(PINS),
        }
    }

    #[inline]
    fn store(&self, held: &Held) {
        let mut word = u64::from(held.class) << CLASS
            | u64::from(held.inner) << INNER
            | u64::from(held.context) << CONTEXT
            | (held.mode as u64) << MODE
            | u64::from(held.pins) << PINS;
        if held.attempt {
            word |= ATTEMPT;
        }
        if held.nest != 0 {
            word |= NEST;
            self.nest.set(held.nest);
        }
        self.instance.set(held.instance);
        self.chain.set(held.chain);
        self.site.set(held.site);
        self.word.set(word);
    }
}

/// All that the checks of an acquisition depend on.
pub(crate) struct Again {
    pub(crate) class: u16,
    pub(crate) mode: Mode,
    pub(crate) attempt: bool,
    pub(crate) site: usize,
    pub(crate) below: u64,
    pub(crate) state: u64,
}

impl Again {
    #[inline]
    fn kind(&self) -> u64 {
        let attempt = if self.attempt { ATTEMPT } else { 0 };
        u64::from(self.class) << CLASS | (self.mode as u64) << MODE | attempt
    }
}

/// The locks that a thread holds, in the order of taking.
pub(crate) struct HeldStack {
    depth: Cell<usize>,
    locks: [Slot; MAX_LOCK_DEPTH],
}

impl HeldStack {
    pub(crate) const fn new() -> Self {
        Self { depth: Cell::new(0), locks: [const { Slot::new() }; MAX_LOCK_DEPTH] }
    }

    /// How many there are.
    #[inline]
    pub(crate) fn depth(&self) -> usize {
        self.depth.get()
    }

    /// The one taken last.
    pub(crate) fn last(&self) -> Option<Held> {
        self.depth().checked_sub(1).map(|index| self.locks[index].load())
    }

    /// Context, inner wait type and chain of the one taken last.
    #[inline]
    pub(crate) fn top(&self) -> Option<(u8, u8, u64)> {
        let slot = self.locks.get(self.depth().wrapping_sub(1))?;
        let [inner, context, ..] = (slot.word.get() >> INNER).to_le_bytes();
        Some((context, inner, slot.chain.get()))
    }

    /// All, the oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = Held> + '_ {
        self.locks[..self.depth()].iter().map(Slot::load)
    }

    /// Adds one; `false` when the stack is full.
    #[inline]
    pub(crate) fn push(&self, held: &Held) -> bool {
        let depth = self.depth();
        let Some(slot) = self.locks.get(depth) else { return false };
        // The depth first: a signal handler in between takes the next slot and not this one.
        self.depth.set(depth + 1);
        compiler_fence(Ordering::SeqCst);
        slot.store(held);
        true
    }

    /// Adds an instance if the last lock at this depth was taken in the same way, with the same below it
    /// and in the same state; the usual case in a loop. Not for nested locks.
    #[inline]
    pub(crate) fn push_again(&self, instance: usize, again: &Again) -> bool {
        let depth = self.depth();
        let Some(slot) = self.locks.get(depth) else { return false };
        let kind = slot.word.get() & !(0xffff << INNER);
        let is_same = slot.state.get() == again.state
            && slot.below.get() == again.below
            && slot.site.get() == again.site
            && kind == again.kind();
        if is_same {
            self.depth.set(depth + 1);
            compiler_fence(Ordering::SeqCst);
            slot.instance.set(instance);
        }
        is_same
    }

    /// Remembers how the last lock was taken, when all about it is known.
    pub(crate) fn remember(&self, again: &Again, is_known: bool) {
        if let Some(slot) = self.locks.get(self.depth().wrapping_sub(1)) {
            slot.below.set(again.below);
            slot.state.set(if is_known { again.state } else { 0 });
        }
    }

    /// Replaces the lock at an index.
    pub(crate) fn set(&self, index: usize, held: &Held) {
        self.locks[index].store(held);
        self.locks[index].state.set(0);
    }

    /// Where an instance is, the latest first.
    pub(crate) fn position(&self, instance: usize) -> Option<usize> {
        (0..self.depth()).rev().find(|&index| self.locks[index].instance.get() == instance)
    }

    /// Takes the last lock out if it is this instance and free to go: the usual case.
    #[inline]
    pub(crate) fn pop(&self, instance: usize) -> bool {
        let depth = self.depth().wrapping_sub(1);
        let Some(slot) = self.locks.get(depth) else { return false };
        if slot.instance.get() != instance || slot.word.get() >> PINS != 0 {
            return false;
        }
        self.depth.set(depth);
        true
    }

    /// Takes the lock at an index out and closes the gap.
    pub(crate) fn remove(&self, index: usize) -> Held {
        let depth = self.depth();
        let removed = self.locks[index].load();
        for above in index + 1..depth {
            self.set(above - 1, &self.locks[above].load());
        }
        self.depth.set(depth - 1);
        removed
    }

    /// Forgets all above a depth.
    pub(crate) fn truncate(&self, depth: usize) {
        self.depth.set(self.depth().min(depth));
    }
}
