//! The stack of locks that a thread holds.

use std::cell::Cell;
use std::sync::atomic::{Ordering, compiler_fence};

use crate::class::Ladder;
use crate::words::Mode;

/// Maximum number of locks that a thread may hold, as the kernel's `MAX_LOCK_DEPTH`.
pub(crate) const MAX_LOCK_DEPTH: usize = 48;

/// A held lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// The address of the lock.
    pub(crate) instance: usize,
    /// The class of the lock.
    pub(crate) class: u16,
    /// Whether the lock was taken exclusively or shared.
    pub(crate) mode: Mode,
    /// Whether it was taken by an attempt, which cannot wait.
    pub(crate) attempt: bool,
    /// The context in which it was taken: 0 task, 1 softirq-like, 2 hardirq-like.
    pub(crate) context: u8,
    /// The lowest wait type of the locks from the start of the context up to this one.
    pub(crate) inner: u8,
    /// The key of the place where the lock was taken.
    pub(crate) site: usize,
    /// The hash of the chain from the start of the context up to this lock.
    pub(crate) chain: u64,
    /// The address of the lock that protects several locks of this class from one another; 0 for none.
    pub(crate) nest: usize,
    /// How many pins forbid the release.
    pub(crate) pins: u16,
}

/// The place of one lock in the stack. Small values share a word, because the raw lock's atomic instruction has
/// to wait until every store before it is done.
struct Slot {
    instance: Cell<usize>,
    chain: Cell<u64>,
    site: Cell<usize>,
    word: Cell<u64>,
    /// Valid only if the word has the bit `NEST`.
    nest: Cell<usize>,
    /// The chain below, at the last checked acquisition at this depth. With `state`, it tells whether the next
    /// acquisition is the same one, which needs no look into the table.
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
/// Where the direction between two locks of one class stands in the hash of a chain, before it is hashed.
const LADDER: u32 = 58;

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

/// Everything that the checks of an acquisition depend on.
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

/// The locks that a thread holds, in the order in which it took them.
pub(crate) struct HeldStack {
    depth: Cell<usize>,
    locks: [Slot; MAX_LOCK_DEPTH],
}

impl HeldStack {
    pub(crate) const fn new() -> Self {
        Self { depth: Cell::new(0), locks: [const { Slot::new() }; MAX_LOCK_DEPTH] }
    }

    /// Returns how many locks are held.
    #[inline]
    pub(crate) fn depth(&self) -> usize {
        self.depth.get()
    }

    /// Returns the lock that was taken last.
    pub(crate) fn last(&self) -> Option<Held> {
        self.depth().checked_sub(1).map(|index| self.locks[index].load())
    }

    /// Returns context, inner wait type and chain of the lock that was taken last.
    #[inline]
    pub(crate) fn top(&self) -> Option<(u8, u8, u64)> {
        let slot = self.locks.get(self.depth().wrapping_sub(1))?;
        let [inner, context, ..] = (slot.word.get() >> INNER).to_le_bytes();
        Some((context, inner, slot.chain.get()))
    }

    /// Returns a number that tells in which direction the last lock leads to this one, if both are of one class; 0 for
    /// another class.
    #[inline]
    pub(crate) fn ladder(&self, class: u16, instance: usize) -> u64 {
        let Some(slot) = self.locks.get(self.depth().wrapping_sub(1)) else { return 0 };
        if slot.word.get() & 0xffff != u64::from(class) {
            return 0;
        }
        (Ladder::between(slot.instance.get(), instance) as u64) << LADDER
    }

    /// Returns all held locks, the oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = Held> + '_ {
        self.locks[..self.depth()].iter().map(Slot::load)
    }

    /// Adds a lock. Returns `false` if the stack is full.
    #[inline]
    pub(crate) fn push(&self, held: &Held) -> bool {
        let depth = self.depth();
        let Some(slot) = self.locks.get(depth) else { return false };
        // The depth goes first, so that a signal handler in between takes the next slot.
        self.depth.set(depth + 1);
        compiler_fence(Ordering::SeqCst);
        slot.store(held);
        true
    }

    /// Adds an instance if the last lock at this depth was taken in the same way, above the same locks and in the same
    /// state, which is usual in a loop. Nested locks are not taken this way.
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

    /// Remembers how the last lock was taken, if its checks are done.
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

    /// Returns the index of an instance, searched from the latest lock on.
    pub(crate) fn position(&self, instance: usize) -> Option<usize> {
        (0..self.depth()).rev().find(|&index| self.locks[index].instance.get() == instance)
    }

    /// Removes the last lock if it is this instance and not pinned, which is the usual case.
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

    /// Removes the lock at an index and closes the gap.
    pub(crate) fn remove(&self, index: usize) -> Held {
        let depth = self.depth();
        let removed = self.locks[index].load();
        for above in index + 1..depth {
            self.set(above - 1, &self.locks[above].load());
        }
        self.depth.set(depth - 1);
        removed
    }

    /// Forgets all locks above a depth.
    pub(crate) fn truncate(&self, depth: usize) {
        self.depth.set(self.depth().min(depth));
    }
}
