//! `aseqd send`: words, times, mistakes, files and standard input.

use crate::common::*;
use crate::{aseqd, failure, port};
use rustix::process::Signal;
use std::io::Write as _;
use std::process::Stdio;

/// Waits until a receiver has printed these lines, and ends it.
fn expect(mut receiver: Process, wanted: &[&str]) {
    let wanted = wanted.iter().map(|line| format!("{line}\n")).collect::<String>();
    receiver.wait_until("the messages", |process| process.stdout().len() >= wanted.len());
    drop(receiver.child.stdin.take());
    assert_eq!(receiver.wait().stdout, wanted);
}

#[test]
fn words_go_to_the_port_in_their_order_and_at_their_times() {
    inside(|| {
        let (synth, _) = port(&["Synth", "--output"]);
        output(aseqd(&[
            "send",
            "synth",
            "note",
            "C4",
            "100",
            "300ms",
            "program 5",
            "cc volume 90",
        ]));
        output(aseqd(&["send", "synth", "at 40ms on 60 at 20ms on 61 wait 5ms off 61"]));
        output(aseqd(&["send", "synth", "--at", "10ms", "sysex 7E 7F 09 01", "bend", "-1"]));
        expect(
            synth,
            &[
                "90 3C 64",
                "C0 05",
                "B0 07 5A",
                "80 3C 40",
                "90 3D 64",
                "80 3D 40",
                "90 3C 64",
                "F0 7E 7F 09 01 F7",
                "E0 7F 3F",
            ],
        );
    });
}

#[test]
fn a_mistake_says_where_it_is_and_what_was_meant() {
    inside(|| {
        let (synth, _) = port(&["Synth", "--output"]);
        let said = failure(&["send", "synth", "cc", "vollume", "3"], 1);
        assert_eq!(said, "there is no controller vollume; did you mean volume? (column 4)\n");
        failure(&["send", "synth"], 2);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("words");
        std::fs::write(&file, "# a song\n\non C4 off C4\n  nite C4\n").expect("a file");
        let path = file.display().to_string();
        let said = failure(&["send", "synth", "--file", &path], 1);
        assert_eq!(
            said,
            format!("{path}, line 4, column 3: there is no word nite; did you mean note?\n")
        );
        let said = failure(&["send", "synth", "--file", "/nowhere/words"], 1);
        assert_eq!(said, "/nowhere/words cannot be read: no such file or directory\n");
        std::fs::write(&file, [0xf0, 1]).expect("a file");
        let said = failure(&["send", "synth", "sysex-file", &path], 1);
        assert!(said.contains("has no whole SysEx messages"), "{said}");
        std::fs::write(&file, [0xf0, 1, 0xf7, 0xf0, 2, 0xf7]).expect("a file");
        output(aseqd(&["send", "synth", "sysex-file", &path]));
        // Editors of Windows write a mark at the beginning, and two characters at the end of a line.
        std::fs::write(&file, "\u{feff}on D4\r\noff D4\r\n").expect("a file");
        output(aseqd(&["send", "synth", "--file", &path]));
        let said = failure(&["clock", "--follow", "synth"], 1);
        assert!(said.ends_with("cannot be followed: it does not allow subscriptions\n"), "{said}");
        let long = "x".repeat(64);
        let said = failure(&["port", &long], 1);
        assert_eq!(said, "the name has 64 bytes; names have 1 to 63\n");
        // What stood before the mistake was sent.
        let notes = ["90 3C 64", "80 3C 40", "F0 01 F7", "F0 02 F7", "90 3E 64", "80 3E 40"];
        expect(synth, &notes);
    });
}

