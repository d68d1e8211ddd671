//! The locks of `lockdep::std::sync`: what they report, and that they poison as std's do. Each case has a twin without
//! the defect.

#![expect(clippy::disallowed_types, reason = "std's locks are what is compared with")]

mod common;

use std::sync::{PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use common::{kinds, reports};
use lockdep::ReportKind::{Circular, Condition, Recursive, Sleep, WaitContext};
use lockdep::hardirq_enter;
use lockdep::std::sync::mpsc::{channel, sync_channel};
use lockdep::std::sync::{Arc, Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock};

#[test]
fn two_mutexes_in_both_orders() {
    let (a, b) = (Mutex::new('a'), Mutex::new("b"));
    let case = |inverted: bool| {
        drop((a.lock().unwrap(), b.lock().unwrap()));
        let first = inverted.then(|| b.lock().unwrap());
        drop(a.lock().unwrap());
        drop(first);
    };
    assert_eq!(kinds(|| case(true)), [Circular]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn a_report_names_the_program_first() {
    let (a, b) = (Mutex::new('a'), Mutex::new("b"));
    let found = reports(|| {
        drop((a.lock().unwrap(), b.lock().unwrap()));
        drop((b.lock().unwrap(), a.lock().unwrap()));
    });
    let stack = found[0].text.split("Call Trace:").nth(1).expect("a stack");
    let first = stack.lines().nth(2).expect("a frame");
    assert!(first.contains("a_report_names_the_program_first"), "{first}");
    assert!(found[0].text.contains("(Mutex@std_locks.rs:"), "{}", found[0].text);
}

#[test]
fn an_attempt_does_not_wait() {
    let (a, b) = (Mutex::new('a'), Mutex::new("b"));
    let case = |attempt: bool| {
        drop((a.lock().unwrap(), b.lock().unwrap()));
        let _b = b.lock().unwrap();
        if attempt {
            drop(a.try_lock().unwrap());
        } else {
            drop(a.lock().unwrap());
        }
    };
    assert_eq!(kinds(|| case(true)), []);
    assert_eq!(kinds(|| case(false)), [Circular]);
}

#[test]
fn a_lock_that_an_attempt_took_is_held() {
    let (a, b) = (Mutex::new('a'), Mutex::new("b"));
    let case = || {
        drop((a.try_lock().unwrap(), b.lock().unwrap()));
        drop((b.lock().unwrap(), a.lock().unwrap()));
    };
    assert_eq!(kinds(case), [Circular]);
}

#[test]
fn readers_and_writers() {
    let (a, b) = (RwLock::new('a'), RwLock::new("b"));
    let case = |inverted: bool| {
        drop((a.read().unwrap(), b.write().unwrap()));
        if inverted {
            drop((b.read().unwrap(), a.write().unwrap()));
        } else {
            drop((a.write().unwrap(), b.read().unwrap()));
        }
    };
    assert_eq!(kinds(|| case(true)), [Circular]);
    assert_eq!(kinds(|| case(false)), []);
    let twice = || {
        let _first = a.read().unwrap();
        // Not `read`, which may wait for ever.
        let _second = a.try_read().unwrap();
    };
    assert_eq!(kinds(twice), []);
    assert_eq!(kinds(|| drop((a.read().unwrap(), a.read().unwrap()))), [Recursive]);
}

#[test]
fn a_wait_for_a_condition_gives_the_mutex_back_and_takes_it_again() {
    let (mutex, condvar, other) = (Mutex::new(()), Condvar::new(), Mutex::new("other"));
    let wait = |keeps_other: bool| {
        let guard = mutex.lock().unwrap();
        let kept = other.lock().unwrap();
        let kept = keeps_other.then_some(kept);
        let (guard, result) = condvar.wait_timeout(guard, Duration::from_millis(1)).unwrap();
        assert!(result.timed_out());
        drop(kept);
        drop(guard);
    };
    // Another thread that has the mutex, and wants the other lock, waits for this one, which waits for the mutex.
    assert_eq!(kinds(|| wait(true)), [Circular]);
    assert_eq!(kinds(|| wait(false)), []);
}

#[test]
fn a_condition_variable_has_one_mutex() {
    let condvar = Condvar::new();
    let wait = |mutex: &Mutex<bool>| {
        let guard = mutex.lock().unwrap();
        assert!(condvar.wait_timeout(guard, Duration::from_millis(1)).unwrap().1.timed_out());
    };
    let (own, other) = (Mutex::new(false), Mutex::new(true));
    let right = || {
        wait(&own);
        // It may be moved between two waits.
        let moved = own;
        wait(&moved);
    };
    assert_eq!(kinds(right), []);
    let found = reports(|| wait(&other));
    assert_eq!(found.iter().map(|it| it.kind).collect::<Vec<_>>(), [Condition]);
    let wanted = "condition variable used with two mutexes\nWARNING: ";
    assert!(found[0].text.contains(wanted), "{}", found[0].text);
    assert!(found[0].text.contains("lockdep: it waited with Mutex@"), "{}", found[0].text);
    assert_eq!(kinds(|| drop(condvar.wait_while(other.lock().unwrap(), |_| false))), []);
}

#[test]
fn the_mutex_is_free_during_a_wait() {
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let case = || {
        let sender = Arc::clone(&pair);
        let thread = thread::spawn(move || {
            *sender.0.lock().unwrap() = true;
            sender.1.notify_one();
        });
        let ready = pair.1.wait_while(pair.0.lock().unwrap(), |ready| !*ready).unwrap();
        assert!(*ready);
        drop(ready);
        thread.join().unwrap();
    };
    assert_eq!(kinds(case), []);
}

#[test]
fn a_condition_is_looked_at_with_the_mutex_held() {
    let (mutex, condvar, other) = (Mutex::new(()), Condvar::new(), Mutex::new("other"));
    let case = || {
        drop((other.lock().unwrap(), mutex.lock().unwrap()));
        let look = |_: &mut ()| {
            drop(other.lock().unwrap());
            false
        };
        drop(condvar.wait_while(mutex.lock().unwrap(), look).unwrap());
    };
    assert_eq!(kinds(case), [Circular]);
}

#[test]
fn a_value_that_is_made_once_is_a_lock_while_it_is_made() {
    let other = Mutex::new("other");
    let lazy = LazyLock::new(|| *other.lock().unwrap());
    let lazy_case = |inverted: bool| {
        assert_eq!(*lazy, "other");
        let guard = inverted.then(|| other.lock().unwrap());
        assert_eq!(*lazy, "other");
        drop(guard);
    };
    assert_eq!(kinds(|| lazy_case(true)), [Circular]);
    let cell = OnceLock::new();
    let cell_case = || {
        cell.get_or_init(|| *other.lock().unwrap());
        let guard = other.lock().unwrap();
        cell.get_or_init(|| unreachable!("it is there"));
        drop(guard);
        assert_eq!(cell.clone(), cell);
    };
    assert_eq!(kinds(cell_case), [Circular]);
    let once = Once::new();
    let once_case = || {
        once.call_once(|| drop(other.lock().unwrap()));
        let _guard = other.lock().unwrap();
        once.call_once(|| ());
    };
    assert_eq!(kinds(once_case), [Circular]);
    assert_eq!(kinds(|| lazy_case(false)), []);
}

#[test]
fn a_callback_may_use_a_value_that_is_there() {
    let (lazy, cell) = (LazyLock::new(|| 1), OnceLock::new());
    let case = |early: bool| {
        if early {
            assert_eq!(*lazy + cell.get_or_init(|| 2), 3);
        }
        let _section = hardirq_enter("callback");
        assert_eq!(*lazy, 1);
        assert_eq!(cell.get().copied().unwrap_or(2), 2);
    };
    assert_eq!(kinds(|| case(false)), [Sleep, WaitContext]);
    let lazy = LazyLock::new(|| 1);
    let early = || {
        assert_eq!(*lazy, 1);
        let _section = hardirq_enter("callback");
        assert_eq!(*lazy, 1);
    };
    assert_eq!(kinds(early), []);
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn a_callback_that_may_wait() {
    lockdep::set_sleep_report_interval(Duration::ZERO);
    let (mutex, condvar, barrier) = (Mutex::new(()), Condvar::new(), Barrier::new(1));
    let (sender, receiver) = channel();
    let (bounded, from_bounded) = sync_channel(1);
    sender.send(1).unwrap();
    bounded.send(1).unwrap();
    let in_callback = |call: &dyn Fn()| {
        kinds(|| {
            let _section = hardirq_enter("callback");
            call();
        })
    };
    let wait = || {
        let guard = mutex.try_lock().unwrap();
        drop(condvar.wait_timeout(guard, Duration::ZERO).unwrap());
    };
    let calls: [&dyn Fn(); 6] = [
        &wait,
        &|| assert!(barrier.wait().is_leader()),
        &|| sender.send(2).unwrap(),
        &|| assert_eq!(receiver.recv(), Ok(1)),
        &|| assert_eq!(receiver.iter().next(), Some(2)),
        &|| assert!(bounded.try_send(2).is_err()),
    ];
    for (index, call) in calls.into_iter().enumerate() {
        assert_eq!(in_callback(call).first(), Some(&Sleep), "call {index}");
    }
    let quiet: [&dyn Fn(); 2] =
        [&|| assert!(receiver.try_recv().is_err()), &|| assert_eq!(from_bounded.try_recv(), Ok(1))];
    for call in quiet {
        assert_eq!(in_callback(call), []);
    }
}

#[test]
fn a_panic_poisons_as_in_std() {
    /// Poisons both locks of a module, and returns what they then say, in words.
    macro_rules! poisoned {
        ($sync:path) => {{
            use $sync as sync;
            let mutex = sync::Arc::new(sync::Mutex::new(1));
            let rwlock = sync::Arc::new(sync::RwLock::new(2));
            let (m, r) = (sync::Arc::clone(&mutex), sync::Arc::clone(&rwlock));
            let panics = thread::spawn(move || {
                let _both = (m.lock(), r.write());
                panic!("on purpose");
            });
            assert!(panics.join().is_err());
            let mut words = vec![format!("{mutex:?} {rwlock:?}")];
            words.push(format!("{:?} {:?}", mutex.lock(), rwlock.read()));
            words.push(format!("{:?} {:?}", mutex.try_lock(), rwlock.try_write()));
            let error = mutex.lock().err().map(|error| *error.into_inner());
            words.push(format!("{error:?} {} {}", mutex.is_poisoned(), rwlock.is_poisoned()));
            let guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
            words.push(format!("{:?}", mutex.try_lock().is_err_and(is_taken)));
            drop(guard);
            rwlock.clear_poison();
            words.push(format!("{:?} {:?}", rwlock.write(), rwlock.is_poisoned()));
            let mut mutex = sync::Arc::into_inner(mutex).expect("the only one");
            words.push(format!("{:?}", mutex.get_mut().is_err()));
            words.push(format!("{:?}", mutex.into_inner()));
            words
        }};
    }
    fn is_taken<T>(error: TryLockError<T>) -> bool {
        matches!(error, TryLockError::WouldBlock)
    }
    let mut ours = Vec::new();
    assert_eq!(kinds(|| ours = poisoned!(lockdep::std::sync)), []);
    assert_eq!(ours, poisoned!(std::sync));
}

#[test]
fn guards_of_default_locks_are_of_their_own_classes() {
    // The line that makes these locks is in the standard library, so it says nothing about them.
    let (a, b) = (Arc::<Mutex<u8>>::default(), Arc::<Mutex<u8>>::default());
    assert_eq!(kinds(|| drop((a.lock().unwrap(), b.lock().unwrap()))), []);
    let inverted = || {
        drop((a.lock().unwrap(), b.lock().unwrap()));
        drop((b.lock().unwrap(), a.lock().unwrap()));
    };
    assert_eq!(kinds(inverted), [Circular]);
}

#[test]
fn locks_of_one_class_may_be_taken_in_the_order_of_their_addresses() {
    let make = Mutex::<u8>::new;
    let accounts = [(); 3].map(|()| make(1));
    let transfer = |from: usize, to: usize| {
        drop((accounts[from].lock().unwrap(), accounts[to].lock().unwrap()));
    };
    let ordered = || {
        transfer(0, 1);
        transfer(0, 2);
        transfer(1, 2);
    };
    let around = || {
        ordered();
        transfer(2, 0);
    };
    let reversed = || [(2, 1), (2, 0), (1, 0)].into_iter().for_each(|(a, b)| transfer(a, b));
    assert_eq!(kinds(ordered), []);
    assert_eq!(kinds(reversed), []);
    assert_eq!(kinds(around), [Recursive]);
    let twice = || {
        let _first = accounts[0].lock();
        // Not `lock`, which would never return.
        let _second = accounts[0].try_lock();
    };
    assert_eq!(kinds(twice), []);
}
