//! Balance of locks, sections and the irq state. Each case has a twin without the defect.

mod common;

use std::time::Duration;

use common::{kinds, reports};
use lockdep::{
    How, Map, Mutex, Place, ReportKind, SpinLock, Wait, assert_held, hardirq_enter, irqsave,
    local_irq_disable, local_irq_enable, task_enter,
};

#[test]
fn releasing_what_is_not_held() {
    let map = Map::named::<u8>(Wait::Spin, "twice");
    let case = |times: usize| {
        map.acquire(How::EXCLUSIVE, Place::here());
        for _ in 0..times {
            map.release(Place::here());
        }
    };
    let found = reports(|| case(2));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ReportKind::UnlockBalance);
    assert!(found[0].text.contains("is trying to release lock (twice) at:"));
    assert!(found[0].text.contains("but there are no more locks to release!"));
    assert_eq!(kinds(|| case(1)), []);
}

#[test]
fn releasing_in_another_thread() {
    let map = Map::named::<u8>(Wait::Spin, "lock");
    let case = |elsewhere: bool| {
        map.acquire(How::EXCLUSIVE, Place::here());
        if elsewhere {
            std::thread::scope(|scope| {
                scope.spawn(|| map.release(Place::here()));
            });
        }
        map.release(Place::here());
    };
    assert_eq!(kinds(|| case(true)), [ReportKind::UnlockBalance]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn a_lock_that_goes_away_while_held() {
    let case = |forget: bool| {
        let lock = Box::new(Mutex::named("lock", 0));
        let guard = lock.lock();
        if forget {
            std::mem::forget(guard)
        } else {
            drop(guard)
        }
        drop(lock);
    };
    let found = reports(|| case(true));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ReportKind::Freed);
    assert!(found[0].text.contains(", with a lock still held there!"));
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn a_callback_that_returns_with_a_lock() {
    let lock = SpinLock::named("lock", ());
    let case = |forget: bool| {
        let _irq = hardirq_enter("callback");
        let guard = lock.lock();
        if forget { std::mem::forget(guard) } else { drop(guard) }
    };
    assert_eq!(kinds(|| case(false)), []);
    // This comes last, because the lock stays taken.
    let found = reports(|| case(true));
    assert_eq!(found.len(), 1, "the lock alone: the preempt count is a consequence of it");
    assert_eq!(found[0].kind, ReportKind::Leaving);
    assert!(found[0].text.contains("is leaving the kernel with locks still held!"));
}

#[test]
fn a_task_that_returns_with_a_lock() {
    let lock = Mutex::named("lock", ());
    let case = |forget: bool| {
        let _task = task_enter("request");
        let guard = lock.lock();
        if forget { std::mem::forget(guard) } else { drop(guard) }
    };
    assert_eq!(kinds(|| case(false)), []);
    assert_eq!(kinds(|| case(true)), [ReportKind::Leaving]);
}

#[test]
fn a_lock_held_from_outside_a_section_may_stay() {
    let (outer, inner) = (Mutex::named("outer", ()), Mutex::named("inner", ()));
    let case = |forget: bool| {
        let _outer = outer.lock();
        let _task = task_enter("request");
        let guard = inner.lock();
        if forget { std::mem::forget(guard) } else { drop(guard) }
    };
    assert_eq!(kinds(|| case(false)), []);
    assert_eq!(kinds(|| case(true)), [ReportKind::Leaving]);
}

#[test]
fn flags_restored_when_interrupts_are_on() {
    let case = |enabled_between: bool| {
        let flags = irqsave();
        if enabled_between {
            local_irq_enable();
        }
        flags.restore();
    };
    let found = reports(|| case(true));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ReportKind::IrqState);
    assert!(found[0].text.contains("raw_local_irq_restore() called with IRQs enabled\nWARNING: "));
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn flags_restored_twice_over_are_reported_once() {
    let found = kinds(|| {
        for _ in 0..3 {
            let flags = irqsave();
            local_irq_enable();
            flags.restore();
        }
    });
    assert_eq!(found, [ReportKind::IrqState]);
}

#[test]
fn flags_restored_out_of_order() {
    let case = |swapped: bool| {
        let outer = irqsave();
        let inner = irqsave();
        let (first, second) = if swapped { (outer, inner) } else { (inner, outer) };
        first.restore();
        second.restore();
    };
    let found = reports(|| case(true));
    assert!(found.iter().all(|report| report.kind == ReportKind::IrqState));
    assert!(found[0].text.contains("irq flags restored out of order"));
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn flags_thrown_away() {
    let case = |thrown: bool| {
        let flags = irqsave();
        if thrown { drop(flags) } else { flags.restore() }
    };
    assert_eq!(kinds(|| case(true)), [ReportKind::IrqState]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn a_task_that_returns_with_interrupts_off() {
    let case = |enable: bool| {
        let _task = task_enter("request");
        local_irq_disable();
        if enable {
            local_irq_enable();
        }
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].text.contains("request entered with IRQs enabled, returned with IRQs disabled")
    );
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn a_hardirq_that_turns_interrupts_on() {
    let case = |enable: bool| {
        let _irq = hardirq_enter("callback");
        if enable {
            local_irq_enable();
        }
    };
    assert_eq!(kinds(|| case(true)), [ReportKind::IrqState]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn spin_guards_with_flags_in_and_out_of_order() {
    let (a, b) = (SpinLock::named("a", ()), SpinLock::named("b", ()));
    let case = |swapped: bool| {
        let first = a.lock_irqsave();
        let second = b.lock_irqsave();
        if swapped {
            drop(first);
            drop(second);
        } else {
            drop(second);
            drop(first);
        }
    };
    let found = kinds(|| case(true));
    assert!(
        !found.is_empty() && found.iter().all(|kind| *kind == ReportKind::IrqState),
        "{found:?}"
    );
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn a_lock_that_must_be_held() {
    let lock = Mutex::named("lock", ());
    let case = |held: bool| {
        let _guard = held.then(|| lock.lock());
        assert_held!(lock);
    };
    assert_eq!(kinds(|| case(false)), [ReportKind::NotHeld]);
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn held_by_another_thread_is_not_held() {
    let lock = Mutex::named("lock", ());
    let case = |here: bool| {
        let _guard = lock.lock();
        std::thread::scope(|scope| {
            if !here {
                scope.spawn(|| assert_held!(lock));
            }
        });
        assert_held!(lock);
    };
    assert_eq!(kinds(|| case(false)), [ReportKind::NotHeld]);
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn a_pinned_lock_that_is_released() {
    let lock = SpinLock::named("lock", ());
    let case = |unpin: bool| {
        let guard = lock.lock();
        guard.pin();
        if unpin {
            guard.unpin();
        }
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1);
    assert!(found[0].text.contains("releasing a pinned lock"));
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn an_unpin_without_a_pin() {
    let lock = Mutex::named("lock", ());
    let case = |pin: bool| {
        let guard = lock.lock();
        if pin {
            guard.pin();
        }
        guard.unpin();
    };
    assert_eq!(kinds(|| case(false)), [ReportKind::Pin]);
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn a_section_with_too_many_items() {
    let case = |items: usize| {
        let section = hardirq_enter("turn").max_items(1000);
        for _ in 0..items {
            section.item();
        }
    };
    let found = reports(|| case(1001));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ReportKind::Budget);
    assert_eq!(kinds(|| case(1000)), []);
}

#[test]
fn a_section_that_takes_too_long() {
    let case = |budget: Duration| {
        let _section = hardirq_enter("turn").max_time(budget);
        std::hint::black_box((0..100_000_u64).fold(0, |sum, n| sum ^ std::hint::black_box(n)));
    };
    assert_eq!(kinds(|| case(Duration::from_nanos(1))), [ReportKind::Budget]);
    assert_eq!(kinds(|| case(Duration::from_secs(60))), []);
}

#[test]
fn a_section_that_does_not_end_is_seen_by_the_watchdog() {
    let case = |budget: Duration| {
        let section = hardirq_enter("turn").max_time(budget);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _ = lockdep::check_watchdog();
                let _ = lockdep::check_watchdog();
            });
        });
        std::mem::forget(section);
    };
    let found = reports(|| case(Duration::ZERO));
    assert_eq!(found.iter().map(|report| report.kind).collect::<Vec<_>>(), [ReportKind::Lockup]);
    assert!(found[0].title().starts_with("watchdog: BUG: soft lockup - CPU#"), "{}", found[0].text);
    assert_eq!(kinds(|| case(Duration::from_secs(3600))), []);
}

#[test]
fn forty_eight_locks_fit_and_the_next_does_not() {
    let maps: Vec<Map> = (0..49).map(|_| Map::new::<u8>(Wait::Unchecked)).collect();
    let outer = Map::new::<u16>(Wait::Unchecked);
    let case = |count: usize| {
        outer.acquire(How::EXCLUSIVE, Place::here());
        let how = How::EXCLUSIVE.under(std::ptr::from_ref(&outer).addr());
        for map in &maps[..count] {
            map.acquire(how, Place::here());
        }
        for map in maps[..count.min(47)].iter().rev() {
            map.release(Place::here());
        }
        outer.release(Place::here());
    };
    assert_eq!(kinds(|| case(47)), []);
    let found = reports(|| case(48));
    assert_eq!(found.len(), 1);
    assert!(found[0].text.contains("MAX_LOCK_DEPTH too low"));
}

#[test]
fn a_section_switched_off_at_its_start_ends_quietly() {
    let lock = SpinLock::named("lock", ());
    let found = kinds(|| {
        lockdep::switch(false);
        let section = hardirq_enter("callback");
        let guard = lock.lock();
        lockdep::switch(true);
        // The validators did not see the acquisition, so only the release may be reported.
        drop(guard);
        drop(section);
        drop(lock.lock());
    });
    assert_eq!(found, [ReportKind::UnlockBalance]);
}
