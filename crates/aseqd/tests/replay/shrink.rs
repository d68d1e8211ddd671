//! Smaller recordings that show the same problem.

use crate::against::with_ump;
use crate::common::{ASEQD, aseqd_run, can_serve, wait_until};
use crate::rig::random_steps;
use crate::{duet, record, replay, stderr, stdout, text};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Returns how many records a recording has.
fn records(path: &str) -> usize {
    let text = stdout(&replay(&["--text", path]));
    let kinds = [" open ", " ioctl ", " write ", " read ", " poll ", " close ", " timeout"];
    text.lines().filter(|line| kinds.iter().any(|kind| line.contains(kind))).count()
}

#[test]
fn a_command_says_what_must_stay() {
    let folder = TempDir::new().expect("a folder");
    let recording = record(&folder, "duet.aseq", &duet());
    let small = folder.path().join("small.aseq");
    let check =
        format!("--check=has() {{ {ASEQD} replay --json \"$1\" | grep -q '\"note\":64'; }}; has");
    let output = replay(&[text(&recording), "--minimize", text(&small), &check]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("10 records became "), "{}", stderr(&output));
    // Two clients, one port, a write, a read.
    let left = records(text(&small));
    assert!(left <= 6, "{left}: {}", stdout(&replay(&["--text", text(&small)])));
    let events = stdout(&replay(&["--json", text(&small)]));
    assert!(events.contains("\"note\":64") && !events.contains("\"note\":60"), "{events}");
    assert_eq!(replay(&["--check", text(&small)]).status.code(), Some(0));
    assert!(!folder.path().join("small.aseq.candidate").exists());
}

#[test]
fn another_version_says_what_must_stay() {
    let folder = TempDir::new().expect("a folder");
    let recording = record(&folder, "random.aseq", &random_steps(9, 100));
    // This one answers otherwise as soon as there is a queue.
    let other = folder.path().join("other");
    let script = format!(
        "#!/bin/sh\nif {ASEQD} replay --text \"$3\" | grep -q 'CREATE_QUEUE'; then echo 0; else exec {ASEQD} \"$@\"; fi\n"
    );
    fs::write(&other, script).expect("a script");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).expect("a mode");
    let small = folder.path().join("small.aseq");
    let options = [text(&recording), "--minimize", text(&small), "--check=hash"];
    let output = replay(&[&options[..], &["--reference", text(&other)]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // An open and the queue.
    let left = stdout(&replay(&["--text", text(&small)]));
    assert_eq!(records(text(&small)), 2, "{left}");
    assert!(left.contains("CREATE_QUEUE"), "{left}");

    let output = replay(&options);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("--reference PROGRAM"), "{}", stderr(&output));
}

#[test]
fn a_device_says_what_must_stay() {
    if !can_serve() {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let recording = with_ump(&folder);
    let small = folder.path().join("small.aseq");
    let options = ["replay", text(&recording), "--minimize", text(&small), "--check=differs"];
    let device = ["--against", "/dev/snd/seq"];
    let command = [ASEQD].iter().chain(&options).chain(&device);
    let output = aseqd_run(command).output().expect("aseqd starts");
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(records(text(&small)), 2, "{}", stdout(&replay(&["--text", text(&small)])));
}

#[test]
fn a_command_can_be_ended_by_signals() {
    let folder = TempDir::new().expect("a folder");
    let recording = record(&folder, "duet.aseq", &duet());
    let small = folder.path().join("small.aseq");
    // `timeout` ends what it starts with SIGTERM, and says so with 124.
    let check = "--check=ends() { timeout 0.1 sleep 60; test $? = 124; }; ends";
    let output = replay(&[text(&recording), "--minimize", text(&small), check]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("became 0"), "{}", stderr(&output));
}

/// Whether a test listens to signals or not, all of it ends with the search.
#[test]
fn a_search_ends_though_its_command_does_not() {
    let folder = TempDir::new().expect("a folder");
    let recording = record(&folder, "duet.aseq", &duet());
    let small = folder.path().join("small.aseq");
    let began = folder.path().join("began");
    for trap in ["", "trap '' TERM;"] {
        let mut command = Command::new(ASEQD);
        command.args(["replay", text(&recording), "--minimize", text(&small)]);
        let script =
            "sleep 600 & echo $! > \"$1.new\"; mv \"$1.new\" \"${1%/*}/began\"; wait; wait";
        command.arg(format!("--check=forever() {{ {trap} {script}; }}; forever"));
        let child = command.stderr(Stdio::piped()).spawn().expect("aseqd starts");
        wait_until("the test runs", || began.exists());
        kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(130), ""));
        let sleeper = fs::read_to_string(&began).expect("a number");
        let sleeper = Path::new("/proc").join(sleeper.trim());
        let is_left = || {
            let status = fs::read_to_string(sleeper.join("status")).unwrap_or_default();
            status.starts_with("Name:\tsleep") && !status.contains("\nState:\tZ")
        };
        wait_until("the test has ended", || !is_left());
        fs::remove_file(&began).expect("a file");
        assert!(!small.with_extension("aseq.candidate").exists());
    }
}

#[test]
fn a_recording_without_the_problem_stays() {
    let folder = TempDir::new().expect("a folder");
    let recording = record(&folder, "duet.aseq", &duet());
    let small = folder.path().join("small.aseq");
    for check in ["--check=panic", "--check=false"] {
        let output = replay(&[text(&recording), "--minimize", text(&small), check]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("does not show the problem"), "{}", stderr(&output));
        assert!(!small.exists());
    }
    // A test without --minimize, and options that exclude each other.
    assert_eq!(replay(&[text(&recording), "--check=panic"]).status.code(), Some(2));
    let output = replay(&[text(&recording), "--minimize", text(&small), "--to-c", "-"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_interrupted_search_keeps_what_it_has() {
    let folder = TempDir::new().expect("a folder");
    let recording = record(&folder, "random.aseq", &random_steps(2, 3000));
    let small = folder.path().join("small.aseq");
    let mut command = Command::new(ASEQD);
    command.args(["replay", text(&recording), "--minimize", text(&small)]);
    // What is left must be long, so that the search is.
    command.arg("--check=long() { sleep 0.02; test $(stat -c %s \"$1\") -gt 3000; }; long");
    let child = command.spawn().expect("aseqd starts");
    std::thread::sleep(Duration::from_millis(1500));
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    assert!(records(text(&small)) < 3000);
    assert_eq!(replay(&["--check", text(&small)]).status.code(), Some(0));
}
