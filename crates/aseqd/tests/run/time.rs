//! `aseqd run --time`, and `aseqd ctl`.

use crate::common::*;
use crate::endings::{front_and_keeper, kill};
use rustix::process::Signal;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const DOORS: [&str; 4] = ["fuse", "handover", "preload", "trap"];

fn run(options: &[&str], script: &str) -> Output {
    let mut command = Command::new(ASEQD);
    command.arg("run").args(options).args(["--", "sh", "-c", script]);
    command.env("PATH", path()).output().expect("aseqd")
}

/// The search path, with the folder of the program under test first.
fn path() -> std::ffi::OsString {
    let folder = std::path::Path::new(ASEQD).parent().expect("a folder");
    let old = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(folder.to_owned()).chain(std::env::split_paths(&old)))
        .expect("a path")
}

/// Returns what a run prints. It must succeed.
fn printed(options: &[&str], script: &str) -> String {
    let output = run(options, script);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{options:?} {script}: {} {said}", output.status);
    assert_eq!(said, "", "{options:?} {script}");
    String::from_utf8(output.stdout).expect("text")
}

/// Returns whether virtual time works here. Calls [`skip()`] if not.
fn has_virtual_time() -> bool {
    let output = Command::new(ASEQD)
        .args(["run", "--time", "virtual", "--", "true"])
        .output()
        .expect("aseqd");
    if !output.status.success() {
        skip(&String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

/// A thread reads the clock until another one has its answers from the sequencer.
#[test]
fn answers_come_while_a_thread_reads_the_clock_in_a_loop() {
    if !can_serve() || !have(&["cc"]) || !has_virtual_time() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("spinning");
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run/spinning.c");
    let built = Command::new("cc").args(["-pthread", "-o"]).arg(&program).arg(source).status();
    assert!(built.expect("cc").success());
    let script = format!("exec timeout -s KILL 1000 {}", program.display());
    for door in DOORS {
        assert_eq!(printed(&["--via", door, "--time", "virtual"], &script), "128\n", "{door}");
    }
}

#[test]
fn a_night_passes_at_once_through_every_door() {
    if !can_serve() || !have(&["aconnect"]) || !has_virtual_time() {
        return;
    }
    let script = "date -u +%FT%T; sleep 8h; date -u +%FT%T; aconnect -l | grep -c '^client 14'";
    for door in DOORS {
        let began = Instant::now();
        let epoch = "virtual=2026-03-01T22:00:00Z";
        let found = printed(&["--via", door, "--time", epoch], script);
        assert_eq!(found, "2026-03-01T22:00:00\n2026-03-02T06:00:00\n1\n", "{door}");
        assert!(began.elapsed() < DEADLINE, "{door}");
    }
}

#[test]
fn a_recording_has_the_same_bytes_in_each_run() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    // Two senders that the sequencer hears at the same instants, and one that it hears between.
    let script = "
        aseqd monitor --json --port 14:0 & monitor=$!
        aseqd wait --connected 'aseqd monitor' || exit 1
        for note in 40 41 42 43; do
            aseqd send 14:0 \"90 $note 40\" & aseqd send 14:0 \"91 $note 40\" & wait $! ; sleep 0.5
        done
        sleep 1; kill $monitor; wait";
    let first = printed(&["--via", "fuse", "--time", "virtual"], script);
    assert_eq!(first.lines().count(), 8, "{first}");
    for door in ["fuse", "preload", "trap"] {
        for _ in 0..3 {
            assert_eq!(printed(&["--via", door, "--time", "virtual"], script), first, "{door}");
        }
    }
}

#[test]
fn the_status_is_that_of_the_command_and_nothing_outlives_it() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    let cases: &[(&str, i32)] =
        &[("exit 3", 3), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("sleep 100 & exit 4", 4)];
    for (script, status) in cases {
        let output = run(&["--time", "virtual"], script);
        assert_eq!(output.status.code(), Some(*status), "{script}");
    }
    let missing =
        Command::new(ASEQD).args(["run", "--time", "virtual", "--", "no-such-program"]).output();
    let missing = missing.expect("aseqd");
    assert_eq!(missing.status.code(), Some(127));
    assert_eq!(
        String::from_utf8_lossy(&missing.stderr),
        "aseqd: no-such-program: command not found\n"
    );
}

#[test]
fn limits_and_deadlocks_end_a_run_with_124() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    let limited =
        run(&["--time", "virtual", "--time-limit", "10s"], "sleep 9; echo slept; sleep 9; echo no");
    assert_eq!((limited.status.code(), &limited.stdout[..]), (Some(124), &b"slept\n"[..]));
    assert!(!limited.stderr.is_empty());
    // aseqdump waits for events that nobody sends.
    let stuck = run(&["--time", "virtual", "--no-outside"], "exec aseqd monitor --port 14:0");
    assert_eq!(stuck.status.code(), Some(124));
    assert!(!stuck.stderr.is_empty());
}

