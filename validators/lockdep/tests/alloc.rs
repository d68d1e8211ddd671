//! Allocations in atomic context, and memory that is freed with a held lock in it.

mod common;

use std::time::Duration;

use common::{kinds, reports};
use lockdep::{ReportKind, SpinLock, allow_alloc, hardirq_enter, irqsave, task_enter};

#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();

#[test]
fn an_allocation_in_a_callback() {
    let case = |inside: bool| {
        let outside = (!inside).then(|| Vec::<u8>::with_capacity(100));
        let _irq = hardirq_enter("callback");
        let made = inside.then(|| Vec::<u8>::with_capacity(100));
        // Neither is freed inside the section.
        std::mem::forget((outside, made));
    };
    let found = reports(|| case(true));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ReportKind::Sleep);
    assert!(
        found[0].title().contains("validators/lockdep/tests/alloc.rs:"),
        "{}",
        found[0].title()
    );
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn a_free_in_a_callback() {
    let case = |inside: bool| {
        let memory = Box::new([0_u8; 64]);
        let irq = hardirq_enter("callback");
        if inside {
            drop(memory);
            drop(irq);
        } else {
            drop(irq);
            drop(memory);
        }
    };
    assert_eq!(kinds(|| case(true)), [ReportKind::Sleep]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn an_allocation_with_interrupts_off_or_under_a_spin_lock() {
    let lock = SpinLock::new(());
    let allocate = || std::mem::forget(Vec::<u64>::with_capacity(8));
    let off = || {
        let flags = irqsave();
        allocate();
        flags.restore();
    };
    let locked = || {
        let _held = lock.lock();
        allocate();
    };
    let task = || {
        let _task = task_enter("request");
        allocate();
    };
    assert_eq!(kinds(off), [ReportKind::Sleep]);
    assert_eq!(kinds(locked), [ReportKind::Sleep]);
    assert_eq!(kinds(task), []);
}

#[test]
fn an_allocation_that_is_allowed() {
    let case = |allowed: bool| {
        let _irq = hardirq_enter("callback");
        let allocate = || std::mem::forget(Vec::<u64>::with_capacity(8));
        if allowed { allow_alloc(allocate) } else { allocate() }
    };
    assert_eq!(kinds(|| case(true)), []);
    assert_eq!(kinds(|| case(false)), [ReportKind::Sleep]);
}

#[test]
fn a_section_with_limits_does_not_report_itself() {
    let budget = Duration::from_secs(60);
    let found = kinds(|| {
        drop(hardirq_enter("time").max_time(budget));
        drop(hardirq_enter("time, then calls").max_time(budget).no_syscalls().max_items(5));
        drop(hardirq_enter("calls, then time").no_syscalls().max_time(budget));
    });
    assert_eq!(found, []);
    // And what the section itself does is reported.
    let found = kinds(|| {
        let _section = hardirq_enter("both").max_time(budget).no_syscalls();
        std::mem::forget(Vec::<u8>::with_capacity(100));
    });
    assert_eq!(found, [ReportKind::Sleep]);
}

#[test]
fn the_validator_does_not_report_its_own_allocations() {
    // New classes, places and orders in a callback take memory, but of the validators, not of the program.
    let (a, b) = (SpinLock::named("own_a", ()), SpinLock::named("own_b", ()));
    let found = kinds(|| {
        let _irq = hardirq_enter("callback");
        let _a = a.lock();
        let _b = b.lock();
    });
    assert_eq!(found, []);
}
