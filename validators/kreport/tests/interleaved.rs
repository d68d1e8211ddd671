//! Logs in which several processors and tasks print at the same time.

use kreport::{Kind, read};
use std::fs;
use std::path::Path;

fn composed(name: &str) -> String {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports").join(format!("{name}.txt"));
    fs::read_to_string(path).expect("a report")
}

/// Returns the lines of a report without their prefixes.
fn texts(report: &str) -> Vec<String> {
    report.lines().map(|line| kreport::parse::prefix::strip(line).text.to_owned()).collect()
}

/// Interleaves reports whose lines have callers, line by line.
fn shuffle(reports: &[(&str, Vec<String>)]) -> String {
    let longest = reports.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
    let mut out = String::new();
    for number in 0..longest {
        for (caller, lines) in reports {
            if let Some(line) = lines.get(number) {
                out += &format!("[{:5}.{number:06}][{caller:>6}] {line}\n", 100);
            }
        }
    }
    out
}

fn titles(log: &kreport::Log<'_>) -> Vec<String> {
    let mut titles: Vec<_> = log.reports.iter().map(|report| report.title.clone()).collect();
    titles.sort();
    titles
}

#[test]
fn callers_tell_lines_apart() {
    let reports = [
        ("T4242", texts(&composed("kasan-slab-uaf-read"))),
        ("C1", texts(&composed("soft-lockup"))),
        ("T311", texts(&composed("null-arm64"))),
        ("T77", texts(&composed("lockdep-circular"))),
    ];
    let log_text = shuffle(&reports);
    let log = read(&log_text);
    let wanted = [
        "BUG: soft lockup in snd_seq_write",
        "BUG: unable to handle kernel NULL pointer dereference in snd_seq_oss_ioctl",
        "KASAN: slab-use-after-free Read in snd_seq_prioq_cell_out",
        "possible deadlock in snd_seq_port_connect",
    ];
    assert_eq!(titles(&log), wanted);
    assert_eq!(log.lines_outside(), 0, "{:?}", log.outside);
    assert_eq!(log.lines_in_reports(), log.lines);
}

#[test]
fn lines_of_other_tasks_do_not_end_a_report() {
    let report = texts(&composed("gpf"));
    let chatter = (0..report.len()).map(|n| format!("loop{n}: detected capacity change")).collect();
    let log_text = shuffle(&[("T1", report.clone()), ("T2", chatter)]);
    let log = read(&log_text);
    assert_eq!(titles(&log), ["general protection fault in snd_seq_prioq_avail"]);
    assert_eq!(log.lines_in_reports(), report.len());
    assert_eq!(log.lines_outside(), report.len());
}

#[test]
fn stacks_of_other_processors_belong_to_a_stall() {
    let stall = texts(&composed("rcu-other"));
    let at = stall.iter().position(|line| line.starts_with("NMI backtrace")).expect("a backtrace");
    let mut text = String::new();
    for (number, line) in stall.iter().enumerate() {
        let caller = if number < at { "C0" } else { "C1" };
        text += &format!("[  200.{number:06}][{caller:>6}] {line}\n");
    }
    let log = read(&text);
    assert_eq!(titles(&log), ["INFO: rcu detected stall in foo_thread"]);
    assert_eq!(log.lines_outside(), 0);
}

#[test]
fn a_report_in_an_interrupt_does_not_end_that_of_the_task() {
    let sleep = texts(&composed("sleep-mutex"));
    let warn = texts(&composed("warn-plain"));
    let mut text = String::new();
    for (number, line) in sleep.iter().enumerate() {
        if number == 9 {
            for line in &warn {
                text += &format!("[  200.{number:06}][    C0] {line}\n");
            }
        }
        text += &format!("[  200.{number:06}][ T4242] {line}\n");
    }
    let log = read(&text);
    let kinds: Vec<_> = log.reports.iter().map(|report| report.kind).collect();
    assert_eq!(kinds, [Kind::MightSleep, Kind::Warning]);
    assert_eq!(log.lines_outside(), 0);
}

#[test]
fn the_same_thing_twice_is_counted_once() {
    let report = composed("kcsan-two");
    let text = format!("{report}{report}{}{report}", composed("gpf"));
    let log = read(&text);
    assert_eq!(log.reports.len(), 4);
    let counts: Vec<_> = log.groups.iter().map(kreport::Group::count).collect();
    assert_eq!(counts, [3, 1]);
}

#[test]
fn reports_of_two_tasks_are_two_causes() {
    let seed = include_str!("seeds/snd-timer-atomic-sleep.txt");
    let other = seed.replace("1167", "1168");
    let text = format!("{seed}{other}");
    let log = read(&text);
    assert_eq!(log.reports.len(), 6);
    // Both are the same defect, so there is one group with a count of two.
    assert_eq!(log.groups.len(), 1);
    assert_eq!(log.groups[0].count(), 2);
    let groups = kreport::group(&log.reports);
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[1].cause, 3);
    assert_eq!(groups[1].consequences, [4, 5]);
}

