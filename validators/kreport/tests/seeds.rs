//! The two reports with which this crate began, both published by syzbot.

use kreport::{Kind, read};

const SLEEP: &str = include_str!("seeds/snd-timer-atomic-sleep.txt");
const RACE: &str = include_str!("seeds/snd-seq-queue-race.txt");

#[test]
fn one_cause_with_two_consequences() {
    let log = read(SLEEP);
    let titles: Vec<_> = log.reports.iter().map(|report| report.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "BUG: sleeping function called from invalid context in snd_card_locked",
            "inconsistent lock state in snd_timer_process_callbacks",
            "WARNING in snd_timer_work",
        ]
    );
    let kinds: Vec<_> = log.reports.iter().map(|report| report.kind).collect();
    assert_eq!(kinds, [Kind::MightSleep, Kind::Inconsistent, Kind::IrqState]);
    assert_eq!(log.groups.len(), 1, "one task, one work item: one group");
    assert_eq!(log.groups[0].cause, 0);
    assert_eq!(log.groups[0].consequences, [1, 2]);
    assert_eq!(log.lines_outside(), 0, "every line belongs to one of the three");
}

#[test]
fn the_sleep_is_blamed_on_the_delivery_of_an_event() {
    let log = read(SLEEP);
    let guilty = log.reports[0].guilty.as_ref().expect("somebody is to blame");
    assert_eq!(guilty.function, "snd_seq_deliver_single_event");
    assert_eq!(guilty.file, Some("sound/core/seq/seq_clientmgr.c"));
    assert_eq!(guilty.line, Some(663));
    let way =
        ["get_event_dest_client", "snd_seq_client_use_ptr", "snd_request_card", "snd_card_locked"];
    assert_eq!(guilty.through, way);
    let task = log.reports[0].task.as_ref().expect("a task");
    assert_eq!((task.comm, task.pid), ("kworker/0:1H", 1167));
    assert_eq!(log.reports[2].message, Some("raw_local_irq_restore() called with IRQs enabled"));
}

#[test]
fn the_race_has_the_title_of_both_functions() {
    let log = read(RACE);
    assert_eq!(log.reports.len(), 1);
    let report = &log.reports[0];
    assert_eq!(report.title, "KCSAN: data-race in snd_seq_check_queue / snd_seq_control_queue");
    assert_eq!(report.kind, Kind::DataRace);
    assert_eq!(report.accesses.len(), 2);
    assert_eq!(report.accesses[0].by, "task 2299");
    assert_eq!(report.accesses[1].by, "interrupt");
    let guilty = report.guilty.as_ref().expect("the writer");
    assert_eq!((guilty.function, guilty.line), ("snd_seq_control_queue", Some(726)));
    assert_eq!(log.lines_outside(), 0);
}

/// The same bug in a model in user space, as the validators print it.
const MODEL: &str = "\
BUG: sleeping function called from invalid context at src/model.rs:60
in_atomic(): 0, irqs_disabled(): 1, non_block: 0, pid: 77, name: kworker/0:1H
preempt_count: 0, expected: 0
RCU nest depth: 0, expected: 0
no locks held by kworker/0:1H/77.
CPU: 1 UID: 0 PID: 77 Comm: kworker/0:1H Not tainted lockdep-0.1.0 #0
Workqueue: events_highpri timer_work
Call Trace:
 <TASK>
 model::request_card+0x2b/0xcd src/model.rs:60
 model::client_load+0x2d/0x48 src/model.rs:69
 model::deliver_event+0x26/0x57 src/model.rs:82
 model::timer_work::{{closure}}+0x11/0x13 src/model.rs:111
 model::timer_work+0xec/0x186 src/model.rs:111
 </TASK>
lockdep: what may wait is called where somebody waits in real time.
------------[ cut here ]------------
raw_local_irq_restore() called with IRQs enabled
WARNING: CPU: 1 PID: 77 at src/model.rs:113 model::timer_work+0x14c/0x186 src/model.rs:113
Modules linked in:
CPU: 1 UID: 0 PID: 77 Comm: kworker/0:1H Tainted: G        W          lockdep-0.1.0 #0
Workqueue: events_highpri timer_work
RIP: 0010:model::timer_work+0x14c/0x186 src/model.rs:113
Call Trace:
 <TASK>
 model::timer_work+0x14c/0x186 src/model.rs:113
 </TASK>
---[ end trace 0000000000000000 ]---
";

#[test]
fn reports_of_programs_in_rust_are_read_as_well() {
    let log = read(MODEL);
    assert_eq!(log.lines_outside(), 0);
    assert_eq!(log.groups.len(), 1);
    let kinds: Vec<_> = log.reports.iter().map(|report| report.kind).collect();
    assert_eq!(kinds, [Kind::MightSleep, Kind::IrqState]);
    let guilty = log.reports[0].guilty.as_ref().expect("somebody is to blame");
    assert_eq!((guilty.function, guilty.line), ("model::deliver_event", Some(82)));
}
