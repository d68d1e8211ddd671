//! One thread makes something, and the other one finds it.

use std::hint::black_box;

use super::{Case, LOOKS, TURNS, look_again};
use crate::tool::{AtomicBool, Condvar, Mutex, Ordering, Plain};

/// A plain flag announces a value.
pub(super) struct FlagPublish {
    fixed: bool,
    value: Plain<u32>,
    flag: Plain<bool>,
    marked: AtomicBool,
}

impl FlagPublish {
    pub(super) fn new(fixed: bool) -> Self {
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

/// Values are made when they are needed. The first look at `ready` is without the lock.
pub(super) struct DoubleChecked(Vec<Lazy>);

struct Lazy {
    fixed: bool,
    value: Plain<u32>,
    ready: Plain<bool>,
    marked: AtomicBool,
    lock: Mutex<()>,
}

impl DoubleChecked {
    pub(super) fn new(fixed: bool) -> Self {
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

/// An atomic flag announces a value, but orders nothing.
///
/// The order is known when the program is compiled, as in most programs.
pub(super) struct RelaxedPublication<const FIXED: bool> {
    value: Plain<u32>,
    flag: AtomicBool,
}

impl<const FIXED: bool> RelaxedPublication<FIXED> {
    const STORE: Ordering = if FIXED { Ordering::Release } else { Ordering::Relaxed };
    const LOAD: Ordering = if FIXED { Ordering::Acquire } else { Ordering::Relaxed };

    pub(super) fn new() -> Self {
        Self { value: Plain::new(0), flag: AtomicBool::new(false) }
    }
}

impl<const FIXED: bool> Case for RelaxedPublication<FIXED> {
    fn first(&self) {
        self.value.set(42);
        self.flag.store(true, Self::STORE);
    }

    fn second(&self) {
        for _ in 0..LOOKS {
            if self.flag.load(Self::LOAD) {
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

/// The woken thread uses a request with which the waking thread is not done.
pub(super) struct AfterSignal(Vec<Request>);

struct Request {
    fixed: bool,
    ready: Mutex<bool>,
    wake: Condvar,
    served: Plain<u32>,
}

impl AfterSignal {
    pub(super) fn new(fixed: bool) -> Self {
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
