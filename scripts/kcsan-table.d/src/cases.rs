//! The races inside a process: what one thread does, what the other does, and how it is put right.

use std::hint::black_box;

use crate::tool::{Arc, AtomicBool, AtomicU32, Condvar, Mutex, Ordering, Plain};

pub trait Case: Send + Sync {
    fn first(&self);
    fn second(&self);
    /// Back to the beginning; nobody else looks meanwhile.
    fn reset(&self) {}
}

/// How often a thread looks whether something is there, for a model few times.
const LOOKS: u32 = if cfg!(feature = "loom") { 3 } else { 100 };

/// How often a thread does in a round what it may do again, for a model once.
pub const TURNS: u32 = if cfg!(feature = "loom") { 1 } else { 200 };

/// A plain variable may have changed, says the program that is wrong.
pub fn look_again() {
    std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
}

pub type New = fn(bool) -> Box<dyn Case>;

pub const CASES: &[(&str, New)] = &[
    ("flag-publish", |fixed| Box::new(FlagPublish::new(fixed))),
    ("bits-two-locks", |fixed| Box::new(Bits::new(fixed))),
    ("double-checked-init", |fixed| Box::new(DoubleChecked::new(fixed))),
    ("relaxed-publication", |fixed| Box::new(RelaxedPublication::new(fixed))),
    ("counter", |fixed| Box::new(Counter::new(fixed))),
    ("wrong-instance", |fixed| Box::new(WrongInstance::new(fixed))),
    ("after-signal", |fixed| Box::new(AfterSignal::new(fixed))),
    ("ring-plain-index", |fixed| Box::new(Ring::new(fixed))),
    #[cfg(not(feature = "loom"))]
    ("uninstrumented-code", |fixed| Box::new(UninstrumentedCode::new(fixed))),
    ("no-defect", |_| Box::new(NoDefect::new())),
];

/// A value is announced by a plain flag.
struct FlagPublish {
    fixed: bool,
    value: Plain<u32>,
    flag: Plain<bool>,
    marked: AtomicBool,
}

impl FlagPublish {
    fn new(fixed: bool) -> Self {
        Self {
            fixed,
            value: Plain::new(0),
            flag: Plain::new(false),
            marked: AtomicBool::new(false),
        }
    }
}

impl Case for FlagPublish {
    fn first(&self) {
        self.value.set(42);
        if self.fixed {
            self.marked.store(true, Ordering::Release);
        } else {
            self.flag.set(true);
        }
    }

    fn second(&self) {
        for _ in 0..LOOKS {
            let ready =
                if self.fixed { self.marked.load(Ordering::Acquire) } else { self.flag.get() };
            if ready {
                black_box(self.value.get());
                break;
            }
            look_again();
        }
    }

    fn reset(&self) {
        self.value.set(0);
        self.flag.set(false);
        self.marked.store(false, Ordering::Relaxed);
    }
}

/// Two flags in one word, each guarded by a lock of its own. Put right by a word for each.
struct Bits {
    fixed: bool,
    word: Plain<u8>,
    words: [Plain<u8>; 2],
    locks: [Mutex<()>; 2],
}