#[test]
fn time_passes_as_it_is_told() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    let script = "
        { sleep 1; echo slept; } & sleeper=$!
        aseqd ctl advance 999ms; echo not yet; aseqd ctl time
        aseqd ctl advance 1ms; wait $sleeper; aseqd ctl time
        aseqd ctl advance 0s; aseqd ctl advance 5min; aseqd ctl time";
    let found = printed(&["--time", "step"], script);
    assert_eq!(found, "not yet\n0.999000000\nslept\n1.000000000\n301.000000000\n");
    // In virtual time the caller waits for the time to come, as if it slept.
    let found = printed(&["--time", "virtual"], "aseqd ctl advance 2s; aseqd ctl time");
    assert_eq!(found, "2.000000000\n");
}

#[test]
fn a_run_is_controlled_from_outside_by_its_user() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    let mut run = Command::new(ASEQD);
    run.args(["run", "--time", "step", "--", "sh", "-c", "sleep 5"]);
    let mut run = run.spawn().expect("aseqd");
    let pid = run.id().to_string();
    let ctl = |words: &[&str]| {
        let output =
            Command::new(ASEQD).args(["ctl", "--run", &pid]).args(words).output().expect("aseqd");
        (
            output.status.success(),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    let end = Instant::now() + DEADLINE;
    while !ctl(&["time"]).0 {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(20));
    }
    // The command may not have come to its sleep yet: time stands.
    assert_eq!(ctl(&["time"]), (true, "0.000000000\n".to_owned()));
    assert_eq!(ctl(&["advance", "4s"]), (true, String::new()));
    assert_eq!(ctl(&["time"]), (true, "4.000000000\n".to_owned()));
    assert!(run.try_wait().expect("a status").is_none());
    let _ends_meanwhile = ctl(&["advance", "1h"]);
    assert!(run.wait().expect("a status").success());
    let (found, said) = ctl(&["time"]);
    assert!(!found && said.contains("does not exist, or has no clock of its own"), "{said}");
}

#[test]
fn without_a_clock_of_its_own_a_run_has_no_control() {
    if !can_serve() {
        return;
    }
    let output = run(&[], "aseqd ctl time");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no run with a clock of its own"), "{said}");
    for options in [&["--seed", "1"][..], &["--time", "soon"], &["--time", "step", "--cpus", "0"]] {
        let output = Command::new(ASEQD).arg("run").args(options).args(["--", "true"]).output();
        assert_eq!(output.expect("aseqd").status.code(), Some(2), "{options:?}");
    }
}

/// Starts a run whose time stands, with a client, a shell and programs that sleep.
fn family() -> Option<(Process, Mark)> {
    if !can_serve() || !have(&["aseqdump"]) || !has_virtual_time() {
        return None;
    }
    let mut command = Command::new(ASEQD);
    command.args(["run", "--time", "step", "--", "sh", "-c", FAMILY]);
    let mark = Mark::new(&mut command);
    let mut run = Process::start(command);
    run.wait_for_output("started\n");
    Some((run, mark))
}

