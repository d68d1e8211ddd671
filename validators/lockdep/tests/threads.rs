//! Threads that lock at the same time. The shared tables stay correct, and so does the guarded data.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use common::kinds;
use lockdep::{Mutex, ReportKind, RwLock, SpinLock, hardirq_enter};

const THREADS: usize = 4;
const ROUNDS: usize = 300;
/// How many times the threads take a single lock.
const TURNS: usize = 200_000;

/// Locks that all threads take, always in this order.
struct Locks {
    config: RwLock<u64>,
    total: Mutex<u64>,
    ticks: SpinLock<u64>,
}

impl Locks {
    fn new() -> Self {
        Self {
            config: RwLock::named("config", 0),
            total: Mutex::named("total", 0),
            ticks: SpinLock::named("ticks", 0),
        }
    }

    /// Runs one turn of a thread: a reader or a writer, sometimes a callback, and a new lock.
    fn turn(&self, round: usize) {
        let fresh = Mutex::named("fresh", round);
        if round.is_multiple_of(8) {
            *self.config.write() += 1;
        } else {
            let _config = self.config.read();
            let mut total = self.total.lock();
            let _fresh = fresh.lock();
            *self.ticks.lock_irqsave() += 1;
            *total += 1;
        }
        if round.is_multiple_of(4) {
            let _callback = hardirq_enter("callback");
            *self.ticks.lock() += 1;
        }
    }
}

fn at_once(work: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(&work);
        }
    });
}

#[test]
fn threads_that_lock_at_once_lose_nothing_and_report_nothing() {
    let locks = Locks::new();
    let found = kinds(|| at_once(|| (0..ROUNDS).for_each(|round| locks.turn(round))));
    assert_eq!(found, []);
    let writers = ROUNDS.div_ceil(8);
    let callbacks = ROUNDS.div_ceil(4);
    assert_eq!(*locks.config.read(), (THREADS * writers) as u64);
    assert_eq!(*locks.total.lock(), (THREADS * (ROUNDS - writers)) as u64);
    assert_eq!(*locks.ticks.lock_irqsave(), (THREADS * (ROUNDS - writers + callbacks)) as u64);
}

#[test]
fn each_lock_keeps_the_others_out() {
    let locks = Locks::new();
    let found = kinds(|| {
        at_once(|| (0..TURNS).for_each(|_| *locks.config.write() += 1));
        at_once(|| (0..TURNS).for_each(|_| *locks.total.lock() += 1));
        at_once(|| (0..TURNS).for_each(|_| *locks.ticks.lock_irqsave() += 1));
    });
    assert_eq!(found, []);
    let all = (THREADS * TURNS) as u64;
    let counted = [*locks.config.read(), *locks.total.lock(), *locks.ticks.lock_irqsave()];
    assert_eq!(counted, [all; 3]);
}

#[test]
fn what_all_threads_do_wrong_at_once_is_reported_once() {
    let (a, b) = (Mutex::named("a", ()), Mutex::named("b", ()));
    let case = || {
        {
            let _a = a.lock();
            let _b = b.lock();
        }
        // One thread runs at a time, so that none really waits forever.
        let turn = AtomicBool::new(false);
        at_once(|| {
            while turn.swap(true, Ordering::Acquire) {
                std::thread::yield_now();
            }
            {
                let _b = b.lock();
                let _a = a.lock();
            }
            turn.store(false, Ordering::Release);
        });
    };
    assert_eq!(kinds(case), [ReportKind::Circular]);
}