impl Bits {
    fn new(fixed: bool) -> Self {
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

/// Things that are made when they are needed. The first look at `ready` is without the lock.
struct DoubleChecked(Vec<Lazy>);

struct Lazy {
    fixed: bool,
    value: Plain<u32>,
    ready: Plain<bool>,
    marked: AtomicBool,
    lock: Mutex<()>,
}

impl DoubleChecked {
    fn new(fixed: bool) -> Self {
        Self((0..TURNS).map(|_| Lazy::new(fixed)).collect())
    }

    fn get_all(&self) {
        for lazy in &self.0 {
            black_box(lazy.get());
        }
    }
}

impl Lazy {
    fn new(fixed: bool) -> Self {
        let (ready, marked) = (Plain::new(false), AtomicBool::new(false));
        Self { fixed, value: Plain::new(0), ready, marked, lock: Mutex::new(()) }
    }

    fn is_ready(&self) -> bool {
        if self.fixed { self.marked.load(Ordering::Acquire) } else { self.ready.get() }
    }

    fn get(&self) -> u32 {
        if !self.is_ready() {
            let _held = self.lock.lock().unwrap();
            if !self.is_ready() {
                self.value.set(42);
                if self.fixed {
                    self.marked.store(true, Ordering::Release);
                } else {
                    self.ready.set(true);
                }
            }
        }
        self.value.get()
    }
}

impl Case for DoubleChecked {
    fn first(&self) {
        self.get_all();
    }

    fn second(&self) {
        self.get_all();
    }

    fn reset(&self) {
        for lazy in &self.0 {
            lazy.value.set(0);
            lazy.ready.set(false);
            lazy.marked.store(false, Ordering::Relaxed);
        }
    }
}

/// The flag is atomic, but orders nothing.
struct RelaxedPublication {
    store: Ordering,
    load: Ordering,
    value: Plain<u32>,
    flag: AtomicBool,
}

impl RelaxedPublication {
    fn new(fixed: bool) -> Self {
        let (store, load) = if fixed {
            (Ordering::Release, Ordering::Acquire)
        } else {
            (Ordering::Relaxed, Ordering::Relaxed)
        };
        Self { store, load, value: Plain::new(0), flag: AtomicBool::new(false) }
    }
}

impl Case for RelaxedPublication {
    fn first(&self) {
        self.value.set(42);
        self.flag.store(true, self.store);
    }

    fn second(&self) {
        for _ in 0..LOOKS {
            if self.flag.load(self.load) {
                black_box(self.value.get());
                break;
            }
        }
    }

    fn reset(&self) {
        self.value.set(0);
        self.flag.store(false, Ordering::Relaxed);
    }
}

/// `counter += 1` without a lock.
struct Counter {
    fixed: bool,
    counter: Plain<u32>,
    lock: Mutex<()>,
}

impl Counter {
    fn new(fixed: bool) -> Self {
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

/// Each object has a lock; one thread takes that of the other object.
struct WrongInstance {
    fixed: bool,
    locks: [Mutex<()>; 2],
    balance: Plain<u32>,
}

impl WrongInstance {
    fn new(fixed: bool) -> Self {
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

/// Requests. Who is woken uses the request; who woke it is not done with it yet.
struct AfterSignal(Vec<Request>);

struct Request {
    fixed: bool,
    ready: Mutex<bool>,
    wake: Condvar,
    served: Plain<u32>,
}

impl AfterSignal {
    fn new(fixed: bool) -> Self {
        Self((0..TURNS).map(|_| Request::new(fixed)).collect())
    }
}

impl Request {
    fn new(fixed: bool) -> Self {
        Self { fixed, ready: Mutex::new(false), wake: Condvar::new(), served: Plain::new(0) }
    }

    fn count(&self) {
        self.served.set(self.served.get().wrapping_add(1));
    }

    fn serve(&self) {
        let mut ready = self.ready.lock().unwrap();
        if self.fixed {
            self.count();
        }
        *ready = true;
        self.wake.notify_one();
        drop(ready);
        if !self.fixed {
            self.count();
        }
    }

    fn wait(&self) {
        let mut ready = self.ready.lock().unwrap();
        while !*ready {
            ready = self.wake.wait(ready).unwrap();
        }
        drop(ready);
        black_box(self.served.get());
    }
}

impl Case for AfterSignal {
    fn first(&self) {
        self.0.iter().for_each(Request::serve);
    }

    fn second(&self) {
        self.0.iter().for_each(Request::wait);
    }

    fn reset(&self) {
        for request in &self.0 {
            *request.ready.lock().unwrap() = false;
        }
    }
}

/// A queue of one writer and one reader, of whose indices one is plain.
struct Ring {
    fixed: bool,
    slots: [Plain<u32>; 2],
    read: AtomicU32,
    plain_written: Plain<u32>,
    written: AtomicU32,
}

impl Ring {
    fn new(fixed: bool) -> Self {
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

/// One of the two accesses is in code that no compiler instrumented.
#[cfg(not(feature = "loom"))]
struct UninstrumentedCode {
    fixed: bool,
    value: Plain<u32>,
    lock: Mutex<()>,
}

#[cfg(not(feature = "loom"))]
impl UninstrumentedCode {
    fn new(fixed: bool) -> Self {
        Self { fixed, value: Plain::new(0), lock: Mutex::new(()) }
    }
}

#[cfg(not(feature = "loom"))]
impl Case for UninstrumentedCode {
    fn first(&self) {
        for _ in 0..TURNS {
            let _held = self.fixed.then(|| self.lock.lock().unwrap());
            black_box(self.value.get());
            look_again();
        }
    }

    fn second(&self) {
        let _held = self.fixed.then(|| self.lock.lock().unwrap());
        let place: *const Plain<u32> = &self.value;
        // Long enough that the other thread comes by meanwhile.
        for _ in 0..1000 {
            // SAFETY: the place is that of the value. The race is the purpose.
            #[cfg(target_arch = "x86_64")]
            unsafe {
                std::arch::asm!("inc dword ptr [{}]", in(reg) place);
            }
        }
    }
}

/// Locks, a wake-up, an atomic hand-over, a shared pointer: nothing to find.
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