const FAMILY: &str = "aseqdump -p 0:1 >/dev/null & sleep 1001 & setsid sleep 1002 &
    trap 'echo heard; exit 5' USR1; echo started; wait";

#[test]
fn nothing_is_left_of_a_run_in_virtual_time_whichever_process_is_killed() {
    for victim in ["front", "keeper", "command"] {
        let Some((mut run, mark)) = family() else { return };
        let (front, keeper) = front_and_keeper(&mut run, &mark);
        let shell = mark.pid_of(&format!("sh -c {FAMILY}")).expect("the command");
        let (pid, status) = match victim {
            "front" => (front, None),
            "keeper" => (keeper, Some(127)),
            _ => (shell, Some(137)),
        };
        kill(pid, Signal::KILL);
        assert_eq!(run.wait().status.code(), status, "{victim}");
        mark.expect_nothing();
    }
}

#[test]
fn signals_reach_a_command_in_virtual_time() {
    let Some((run, mark)) = family() else { return };
    run.signal(Signal::USR1);
    let ended = run.wait();
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(5), "started\nheard\n"));
    mark.expect_nothing();
    let Some((run, mark)) = family() else { return };
    run.signal(Signal::TERM);
    assert_eq!(run.wait().status.code(), Some(143));
    mark.expect_nothing();
}

/// The kernel asks the server about a descriptor once more when a poll ends, also if the time is over.
#[test]
fn polls_of_the_sequencer_time_out() {
    if !can_serve() || !have(&["python3"]) || !has_virtual_time() {
        return;
    }
    let script = "exec python3 -c '
import os, select, time
poll = select.poll()
poll.register(os.open(\"/dev/snd/seq\", os.O_RDWR), select.POLLIN)
began = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
for _ in range(20):
    assert poll.poll(100) == []
print(time.clock_gettime_ns(time.CLOCK_MONOTONIC) - began)
'";
    for door in DOORS {
        let mut command = Command::new(ASEQD);
        command.args(["run", "--via", door, "--time", "virtual", "--", "sh", "-c", script]);
        let ended = finish(command, DEADLINE);
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("2000000000\n", ""), "{door}");
    }
}

/// A folder without a socket is that of a run which starts just now, or of one that was killed as it started. The date of
/// virtual time does not tell which.
#[test]
fn a_run_in_virtual_time_leaves_the_folder_of_a_run_that_starts() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let [new, old] =
        ["0", "1"].map(|digit| place.path().join(format!("aseqd-{}", digit.repeat(32))));
    for folder in [&new, &old] {
        std::fs::create_dir(folder).expect("a folder");
    }
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    std::fs::File::open(&old).and_then(|old| old.set_modified(long_ago)).expect("a date");
    let mut command = Command::new(ASEQD);
    command.args(["run", "--via", "fuse", "--time", "virtual=2040-01-01T00:00:00Z", "--", ASEQD]);
    command.args(["run", "--via", "preload", "--", "true"]).env("XDG_RUNTIME_DIR", place.path());
    let output = command.output().expect("aseqd");
    assert!(output.status.success(), "{output:?}");
    assert!(new.exists(), "the folder of a run that starts was removed");
    assert!(!old.exists(), "the folder of a run that was killed is still there");
}

/// A program that spins until another one has its answer. In the fixed order a call waits until all programs sleep, so
/// that this run would never end; in the order of arrival it does not wait.
#[test]
fn calls_can_be_handled_as_they_arrive() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script = "aseqd ls >/dev/null && : >done & until [ -e done ]; do :; done; echo answered";
    let mut command = Command::new(ASEQD);
    command.args(["run", "--time", "virtual", "--order", "arrival", "--", "sh", "-c", script]);
    command.env("PATH", path()).current_dir(folder.path());
    let ended = finish(command, DEADLINE);
    assert_eq!((ended.status.code(), &*ended.stdout), (Some(0), "answered\n"), "{ended:?}");
}
