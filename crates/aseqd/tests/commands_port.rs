//! Our own commands that send and receive MIDI bytes, as separate processes at one device: `port` and `send`.

mod common;

use common::*;
use rustix::process::Signal;
use std::io::Write as _;
use std::process::Command;

fn write(process: &Process, text: &str) {
    let mut input = process.child.stdin.as_ref().expect("a pipe");
    input.write_all(text.as_bytes()).expect("a write");
}

/// Closes a port's standard input, and returns what it has printed.
fn close(mut process: Process) -> String {
    drop(process.child.stdin.take());
    let ended = process.wait();
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    ended.stdout
}

#[test]
fn a_port_sends_its_input_and_prints_what_arrives() {
    inside(|| {
        let (piano, sender) = port(&["Piano", "--input"]);
        let (mut synth, receiver) = port(&["Synth", "--output"]);
        output(aseqd(&["connect", &sender, &receiver]));
        let sysex = format!("F0{} F7", " 11".repeat(700));
        write(&piano, &format!("90 3c 64 80,3C,00\n\n{sysex}\nE0"));
        write(&piano, " 00 40");
        // The end of input is the end of a line.
        assert_eq!(close(piano), "");
        let wanted = format!("90 3C 64\n80 3C 00\n{sysex}\nE0 00 40\n");
        synth.wait_until("the messages", |synth| synth.stdout().len() >= wanted.len());
        assert_eq!(close(synth), wanted);
        let left = output(aseqd(&["ls"]));
        assert!(!left.contains("Piano") && !left.contains("Synth"), "{left}");
    });
}

#[test]
fn a_port_looks_like_the_device_that_was_asked_for() {
    inside(|| {
        for (options, caps) in [(&[][..], "RW"), (&["--input"], "R."), (&["--output"], ".W")] {
            let (process, address) = port(&[&["Some Device"], options].concat());
            let list = output(aseqd(&["ls"]));
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            let line = list.lines().map(words).find(|line| line.starts_with(&address));
            assert_eq!(line.as_deref(), Some(&*format!("{address} {caps} Some Device")), "{list}");
            process.signal(Signal::TERM);
            assert_eq!(process.wait().status.code(), Some(0));
        }
    });
}

#[test]
fn send_goes_to_a_port_directly() {
    inside(|| {
        let (mut synth, _) = port(&["Synth", "--output"]);
        assert_eq!(output(aseqd(&["send", "Synth", "90", "3C", "64", "F8 B0 07 7F"])), "");
        synth.wait_until("the messages", |synth| synth.stdout().lines().count() == 3);
        assert_eq!(close(synth), "90 3C 64\nF8\nB0 07 7F\n");
    });
}

#[test]
fn what_is_wrong_is_said() {
    inside(|| {
        let said = |command: Command| {
            let ended = finish(command, DEADLINE);
            assert_eq!((ended.status.code(), &*ended.stdout), (Some(1), ""), "{ended:#?}");
            ended.stderr
        };
        let text = said(aseqd(&["send", "14:0", "90", "3C"]));
        assert_eq!(text, "aseqd: the last MIDI message is not complete: 90 3C\n");
        let text = said(aseqd(&["send", "nobody", "F8"]));
        assert!(text.starts_with("aseqd: there is no port nobody; there are "), "{text}");
        let (piano, sender) = port(&["Piano", "--input"]);
        assert!(said(aseqd(&["send", &sender, "F8"])).contains("sent"));
        write(&piano, "90 3C 64\nhello\n");
        let ended = piano.wait();
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        assert!(ended.stderr.contains("line 2: "), "{ended:#?}");
        let (synth, _) = port(&["Synth", "--output"]);
        write(&synth, "F8\n");
        let ended = synth.wait();
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        assert!(ended.stderr.contains("--output"), "{ended:#?}");
    });
}

#[test]
fn monitor_says_on_which_port_it_listens() {
    inside(|| {
        let mut monitor = Process::start(aseqd(&["monitor", "--json", "--verbose"]));
        monitor.wait_until("its address", |process| process.stderr().ends_with('\n'));
        let address = monitor.stderr().trim().to_owned();
        output(aseqd(&["send", &address, "90 3C 64"]));
        monitor.wait_for_output("\"type\":\"NOTEON\"");
    });
}

#[test]
fn a_port_reads_and_prints_words() {
    inside(|| {
        let (piano, sender) = port(&["Piano", "--input", "--words"]);
        let (mut synth, receiver) = port(&["Synth", "--output"]);
        let (mut words, other) = port(&["Reader", "--words"]);
        output(aseqd(&["connect", &sender, &receiver]));
        output(aseqd(&["connect", &sender, &other]));
        write(&piano, "note C4 100 20ms cc volume 90\n# nothing\n\nrpn 2 300 wait 50ms on 61\n");
        // What is due later is played before the end.
        assert_eq!(close(piano), "");
        let wanted =
            "90 3C 64\nB0 07 5A\nB0 65 00\nB0 64 02\nB0 06 02\nB0 26 2C\n80 3C 40\n90 3D 64\n";
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        synth.wait_until("the messages", |synth| synth.stdout().len() >= wanted.len());
        let printed = close(synth);
        assert_eq!(sorted(&printed), sorted(wanted), "{printed}");
        assert!(printed.starts_with("90 3C 64\n") && printed.ends_with("90 3D 64\n"), "{printed}");
        words.wait_until("the last one", |words| words.stdout().contains("note 61 (C#4)"));
        assert!(words.stdout().contains("REGPARAM"), "{}", words.stdout());
        write(&words, "clock\nnoet C4\n");
        let ended = words.wait();
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        assert!(ended.stderr.contains("line 2: column 1: "), "{ended:#?}");
        assert!(ended.stderr.contains("did you mean note?"), "{ended:#?}");
    });
}
