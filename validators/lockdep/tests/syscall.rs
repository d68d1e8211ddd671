//! System calls in a section that forbids them.

#![expect(unsafe_code, reason = "a small alternate stack for signals is set by an unsafe call")]

mod common;

use std::time::Duration;

use common::{kinds, reports};
use lockdep::{ReportKind, SpinLock, can_trap_syscalls, hardirq_enter, set_sleep_report_interval};
use skip::skip;

fn a_system_call() {
    std::thread::yield_now();
}

/// Runs a case if the kernel can trap system calls, and skips it otherwise.
fn can_run() -> bool {
    let can = can_trap_syscalls();
    if !can {
        skip("this kernel does not dispatch system calls to user space");
    }
    can
}

#[test]
fn a_system_call_in_a_section_without() {
    if !can_run() {
        return;
    }
    let case = |inside: bool| {
        let section = hardirq_enter("turn").no_syscalls();
        if inside {
            a_system_call();
        }
        drop(section);
        a_system_call();
    };
    let found = reports(|| case(true));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ReportKind::Sleep);
    assert!(found[0].text.contains("lockdep: system call 24."), "sched_yield");
    assert!(found[0].text.contains("a_system_call"), "the caller is in the stack");
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn an_alternate_stack_without_room_does_no_harm() {
    if !can_run() {
        return;
    }
    // SAFETY: it only reads the auxiliary vector.
    let least = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) };
    let least = usize::try_from(least).expect("a length");
    // This is what the kernel needs for a signal, and a little more.
    let room = vec![0_u8; least.max(libc::MINSIGSTKSZ) + 1024].leak();
    let stack = libc::stack_t { ss_sp: room.as_mut_ptr().cast(), ss_flags: 0, ss_size: room.len() };
    let mut before = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
    // SAFETY: the new stack is never freed.
    assert_eq!(unsafe { libc::sigaltstack(&raw const stack, &raw mut before) }, 0);
    let found = reports(|| {
        let _section = hardirq_enter("turn").no_syscalls();
        a_system_call();
    });
    // SAFETY: it is the stack that this thread had before.
    assert_eq!(unsafe { libc::sigaltstack(&raw const before, std::ptr::null_mut()) }, 0);
    assert_eq!(found.len(), 1);
}

#[test]
fn every_section_is_armed_anew_and_the_call_is_made() {
    if !can_run() {
        return;
    }
    let found = reports(|| {
        set_sleep_report_interval(Duration::ZERO);
        {
            let _section = hardirq_enter("turn").no_syscalls();
            let pid = rustix_pid();
            assert_eq!(pid, std::process::id());
        }
        {
            let _section = hardirq_enter("turn").no_syscalls();
            a_system_call();
        }
        let _section = hardirq_enter("turn");
        a_system_call();
    });
    assert_eq!(found.len(), 2, "one each, none in the section that allows them");
}

fn rustix_pid() -> u32 {
    std::process::id()
}

#[test]
fn the_validators_own_calls_do_not_count() {
    if !can_run() {
        return;
    }
    let found = kinds(|| {
        let (a, b) = (SpinLock::new(1_u8), SpinLock::new(2_u16));
        let _section = hardirq_enter("turn").no_syscalls();
        // At these first visits, the stacks are recorded and the graph is locked.
        let _a = a.lock();
        let _b = b.lock();
    });
    assert_eq!(found, []);
}
