//! `validators-table CASE` has one defect, under the tool for which it was built. `scripts/validators-table` knows how
//! each tool reports a defect.

#![cfg_attr(feature = "rtsan", feature(sanitize))]
#![cfg_attr(
    not(any(feature = "ours", feature = "tracing_mutex")),
    expect(clippy::disallowed_types, reason = "the standard lock is what these tools look at")
)]

use std::hint::black_box;

#[cfg(feature = "ours")]
mod tool {
    pub(crate) use lockdep::{Mutex, SpinLock, hardirq_enter};

    #[global_allocator]
    static ALLOC: lockdep::Alloc = lockdep::Alloc::new();

    pub(crate) fn callback(f: impl FnOnce()) {
        let _section = hardirq_enter("callback").no_syscalls();
        f();
    }

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> lockdep::MutexGuard<'_, T> {
        mutex.lock()
    }

    pub(crate) fn irq_state() {
        let flags = lockdep::irqsave();
        lockdep::local_irq_enable();
        flags.restore();
    }

    pub(crate) fn balance() {
        use lockdep::{How, Map, Place, Wait};
        let map = Map::new::<u8>(Wait::Sleep);
        map.acquire(How::EXCLUSIVE, Place::here());
        map.release(Place::here());
        map.release(Place::here());
    }
}

#[cfg(not(feature = "ours"))]
#[expect(unsafe_code, reason = "a plain spin lock, which no tool of this column has")]
mod tool {
    use std::sync::atomic::{AtomicBool, Ordering};

    #[cfg(feature = "tracing_mutex")]
    pub(crate) use tracing_mutex::stdsync::Mutex;

    #[cfg(not(feature = "tracing_mutex"))]
    pub(crate) use std::sync::Mutex;

    #[cfg(feature = "tracing_mutex")]
    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> tracing_mutex::stdsync::MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }

    #[cfg(not(feature = "tracing_mutex"))]
    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }

    #[cfg(feature = "assert_no_alloc")]
    #[global_allocator]
    static ALLOC: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

    #[cfg(feature = "assert_no_alloc")]
    pub(crate) fn callback(f: impl FnOnce()) {
        assert_no_alloc::assert_no_alloc(f);
    }

    #[cfg(feature = "rtsan")]
    #[sanitize(realtime = "nonblocking")]
    pub(crate) fn callback(f: impl FnOnce()) {
        f();
    }

    #[cfg(not(any(feature = "assert_no_alloc", feature = "rtsan")))]
    pub(crate) fn callback(f: impl FnOnce()) {
        f();
    }

    /// A plain spin lock, for tools that have none.
    pub(crate) struct SpinLock<T>(AtomicBool, std::cell::UnsafeCell<T>);
    pub(crate) struct SpinGuard<'a, T>(&'a SpinLock<T>);

    // SAFETY: one thread at a time has the guard, and the value is never accessed.
    unsafe impl<T: Send> Sync for SpinLock<T> {}

    impl<T> SpinLock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(AtomicBool::new(false), std::cell::UnsafeCell::new(value))
        }

        pub(crate) fn lock(&self) -> SpinGuard<'_, T> {
            while self.0.swap(true, Ordering::Acquire) {}
            SpinGuard(self)
        }

        pub(crate) fn lock_irqsave(&self) -> SpinGuard<'_, T> {
            self.lock()
        }
    }

    impl<T> Drop for SpinGuard<'_, T> {
        fn drop(&mut self) {
            self.0.0.store(false, Ordering::Release);
        }
    }

    pub(crate) fn irq_state() {}

    pub(crate) fn balance() {}
}

use tool::{Mutex, SpinLock, callback, lock};

fn make(value: u32) -> Mutex<u32> {
    Mutex::new(value)
}

fn make_other(value: u32) -> Mutex<u32> {
    Mutex::new(value)
}

fn pair(first: &Mutex<u32>, second: &Mutex<u32>) {
    let first = lock(first);
    *lock(second) += *first;
}

fn main() {
    let case = std::env::args().nth(1).unwrap_or_default();
    let (a, b, c) = (make(1), make_other(2), Mutex::new(3));
    let (spin, other) = (SpinLock::new(1), SpinLock::new(2));
    match case.as_str() {
        "inversion" => {
            pair(&a, &b);
            pair(&b, &a);
        }
        "inversion-of-classes" => {
            let (a2, b2) = (make(1), make_other(2));
            pair(&a, &b);
            pair(&b2, &a2);
        }
        "chain-of-three" => {
            pair(&a, &b);
            pair(&b, &c);
            pair(&c, &a);
        }
        "recursion-of-a-class" => pair(&a, &make(1)),
        "two-processes-1" => named(false),
        "two-processes-2" => named(true),
        "inconsistent" => {
            callback(|| drop(spin.lock()));
            drop(spin.lock());
        }
        "safe-to-unsafe" => {
            callback(|| drop(spin.lock()));
            drop(other.lock());
            let _spin = spin.lock_irqsave();
            drop(other.lock());
        }
        "mutex-in-spin-lock" => {
            let _spin = spin.lock();
            drop(lock(&a));
        }
        "free-mutex-in-callback" => callback(|| drop(lock(&a))),
        "allocation-in-callback" => callback(|| drop(black_box(vec![1_u8; 100]))),
        "system-call-in-callback" => callback(std::thread::yield_now),
        "unlock-not-held" => tool::balance(),
        "held-lock-freed" => {
            let short = Box::new(make(1));
            std::mem::forget(lock(&short));
            drop(short);
        }
        "callback-keeps-lock" => callback(|| std::mem::forget(spin.lock())),
        "irq-state" => tool::irq_state(),
        "no-defect" => {
            pair(&a, &b);
            pair(&a, &b);
        }
        _ => std::process::exit(2),
    }
}

/// Takes the same two locks in every process, in one order or the other.
#[cfg(feature = "ours")]
fn named(inverted: bool) {
    let (a, b) = (Mutex::named("a", 1), Mutex::named("b", 2));
    if inverted { pair(&b, &a) } else { pair(&a, &b) }
}

#[cfg(not(feature = "ours"))]
fn named(inverted: bool) {
    let (a, b) = (make(1), make_other(2));
    if inverted { pair(&b, &a) } else { pair(&a, &b) }
}
