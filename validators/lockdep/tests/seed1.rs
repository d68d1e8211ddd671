//! The model of a kernel bug: one cause with three reports, and none with the fix.

mod common;
#[path = "../examples/seed1/model.rs"]
mod model;

use common::{kinds, reports};
use lockdep::ReportKind;

#[test]
fn the_bug_makes_one_group_of_the_kernels_three_reports() {
    let found = reports(|| model::run(false));
    let kinds: Vec<ReportKind> = found.iter().map(|report| report.kind).collect();
    assert_eq!(kinds, [ReportKind::Sleep, ReportKind::Inconsistent, ReportKind::IrqState]);
    assert!(found.iter().all(|report| report.group == found[0].group), "one group");
    assert!(found.iter().all(|report| report.tid == found[0].tid), "one thread");

    let [sleep, lock, irq] = &found[..] else { unreachable!("three") };
    let lines = |text: &str, wanted: &[&str]| {
        let mut rest = text.lines();
        for line in wanted {
            assert!(rest.any(|found| found.starts_with(line)), "{line:?} in order in\n{text}");
        }
    };
    lines(
        &sleep.text,
        &[
            "BUG: sleeping function called from invalid context at ",
            "in_atomic(): 0, irqs_disabled(): 1, non_block: 0, pid: ",
            "preempt_count: 0, expected: 0",
            "RCU nest depth: 0, expected: 0",
            "2 locks held by kworker/0:1H/",
            " #0: ",
            " #1: ",
            "irq event stamp: ",
            "hardirqs last  enabled at (",
            "hardirqs last disabled at (",
            "CPU: ",
            "Workqueue: events_highpri timer_work",
            "Call Trace:",
            " <TASK>",
            " </TASK>",
        ],
    );
    assert!(sleep.text.contains("((wq_completion)events_highpri){+.+.}-{0:0}, at: "));
    assert!(sleep.text.contains("((work_completion)(&timer->task_work)){+.+.}-{0:0}, at: "));
    lines(
        &lock.text,
        &[
            "================================",
            "WARNING: inconsistent lock state",
            "--------------------------------",
            "inconsistent {IN-HARDIRQ-W} -> {HARDIRQ-ON-W} usage.",
            "kworker/0:1H/",
            "{IN-HARDIRQ-W} state was registered at:",
            "irq event stamp: ",
            "other info that might help us debug this:",
            " Possible unsafe locking scenario:",
            "  lock(&timer->lock);",
            "  <Interrupt>",
            "    lock(&timer->lock);",
            " *** DEADLOCK ***",
            "2 locks held by kworker/0:1H/",
            "stack backtrace:",
        ],
    );
    assert!(lock.text.contains("[HC0[0]:SC0[0]:HE1:SE1] takes:"));
    assert!(lock.text.contains("(&timer->lock){?.-.}-{3:3}, at: "));
    let registered = lock.text.split("registered at:\n").nth(1).expect("a trace");
    assert!(registered.contains("hrtimer_callback"), "learnt from another instance");
    lines(
        &irq.text,
        &[
            "------------[ cut here ]------------",
            "raw_local_irq_restore() called with IRQs enabled",
            "WARNING: CPU: ",
            "Call Trace:",
        ],
    );
}

#[test]
fn the_fix_is_silent() {
    assert_eq!(kinds(|| model::run(true)), []);
}