#[test]
fn another_system_call_is_another_cause() {
    let first = composed("sleep-mutex");
    let second = composed("warn-plain").replace("__x64_sys_ioctl", "__x64_sys_close");
    let same = composed("warn-plain");
    let together = format!("{first}{same}");
    let apart = format!("{first}{second}");
    assert_eq!(read(&together).groups.len(), 1);
    assert_eq!(read(&apart).groups.len(), 2);
}

#[test]
fn a_log_of_a_console_with_returns_is_read() {
    let text = composed("gpf").replace('\n', "\r\n");
    let log = read(&text);
    assert_eq!(titles(&log), ["general protection fault in snd_seq_prioq_avail"]);
    assert_eq!(log.lines_outside(), 0);
}

#[test]
fn a_panic_belongs_to_what_led_to_it() {
    let text = composed("warn-panic-on-warn");
    let log = read(&text);
    assert_eq!(log.reports.len(), 1);
    assert_eq!(log.reports[0].panic, Some("kernel: panic_on_warn set ..."));
}

#[test]
fn a_panic_after_other_messages_is_a_consequence() {
    let messages: String = (0..12).map(|n| format!("[  101.{n:06}] message {n}\n")).collect();
    let panic = "[  101.100000] Kernel panic - not syncing: Fatal exception\n";
    let text = format!("{}{messages}{panic}", composed("gpf"));
    let log = read(&text);
    assert_eq!(log.groups.len(), 1);
    assert_eq!(log.groups[0].consequences, [1]);
    let text = text.replace("Fatal exception", "Attempted to kill init!");
    assert_eq!(read(&text).groups.len(), 2, "init was killed by something else");
}

#[test]
fn a_message_with_a_stack_is_no_report_and_ends_the_one_before() {
    let text = format!(
        "{}[  100.500000] FAULT_INJECTION: forcing a failure.\n[  100.500001] Call Trace:\n\
         [  100.500002]  should_fail+0x1/0x2\n",
        composed("leak")
    );
    let log = read(&text);
    assert_eq!(log.reports.len(), 1);
    assert_eq!(log.lines_outside(), 3);
}

#[test]
fn a_stall_and_a_report_of_another_processor_do_not_share_lines() {
    let stall = "[  100.000000] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n\
                 [  100.000001] Sending NMI from CPU 0 to CPUs 1:\n\
                 [  100.000002] NMI backtrace for cpu 1\n\
                 [  100.000003] CPU: 1 UID: 0 PID: 88 Comm: foo Not tainted 6.12.0 #1\n\
                 [  100.000004] RIP: 0010:bar_poll+0x23/0x50 drivers/foo/spin.c:20\n\
                 [  100.000005] Call Trace:\n\
                 [  100.000006]  <TASK>\n\
                 [  100.000006]  bar_poll+0x23/0x50 drivers/foo/spin.c:20\n";
    let leak = "[  100.000007][    C1] ==7==ERROR: LeakSanitizer: detected memory leaks\n\
                [  100.000008][    C1] \n\
                [  100.000009][    C1] Direct leak of 24 byte(s) in 1 object(s) allocated from:\n\
                [  100.000010][    C1]     #0 0x1 in make_port /src/leak.c:3\n";
    let rest = "[  100.000011]  foo_thread+0x90/0x100 drivers/foo/spin.c:33\n\
                [  100.000012]  kthread+0x2c1/0x3a0 kernel/kthread.c:389\n\
                [  100.000013]  </TASK>\n";
    // The first lines of the other report wait in the stall, which goes on.
    let log_text = format!("{stall}{leak}{rest}");
    let log = read(&log_text);
    let wanted =
        ["INFO: rcu detected stall in foo_thread", "LeakSanitizer: memory leak in make_port"];
    assert_eq!(titles(&log), wanted);
    let lines: Vec<usize> = log.reports.iter().map(|report| report.lines.len()).collect();
    assert_eq!(lines, [11, 4]);
    assert_eq!(log.lines_in_reports() + log.lines_outside(), log.lines);
    // The stall has taken the first lines already: those behind the mark are known.
    let taken = "[  100.000007][    C1] ==7==ERROR: LeakSanitizer: detected memory leaks\n\
                 [  100.000008][    C1]  bar+0x23/0x50 drivers/foo/spin.c:20\n";
    let rest = "[  100.000009][    C1] Direct leak of 24 byte(s) in 1 object(s) allocated from:\n\
                [  100.000010][    C1]     #0 0x1 in make_port /src/leak.c:3\n";
    for between in ["", "[  100.000008] WARNING: CPU: 0 PID: 1 at a.c:1 f+0x1/0x2\n"] {
        let log_text = format!("{stall}{taken}{between}{rest}");
        let log = read(&log_text);
        assert_eq!(log.reports.len(), 2 + usize::from(!between.is_empty()), "{between}");
        assert_eq!(log.lines_in_reports() + log.lines_outside(), log.lines, "{between}");
    }
}
