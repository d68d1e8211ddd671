//! A signal handler is a true interrupt: it runs in the middle of the thread for which it may wait.

#![expect(unsafe_code, reason = "a handler is installed by an unsafe call")]

mod common;

use common::{kinds, reports};
use lockdep::{ReportKind, SpinLock, hardirq_enter};

static LOCK: SpinLock<u32> = SpinLock::named("of the handler", 0);

extern "C" fn handle(_: libc::c_int) {
    let _section = hardirq_enter("SIGUSR1");
    *LOCK.lock() += 1;
}

fn install() {
    let handler: extern "C" fn(libc::c_int) = handle;
    // SAFETY: the handler takes a lock that the code below does not hold when it raises the signal.
    let before = unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
    assert_ne!(before, libc::SIG_ERR);
}

fn raise() {
    // SAFETY: there is a handler.
    assert_eq!(unsafe { libc::raise(libc::SIGUSR1) }, 0);
}

#[test]
fn a_lock_of_a_handler_taken_where_the_handler_may_come() {
    install();
    let case = |kept_out: bool| {
        raise();
        if kept_out {
            drop(LOCK.lock_irqsave())
        } else {
            drop(LOCK.lock())
        }
        raise();
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ReportKind::Inconsistent);
    assert!(found[0].text.contains("handle"), "the handler's stack is shown");
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn what_a_handler_interrupts_keeps_its_locks_and_its_state() {
    install();
    let outer = SpinLock::named("outer", ());
    let found = kinds(|| {
        let held = outer.lock_irqsave();
        raise();
        outer.assert_held();
        drop(held);
        // Interrupts are on again, so the thread may wait for a mutex.
        drop(lockdep::Mutex::new(()).lock());
    });
    assert_eq!(found, []);
}
