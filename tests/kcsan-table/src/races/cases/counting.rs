//! Both threads change the same words repeatedly.

use std::hint::black_box;

use super::{Case, TURNS, look_again};
use crate::tool::{AtomicU32, Mutex, Ordering, Plain};

/// Two flags in one word have a lock each. In the fixed form, each has a word of its own.
pub(super) struct Bits {
    fixed: bool,
    word: Plain<u8>,
    words: [Plain<u8>; 2],
    locks: [Mutex<()>; 2],
}

impl Bits {
    pub(super) fn new(fixed: bool) -> Self {
        let words = [Plain::new(0), Plain::new(0)];
        Self { fixed, word: Plain::new(0), words, locks: [Mutex::new(()), Mutex::new(())] }
    }

    fn flip(&self, which: usize, bit: u8) {
        let _held = self.locks[which].lock().unwrap();
        let word = if self.fixed { &self.words[which] } else { &self.word };
        word.set(word.get() ^ bit);
    }
}

impl Case for Bits {
    fn first(&self) {
        for _ in 0..TURNS {
            self.flip(0, 1);
        }
    }

    fn second(&self) {
        for _ in 0..TURNS {
            self.flip(1, 4);
        }
    }
}

/// `counter += 1` without a lock.
pub(super) struct Counter {
    fixed: bool,
    counter: Plain<u32>,
    lock: Mutex<()>,
}

impl Counter {
    pub(super) fn new(fixed: bool) -> Self {
        Self { fixed, counter: Plain::new(0), lock: Mutex::new(()) }
    }
}

impl Case for Counter {
    fn first(&self) {
        for _ in 0..TURNS {
            let _held = self.fixed.then(|| self.lock.lock().unwrap());
            self.counter.set(self.counter.get().wrapping_add(1));
            look_again();
        }
    }

    fn second(&self) {
        self.first();
    }
}

/// Each object has a lock, but one thread takes the lock of the other object.
pub(super) struct WrongInstance {
    fixed: bool,
    locks: [Mutex<()>; 2],
    balance: Plain<u32>,
}

impl WrongInstance {
    pub(super) fn new(fixed: bool) -> Self {
        Self { fixed, locks: [Mutex::new(()), Mutex::new(())], balance: Plain::new(0) }
    }

    fn deposit(&self, lock: usize) {
        let _held = self.locks[lock].lock().unwrap();
        self.balance.set(self.balance.get().wrapping_add(1));
    }
}

impl Case for WrongInstance {
    fn first(&self) {
        for _ in 0..TURNS {
            self.deposit(0);
        }
    }

    fn second(&self) {
        for _ in 0..TURNS {
            self.deposit(if self.fixed { 0 } else { 1 });
        }
    }
}

/// A queue of one writer and one reader, one of whose indices is plain.
pub(super) struct Ring {
    fixed: bool,
    slots: [Plain<u32>; 2],
    read: AtomicU32,
    plain_written: Plain<u32>,
    written: AtomicU32,
}

impl Ring {
    pub(super) fn new(fixed: bool) -> Self {
        let slots = [Plain::new(0), Plain::new(0)];
        let (read, written) = (AtomicU32::new(0), AtomicU32::new(0));
        Self { fixed, slots, read, plain_written: Plain::new(0), written }
    }

    fn written(&self) -> u32 {
        if self.fixed { self.written.load(Ordering::Acquire) } else { self.plain_written.get() }
    }
}

impl Ring {
    fn push(&self) {
        let written = self.written();
        if written.wrapping_sub(self.read.load(Ordering::Acquire)) == 2 {
            return;
        }
        self.slots[written as usize % 2].set(written);
        if self.fixed {
            self.written.store(written.wrapping_add(1), Ordering::Release);
        } else {
            self.plain_written.set(written.wrapping_add(1));
        }
    }

    fn pop(&self) {
        let read = self.read.load(Ordering::Relaxed);
        if self.written() != read {
            black_box(self.slots[read as usize % 2].get());
            self.read.store(read.wrapping_add(1), Ordering::Release);
        }
    }
}

impl Case for Ring {
    fn first(&self) {
        for _ in 0..TURNS {
            self.push();
            look_again();
        }
    }

    fn second(&self) {
        for _ in 0..TURNS {
            self.pop();
            look_again();
        }
    }
}
