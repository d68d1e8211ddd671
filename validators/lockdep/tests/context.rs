//! Contexts: irq-safe and irq-unsafe classes, wait types, sleeping calls. Each case has a twin without the defect.

mod common;

use std::time::Duration;

use common::{kinds, reports};
use lockdep::{
    Mutex, ReportKind, RwLock, RwSpinLock, SpinLock, hardirq_enter, irqsave, local_bh_disable,
    local_irq_disable, local_irq_enable, might_sleep, preempt_disable, softirq_enter,
};

#[test]
fn taken_in_a_hardirq_then_with_interrupts_on() {
    let lock = SpinLock::named("lock", ());
    let case = |off: bool| {
        {
            let _irq = hardirq_enter("callback");
            drop(lock.lock());
        }
        if off { drop(lock.lock_irqsave()) } else { drop(lock.lock()) }
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ReportKind::Inconsistent);
    assert!(found[0].text.contains("inconsistent {IN-HARDIRQ-W} -> {HARDIRQ-ON-W} usage."));
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn taken_with_interrupts_on_then_in_a_hardirq() {
    let lock = SpinLock::named("lock", ());
    let case = |off: bool| {
        if off {
            drop(lock.lock_irq())
        } else {
            drop(lock.lock())
        }
        let _irq = hardirq_enter("callback");
        drop(lock.lock());
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1);
    assert!(found[0].text.contains("inconsistent {HARDIRQ-ON-W} -> {IN-HARDIRQ-W} usage."));
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn two_instances_of_a_class_are_inconsistent_together() {
    let pair = [(), ()].map(|()| SpinLock::new(()));
    let case = |off: bool| {
        {
            let _irq = hardirq_enter("callback");
            drop(pair[0].lock());
        }
        if off { drop(pair[1].lock_irqsave()) } else { drop(pair[1].lock()) }
    };
    assert_eq!(kinds(|| case(false)), [ReportKind::Inconsistent]);
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn taken_in_a_softirq_then_with_softirqs_on() {
    let lock = SpinLock::named("lock", ());
    let case = |off: bool| {
        {
            let _softirq = softirq_enter("timer");
            drop(lock.lock());
        }
        let _off = off.then(local_bh_disable);
        drop(lock.lock());
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1);
    assert!(found[0].text.contains("inconsistent {IN-SOFTIRQ-W} -> {SOFTIRQ-ON-W} usage."));
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn interrupts_turned_on_under_a_lock_that_a_hardirq_takes() {
    let lock = SpinLock::named("lock", ());
    let case = |enable: bool| {
        {
            let _irq = hardirq_enter("callback");
            drop(lock.lock());
        }
        local_irq_disable();
        let guard = lock.lock();
        if enable {
            local_irq_enable();
        }
        drop(guard);
        local_irq_enable();
    };
    assert_eq!(kinds(|| case(true)), [ReportKind::Inconsistent]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn recursive_readers_in_and_out_of_a_hardirq_do_not_wait_for_each_other() {
    let lock = RwSpinLock::named("lock", ());
    let case = |write: bool| {
        {
            let _irq = hardirq_enter("callback");
            drop(lock.read());
        }
        if write { drop(lock.write()) } else { drop(lock.read()) }
    };
    assert_eq!(kinds(|| case(false)), []);
    let found = reports(|| case(true));
    assert_eq!(found.len(), 1);
    assert!(found[0].text.contains("inconsistent {IN-HARDIRQ-R} -> {HARDIRQ-ON-W} usage."));
}

#[test]
fn a_writer_in_a_hardirq_waits_for_readers_with_interrupts_on() {
    let lock = RwSpinLock::named("lock", ());
    let case = |read: bool| {
        {
            let _irq = hardirq_enter("callback");
            if read { drop(lock.read()) } else { drop(lock.write()) }
        }
        drop(lock.read());
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1);
    assert!(found[0].text.contains("inconsistent {IN-HARDIRQ-W} -> {HARDIRQ-ON-R} usage."));
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn an_attempt_in_a_hardirq_does_not_wait() {
    let lock = SpinLock::named("lock", ());
    let case = |attempt: bool| {
        {
            let _irq = hardirq_enter("callback");
            if attempt { drop(lock.try_lock()) } else { drop(lock.lock()) }
        }
        drop(lock.lock());
    };
    assert_eq!(kinds(|| case(true)), []);
    assert_eq!(kinds(|| case(false)), [ReportKind::Inconsistent]);
}

#[test]
fn an_unsafe_lock_inside_a_safe_one() {
    let (safe, other) = (SpinLock::named("safe", ()), SpinLock::named("unsafe", ()));
    let case = |both_off: bool| {
        {
            let _irq = hardirq_enter("callback");
            drop(safe.lock());
        }
        if both_off {
            drop(other.lock_irqsave())
        } else {
            drop(other.lock())
        }
        let _safe = safe.lock_irqsave();
        let _other = other.lock();
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ReportKind::SafeToUnsafe);
    assert!(found[0].text.contains("HARDIRQ-safe -> HARDIRQ-unsafe lock order detected"));
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn an_unsafe_lock_at_the_end_of_a_chain() {
    let safe = SpinLock::named("safe", ());
    let middle = SpinLock::named("middle", ());
    let other = SpinLock::named("unsafe", ());
    let case = |off: bool| {
        {
            let _irq = hardirq_enter("callback");
            drop(safe.lock());
        }
        {
            let flags = off.then(irqsave);
            let _middle = middle.lock();
            let _other = other.lock();
            drop(_other);
            drop(_middle);
            if let Some(flags) = flags {
                flags.restore();
            }
        }
        let _safe = safe.lock_irqsave();
        let _middle = middle.lock();
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1, "one report");
    assert_eq!(found[0].kind, ReportKind::SafeToUnsafe);
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn a_lock_becomes_safe_that_took_an_unsafe_one() {
    let (lock, other) = (SpinLock::named("lock", ()), SpinLock::named("other", ()));
    let case = |off: bool| {
        {
            let _lock = lock.lock_irqsave();
            let _other = other.lock();
        }
        if off {
            drop(other.lock_irqsave())
        } else {
            drop(other.lock())
        }
        let _irq = hardirq_enter("callback");
        drop(lock.lock());
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ReportKind::Inversion);
    assert!(found[0].text.contains("but this lock took another, HARDIRQ-unsafe lock in the past:"));
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn a_lock_becomes_unsafe_that_a_safe_one_took() {
    let (safe, lock) = (SpinLock::named("safe", ()), SpinLock::named("lock", ()));
    let case = |off: bool| {
        {
            let _irq = hardirq_enter("callback");
            let _safe = safe.lock();
        }
        {
            let _safe = safe.lock_irqsave();
            let _lock = lock.lock();
        }
        if off { drop(lock.lock_irqsave()) } else { drop(lock.lock()) }
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ReportKind::Inversion);
    assert!(found[0].text.contains("taken by another, HARDIRQ-safe lock in the past:"));
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn a_softirq_safe_lock_takes_an_unsafe_one() {
    let (safe, other) = (SpinLock::named("safe", ()), SpinLock::named("unsafe", ()));
    let case = |off: bool| {
        {
            let _softirq = softirq_enter("timer");
            drop(safe.lock());
        }
        {
            let _off = off.then(local_bh_disable);
            drop(other.lock());
        }
        let _off = local_bh_disable();
        let _safe = safe.lock();
        let _other = other.lock();
    };
    let found = reports(|| case(false));
    assert_eq!(found.len(), 1);
    assert!(found[0].text.contains("SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected"));
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn locks_of_an_interrupted_task_order_nothing() {
    let (task, irq) = (SpinLock::named("task", ()), SpinLock::named("irq", ()));
    let interrupted = || {
        let _task = task.lock_irqsave();
        let _irq = hardirq_enter("callback");
        let _lock = irq.lock();
    };
    let reversed = || {
        let _irq = irq.lock_irqsave();
        let _task = task.lock();
    };
    assert_eq!(
        kinds(|| {
            interrupted();
            reversed();
        }),
        []
    );
    assert_eq!(
        kinds(|| {
            {
                let _task = task.lock_irqsave();
                let _irq = irq.lock();
            }
            reversed();
        }),
        [ReportKind::Circular]
    );
}

#[test]
fn a_mutex_inside_a_spin_lock() {
    let (spin, mutex) = (SpinLock::named("spin", ()), Mutex::named("mutex", ()));
    let bad = || {
        let _spin = spin.lock();
        let _mutex = mutex.lock();
    };
    let good = || {
        let _mutex = mutex.lock();
        let _spin = spin.lock();
    };
    // As in the kernel, the sleep comes first, then the wait type.
    assert_eq!(kinds(bad), [ReportKind::Sleep, ReportKind::WaitContext]);
    assert_eq!(kinds(good), []);
}

#[test]
fn a_mutex_tried_inside_a_spin_lock_does_not_wait() {
    let (spin, mutex) = (SpinLock::named("spin", ()), Mutex::named("mutex", ()));
    let case = |attempt: bool| {
        let _spin = spin.lock();
        let _mutex = if attempt { mutex.try_lock() } else { Some(mutex.lock()) };
    };
    assert_eq!(kinds(|| case(true)), []);
    assert_eq!(kinds(|| case(false)), [ReportKind::Sleep, ReportKind::WaitContext]);
}

#[test]
fn a_sleeping_lock_of_a_map_inside_one_that_spins() {
    use lockdep::{How, Map, Place, Wait};
    let (spin, sleep) = (Map::new::<u8>(Wait::Spin), Map::new::<u16>(Wait::Sleep));
    let config = Map::new::<u32>(Wait::Config);
    let nest = |outer: &Map, inner: &Map| {
        outer.acquire(How::EXCLUSIVE, Place::here());
        inner.acquire(How::EXCLUSIVE, Place::here());
        inner.release(Place::here());
        outer.release(Place::here());
    };
    assert_eq!(kinds(|| nest(&spin, &sleep)), [ReportKind::WaitContext]);
    assert_eq!(kinds(|| nest(&sleep, &spin)), []);
    assert_eq!(kinds(|| nest(&spin, &config)), [ReportKind::WaitContext]);
    assert_eq!(kinds(|| nest(&config, &spin)), []);
}

#[test]
fn an_uncontended_mutex_in_a_hardirq() {
    let mutex = Mutex::named("mutex", ());
    let bad = || {
        let _irq = hardirq_enter("callback");
        let _mutex = mutex.lock();
    };
    let good = || {
        drop(hardirq_enter("callback"));
        let _mutex = mutex.lock();
    };
    let found = reports(bad);
    assert_eq!(found[0].kind, ReportKind::Sleep);
    assert!(found[0].text.contains("in_atomic(): 1, irqs_disabled(): 1, non_block: 0"));
    assert!(found[0].text.contains("preempt_count: 10000, expected: 0"));
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].group, found[1].group, "one section, one group");
    assert_eq!(kinds(good), []);
}

#[test]
fn an_uncontended_rwlock_in_a_softirq() {
    let lock = RwLock::named("lock", ());
    let case = |softirq: bool, write: bool| {
        let _softirq = softirq.then(|| softirq_enter("timer"));
        if write { drop(lock.write()) } else { drop(lock.read()) }
    };
    assert_eq!(kinds(|| case(true, false)), [ReportKind::Sleep, ReportKind::WaitContext]);
    assert_eq!(kinds(|| case(true, true)), [ReportKind::Sleep, ReportKind::WaitContext]);
    assert_eq!(kinds(|| case(false, true)), []);
}

#[test]
fn might_sleep_with_interrupts_off() {
    let case = |off: bool| {
        let flags = off.then(irqsave);
        might_sleep!();
        if let Some(flags) = flags {
            flags.restore();
        }
    };
    let found = reports(|| case(true));
    assert_eq!(found.len(), 1);
    assert!(found[0].text.contains("in_atomic(): 0, irqs_disabled(): 1"));
    assert!(found[0].text.contains("irq event stamp: "));
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn might_sleep_without_preemption_and_under_a_spin_lock() {
    let lock = SpinLock::new(());
    let preempt = |off: bool| {
        let _off = off.then(preempt_disable);
        might_sleep!();
    };
    let spin = |held: bool| {
        let _held = held.then(|| lock.lock());
        might_sleep!();
    };
    assert_eq!(kinds(|| preempt(true)), [ReportKind::Sleep]);
    assert_eq!(kinds(|| preempt(false)), []);
    assert_eq!(kinds(|| spin(true)), [ReportKind::Sleep]);
    assert_eq!(kinds(|| spin(false)), []);
}

#[test]
fn might_sleep_is_reported_once_for_each_stack() {
    let places = || {
        let _irq = hardirq_enter("callback");
        might_sleep!();
        might_sleep!();
    };
    let repeat = || {
        for _ in 0..5 {
            places();
        }
    };
    assert_eq!(kinds(repeat), [ReportKind::Sleep, ReportKind::Sleep], "two places, five times");
    assert_eq!(
        kinds(|| {
            lockdep::set_sleep_report_interval(Duration::from_secs(3600));
            repeat();
        }),
        [ReportKind::Sleep],
        "once in an interval, as in the kernel"
    );
}

#[test]
fn a_mutex_in_a_work_item_is_fine_and_with_interrupts_off_is_not() {
    static WORK: lockdep::Work = lockdep::work!("events_highpri", "timer_work", "&timer->work");
    let mutex = Mutex::named("mutex", ());
    let timer = SpinLock::named("&timer->lock", ());
    let case = |off: bool| {
        let _work = WORK.enter();
        let mut guard = timer.lock_irqsave();
        if off {
            guard.unlocked(|| drop(mutex.lock()));
        }
        drop(guard);
        drop(mutex.lock());
    };
    assert_eq!(kinds(|| case(true)), [ReportKind::Sleep]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn every_thread_has_a_context_of_its_own() {
    let mutex = Mutex::named("mutex", ());
    let case = |inside: bool| {
        let _irq = hardirq_enter("callback");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _irq = inside.then(|| hardirq_enter("other"));
                drop(mutex.lock());
            });
        });
    };
    assert_eq!(kinds(|| case(false)), []);
    assert_eq!(kinds(|| case(true)), [ReportKind::Sleep, ReportKind::WaitContext]);
}
