//! The locks of `lockdep::parking_lot`: what they report. Each case has a twin without the defect.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{kinds, reports};
use lockdep::ReportKind::{Circular, Recursive, Sleep};
use lockdep::hardirq_enter;
use lockdep::parking_lot::lock_api::RawMutex as _;
use lockdep::parking_lot::{
    Condvar, FairMutex, Mutex, MutexGuard, Once, RawMutex, ReentrantMutex, RwLock,
    RwLockUpgradableReadGuard, RwLockWriteGuard, const_mutex,
};

static CONST: Mutex<u8> = const_mutex(1);

#[test]
fn two_mutexes_in_both_orders() {
    let (a, b) = (Mutex::new('a'), FairMutex::new("b"));
    let case = |inverted: bool| {
        drop((a.lock(), b.lock()));
        let first = inverted.then(|| b.lock());
        drop(a.lock());
        drop(first);
    };
    assert_eq!(kinds(|| case(true)), [Circular]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn a_report_names_the_program_first() {
    let (a, b) = (Mutex::new('a'), Mutex::new("b"));
    let found = reports(|| {
        drop((a.lock(), b.lock()));
        drop((b.lock(), a.lock()));
    });
    let text = &found[0].text;
    for part in ["Call Trace:\n <TASK>\n", "-> #1 (Mutex", "-> #0 (Mutex"] {
        let after = text.split(part).nth(1).unwrap_or_else(|| panic!("{part}: {text}"));
        let frame = after.lines().find(|line| line.contains('+') && line.contains('/'));
        assert!(frame.is_some_and(|it| it.contains("a_report_names_the_program_first")), "{text}");
    }
    assert!(text.contains("(Mutex@parking_lot_locks.rs:"), "{text}");
}

#[test]
fn attempts_and_timed_calls_do_not_wait_for_ever() {
    let (a, b) = (Mutex::new('a'), Mutex::new("b"));
    let soon = Duration::from_millis(1);
    let case = |take: &dyn Fn() -> bool| {
        kinds(|| {
            drop((a.lock(), b.lock()));
            let _b = b.lock();
            assert!(take());
        })
    };
    assert_eq!(case(&|| a.try_lock().is_some()), []);
    assert_eq!(case(&|| a.try_lock_for(soon).is_some()), []);
    assert_eq!(case(&|| a.try_lock_until(Instant::now() + soon).is_some()), []);
    assert_eq!(case(&|| !a.lock().is_whitespace()), [Circular]);
    let in_callback = || {
        let _section = hardirq_enter("callback");
        drop(a.try_lock_for(soon));
    };
    assert_eq!(kinds(in_callback), [Sleep]);
}

#[test]
fn readers_writers_and_those_between() {
    let (lock, other) = (RwLock::new('a'), Mutex::new("b"));
    assert_eq!(kinds(|| drop((lock.read(), lock.read_recursive()))), []);
    let twice = || {
        let _first = lock.read();
        let _second = lock.read();
    };
    assert_eq!(kinds(twice), [Recursive]);
    let upgrade = || {
        let reader = lock.upgradable_read();
        let _other = other.lock();
        let mut writer = RwLockUpgradableReadGuard::upgrade(reader);
        *writer = 'b';
        let reader = RwLockWriteGuard::downgrade_to_upgradable(writer);
        drop(RwLockUpgradableReadGuard::downgrade(reader));
    };
    assert_eq!(kinds(upgrade), []);
    let inverted = || {
        drop((lock.upgradable_read(), other.lock()));
        drop((other.lock(), lock.upgradable_read()));
    };
    assert_eq!(kinds(inverted), [Circular]);
    let downgraded = || {
        let reader = RwLockWriteGuard::downgrade(lock.write());
        drop(lock.read_recursive());
        drop(reader);
    };
    assert_eq!(kinds(downgraded), []);
}

#[test]
fn a_thread_may_take_its_reentrant_mutex_again() {
    let (lock, other) = (ReentrantMutex::new('a'), Mutex::new("b"));
    let case = |inverted: bool| {
        let first = lock.lock();
        let guard = other.lock();
        let again = lock.lock();
        drop((again, guard, first));
        if inverted {
            drop((other.lock(), lock.lock()));
        }
    };
    assert_eq!(kinds(|| case(true)), [Circular]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn a_wait_for_a_condition_gives_the_mutex_back_and_takes_it_again() {
    let (mutex, condvar, other) = (Mutex::new(()), Condvar::new(), Mutex::new("other"));
    let wait = |keeps_other: bool| {
        let mut guard = mutex.lock();
        let kept = Some(other.lock()).filter(|_| keeps_other);
        assert!(condvar.wait_for(&mut guard, Duration::from_millis(1)).timed_out());
        drop(kept);
    };
    assert_eq!(kinds(|| wait(true)), [Circular]);
    assert_eq!(kinds(|| wait(false)), []);
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let handshake = || {
        let sender = Arc::clone(&pair);
        let thread = thread::spawn(move || {
            *sender.0.lock() = true;
            sender.1.notify_one();
        });
        let mut ready = pair.0.lock();
        pair.1.wait_while(&mut ready, |ready| !*ready);
        assert!(*ready);
        drop(ready);
        thread.join().unwrap();
    };
    assert_eq!(kinds(handshake), []);
}

#[test]
fn a_condition_variable_belongs_to_one_mutex() {
    let (mutexes, condvar) = ([Mutex::new(()), Mutex::new(())], Condvar::new());
    let has_panicked = AtomicBool::new(false);
    let end = Instant::now() + Duration::from_secs(60);
    let wait = |mutex: &Mutex<()>| {
        while !has_panicked.load(Ordering::Relaxed) && Instant::now() < end {
            let mut guard = mutex.lock();
            let wait = || condvar.wait_for(&mut guard, Duration::from_millis(1));
            // The thread that comes second panics.
            if catch_unwind(AssertUnwindSafe(wait)).is_err() {
                has_panicked.store(true, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| mutexes.iter().for_each(|mutex| drop(scope.spawn(|| wait(mutex)))));
    assert!(has_panicked.into_inner());
    // The panic has left both mutexes as they were.
    assert!(mutexes.iter().all(|mutex| mutex.try_lock().is_some()));
}

#[test]
fn unlocked_parts_hold_nothing() {
    let (lock, other) = (Mutex::new('a'), Mutex::new("b"));
    let case = |unlocked: bool| {
        drop((other.lock(), lock.lock()));
        let mut guard = lock.lock();
        if unlocked {
            MutexGuard::unlocked(&mut guard, || drop(other.lock()));
        } else {
            drop(other.lock());
        }
        MutexGuard::bump(&mut guard);
        MutexGuard::unlock_fair(guard);
    };
    assert_eq!(kinds(|| case(true)), []);
    assert_eq!(kinds(|| case(false)), [Circular]);
}

#[test]
fn a_function_that_runs_once_is_a_lock_meanwhile() {
    let (once, other) = (Once::new(), Mutex::new("other"));
    let case = || {
        once.call_once(|| drop(other.lock()));
        let _guard = other.lock();
        once.call_once(|| ());
    };
    assert_eq!(kinds(case), [Circular]);
    assert!(once.state().done());
}

#[test]
fn locks_of_a_raw_constant_are_of_their_own_classes() {
    let make = || Mutex::from_raw(RawMutex::INIT, 0);
    let (a, b) = (make(), make());
    assert_eq!(kinds(|| drop((a.lock(), b.lock()))), []);
    let inverted = || {
        drop((a.lock(), b.lock()));
        drop((b.lock(), a.lock()));
    };
    assert_eq!(kinds(inverted), [Circular]);
    assert_eq!(*CONST.lock(), 1);
}

#[test]
fn a_guard_that_keeps_its_lock_alive_holds_it() {
    let (a, b) = (Arc::new(Mutex::new('a')), Arc::new(RwLock::new("b")));
    let case = |inverted: bool| {
        drop((a.lock_arc(), b.read_arc()));
        let first = inverted.then(|| b.write_arc());
        drop(a.lock_arc());
        drop(first);
    };
    assert_eq!(kinds(|| case(true)), [Circular]);
    assert_eq!(kinds(|| case(false)), []);
}
