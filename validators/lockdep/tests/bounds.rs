//! Safe code cannot race through a lock: the locks are `Send` and `Sync` under the same bounds as std's.
//!
//! Here the validators are on. `tests/lockdep-probe` has the same table with the validators off.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::time::Duration;

#[path = "../../../tests/lockdep-probe/src/bounds.rs"]
mod bounds;

#[test]
fn locks_and_guards_move_and_are_shared_as_those_of_std() {
    for (name, wanted, is) in bounds::rows() {
        assert_eq!(is, wanted, "{name}");
    }
}

#[test]
fn a_panic_while_unlocked_takes_the_lock_again() {
    // The report of the fault takes longer than the other thread waits.
    lockdep::switch(false);
    let lock = lockdep::SpinLock::new(());
    let (taken, is_taken) = mpsc::channel();
    let (left, has_left) = mpsc::channel();
    std::thread::scope(|scope| {
        let mut other = None;
        let lock = &lock;
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut guard = lock.lock();
            guard.unlocked(|| {
                other = Some(scope.spawn(move || {
                    let _guard = lock.lock();
                    taken.send(()).expect("somebody waits for it");
                    // While this thread has the lock, the other one must not go on.
                    has_left.recv_timeout(Duration::from_millis(100))
                }));
                is_taken.recv().expect("the other thread takes the lock");
                panic::resume_unwind(Box::new(()));
            });
        }));
        assert!(panicked.is_err());
        // This fails if the lock is missing: the other thread has given up by now.
        let _nobody_waits = left.send(());
        let seen = other.expect("it was started").join().expect("it ends");
        assert!(seen.is_err(), "a guard gave back the lock that another thread had");
    });
}