#[test]
fn lines_of_standard_input_are_sent_as_they_come() {
    inside(|| {
        let (mut synth, _) = port(&["Synth", "--output"]);
        let mut send = Process::start_with(&mut aseqd(&["send", "synth", "-"]), Stdio::piped());
        let mut input = send.child.stdin.take().expect("a pipe");
        for (line, wanted) in [("channel 3\non C4\n", "93 3C 64\n"), ("hex B0 07\n", "")] {
            input.write_all(line.as_bytes()).expect("a line");
            synth.wait_until("the message", |synth| synth.stdout().ends_with(wanted));
        }
        let ended = send.wait();
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        assert!(ended.stderr.contains("standard input, line 3, column 5: the last MIDI message"));
    });
}

#[test]
fn a_receiver_that_goes_is_named() {
    inside(|| {
        for (first, consequence) in [
            ("start\n", "what was not sent is lost"),
            ("start wait 1ms\n", "what was due after that is lost"),
        ] {
            let (mut synth, address) = port(&["Synth", "--output"]);
            let mut send = Process::start_with(&mut aseqd(&["send", "synth", "-"]), Stdio::piped());
            let mut input = send.child.stdin.take().expect("a pipe");
            input.write_all(first.as_bytes()).expect("a line");
            synth.wait_until("a message", |synth| synth.stdout() == "FA\n");
            synth.signal(Signal::TERM);
            synth.wait();
            input.write_all(b"on C4\n").expect("a line");
            drop(input);
            let ended = send.wait();
            assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
            assert!(
                ended.stderr.ends_with(&format!("{address} has gone: {consequence}\n")),
                "{ended:#?}"
            );
        }
    });
}

#[test]
fn a_signal_ends_the_notes_that_sound_and_takes_the_others_back() {
    inside(|| {
        let (mut synth, _) = port(&["Synth", "--output"]);
        for (signal, number) in [(Signal::INT, 2), (Signal::TERM, 15)] {
            let words = ["send", "synth", "note C4 100 1h at 1h on 70"];
            let send = Process::start(aseqd(&words));
            synth.wait_until("the note", |synth| synth.stdout().ends_with("90 3C 64\n"));
            send.signal(signal);
            assert_eq!(send.wait().status.code(), Some(128 + number));
            synth.wait_until("its end", |synth| synth.stdout().ends_with("80 3C 40\n"));
        }
        expect(synth, &["90 3C 64", "80 3C 40", "90 3C 64", "80 3C 40"]);
    });
}

/// `panic` has more events than the receiver's pool: the command waits for it.
#[test]
fn panic_does_not_overflow_a_receiver() {
    inside(|| {
        let (mut synth, _) = port(&["Synth", "--output"]);
        output(aseqd(&["send", "synth", "panic"]));
        let count = 16 * (4 + 128);
        synth.wait_until("all", |synth| synth.stdout().lines().count() >= count);
        assert_eq!(synth.stderr().lines().count(), 1, "only its address: {}", synth.stderr());
    });
}

/// A receiver that does not read is waited for only so long, and then named.
#[test]
fn a_receiver_that_does_not_read_is_an_error() {
    inside(|| {
        let client = seq::Client::open();
        let deaf = client.create_port().to_string();
        let said = failure(&["send", &deaf, "panic"], 1);
        assert_eq!(
            said,
            format!("{deaf} has no room for more events: its program does not read them\n")
        );
        // A port sends to those that read, each event once.
        let (mut piano, _) = port(&["Piano", "--input"]);
        let (mut synth, _) = port(&["Synth", "--output"]);
        output(aseqd(&["connect", "piano", &deaf]));
        output(aseqd(&["connect", "piano", "synth"]));
        let mut input = piano.child.stdin.as_ref().expect("a pipe");
        input.write_all(b"F8\nF8\nF0 01 F7\n").expect("lines");
        synth.wait_until("the last", |synth| synth.stdout().ends_with("F0 01 F7\n"));
        assert_eq!(synth.stdout(), "F8\nF8\nF0 01 F7\n");
        let said = "events are lost: a program that is connected to the port does not read them";
        piano.wait_until("the message", |piano| piano.stderr().contains(said));
    });
}
