//! `aseqd monitor`: filters, current values, and a text that `aseqd send` reads back.

use crate::common::*;
use crate::{aseqd, failure, port};
use rustix::process::Signal;
use std::fmt::Write as _;
use std::process::{Command, Stdio};

/// Starts `aseqd monitor` and returns it with its address.
fn monitor(arguments: &[&str]) -> (Process, String) {
    let mut process = Process::start(aseqd(&[&["monitor", "--verbose"], arguments].concat()));
    process.wait_until("its address", |process| process.stderr().ends_with('\n'));
    let address = process.stderr().trim().to_owned();
    (process, address)
}

/// Returns MIDI messages as lines of `aseqd port`: of every kind, and now and then a SysEx of 64 KiB.
fn messages(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let (channel, key, value) = (number / 7 % 16, number / 3 % 128, number % 127 + 1);
        let written = match number % 6 {
            _ if number % 1000 == 999 => {
                write!(text, "F0 {}F7", format!("{key:02X} ").repeat(64 * 1024 - 2))
            }
            0 => write!(text, "9{channel:X} {key:02X} {value:02X}"),
            1 => write!(text, "8{channel:X} {key:02X} {value:02X}"),
            2 => write!(text, "B{channel:X} {:02X} {value:02X}", key % 120),
            3 => write!(text, "C{channel:X} {key:02X}"),
            4 => write!(text, "E{channel:X} {key:02X} {value:02X}"),
            _ => write!(text, "F8"),
        };
        written.expect("a string");
        text.push('\n');
    }
    text
}

/// The whole way: `send --file` to `monitor`, its text to `send -`, which sends to a port. `scripts/monitor` does the same
/// with a million events.
#[test]
fn monitor_into_send_loses_nothing() {
    inside(|| {
        let (mut sink, receiver) = port(&["Sink", "--output"]);
        let (mut listener, address) = {
            let mut command = aseqd(&["monitor", "--verbose"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().expect("monitor");
            let mut address = String::new();
            let stderr = child.stderr.take().expect("a pipe");
            std::io::BufRead::read_line(&mut std::io::BufReader::new(stderr), &mut address)
                .expect("its address");
            (child, address.trim().to_owned())
        };
        let mut command = aseqd(&["send", &receiver, "-"]);
        command.stdin(listener.stdout.take().expect("a pipe"));
        let mut sender = command.spawn().expect("send");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("messages");
        let wanted = messages(4000);
        std::fs::write(&file, &wanted).expect("a file");
        output(aseqd(&["send", &address, "--file", &file.display().to_string()]));
        sink.wait_until("all messages", |sink| sink.stdout().len() >= wanted.len());
        let pid = rustix::process::Pid::from_child(&listener);
        rustix::process::kill_process(pid, Signal::INT).expect("a signal");
        assert!(listener.wait().expect("monitor").success());
        assert!(sender.wait().expect("send").success());
        drop(sink.child.stdin.take());
        assert!(sink.wait().stdout == wanted, "the same messages in the same order");
    });
}

#[test]
fn filters_choose_by_type_channel_note_and_sender() {
    inside(|| {
        let notes = ["--type", "note", "--channel", "3,9", "--note", "C3-B4", "--not", "noteoff"];
        let (chosen, one) = monitor(&[&notes[..], &["--count", "2"]].concat());
        let (by_sender, other) = monitor(&["--from", "left", "--count", "1", "--json"]);
        let (left, from) = port(&["Left", "--input"]);
        output(aseqd(&["connect", "left", &other]));
        // The last word ends `monitor`.
        let words = "channel 3 on C4 off C4 cc 7 1 on C5 channel 4 on C4 clock channel 9 on B4";
        output(aseqd(&["send", &one, words]));
        let lines = chosen.wait().stdout;
        let events: Vec<_> = lines.lines().filter(|line| line.contains("NOTE")).collect();
        assert_eq!(events.len(), 2, "{lines}");
        assert!(events[0].ends_with("3  note 60 (C4), velocity 100"), "{lines}");
        assert!(events[1].ends_with("9  note 71 (B4), velocity 100"), "{lines}");
        output(aseqd(&["send", &other, "on C4"]));
        std::io::Write::write_all(&mut left.child.stdin.as_ref().expect("a pipe"), b"90 40 64\n")
            .expect("a line");
        let line = by_sender.wait().stdout;
        assert!(line.contains("\"note\":64") && line.contains(&from), "{line}");
        for (option, value) in [("--type", "nite"), ("--channel", "16"), ("--note", "H2")] {
            failure(&["monitor", option, value], 2);
        }
        failure(&["monitor", "--from", ".hv"], 1);
    });
}

#[test]
fn a_rate_limits_lines_and_tells_the_rest() {
    inside(|| {
        let (limited, address) = monitor(&["--rate", "3", "--count", "50"]);
        output(aseqd(&["send", &address, &"clock ".repeat(50)]));
        let ended = limited.wait();
        let shown = ended.stdout.matches("CLOCK").count();
        let said = format!("aseqd: {} events were not shown: more than --rate allows", 50 - shown);
        // A busy machine may print them in more than one second.
        assert!((3..50).contains(&shown) && ended.stderr.contains(&said), "{ended:#?}");
    });
}

#[test]
fn live_tells_the_current_values_of_each_channel() {
    inside(|| {
        let (text, one) = monitor(&["--live", "--count", "6"]);
        let (json, other) = monitor(&["--live", "--json", "--count", "6"]);
        let words = "program 5 cc volume 90 cc volume 91 on C4 on E4 off C4";
        for address in [&one, &other] {
            output(aseqd(&["send", address, words]));
        }
        let text = text.wait().stdout;
        assert!(text.ends_with(" 0  program 5 notes E4 volume 91\n"), "{text}");
        let value: serde_json::Value = serde_json::from_str(&json.wait().stdout).expect("JSON");
        assert_eq!(value["program"], 5);
        assert_eq!(value["notes"], serde_json::json!([64]));
        assert_eq!(value["controllers"], serde_json::json!({ "7": 91 }));
        failure(&["monitor", "--live", "--lateness"], 2);
    });
}

/// On a terminal, the values are drawn again when they change.
#[test]
fn live_draws_over_itself_on_a_terminal() {
    inside(|| {
        if !have(&["script"]) {
            return;
        }
        let mut command = Command::new("script");
        let line = format!("'{ASEQD}' monitor --live --count 2");
        command.args(["-qec", &line, "/dev/null"]).env_remove("ASEQD_DEVICE");
        let mut terminal = Process::start_with(&mut command, Stdio::piped());
        output(aseqd(&["wait", "aseqd monitor:monitor"]));
        output(aseqd(&["send", "aseqd monitor:monitor", "program 5"]));
        terminal.wait_until("the first", |process| process.stdout().contains("program 5"));
        output(aseqd(&["send", "aseqd monitor:monitor", "program 6"]));
        let shown = terminal.wait().stdout;
        assert!(shown.contains("\u{1b}[1A\r\u{1b}[J") && shown.contains("program 6"), "{shown:?}");
    });
}

/// Starts `monitor` with little memory, whose output nobody reads yet. Returns it with its messages and its address.
fn unread() -> (std::process::Child, std::io::BufReader<std::process::ChildStderr>, String) {
    let mut command = aseqd(&["monitor", "--verbose", "--buffer", "1"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("monitor");
    let mut stderr = std::io::BufReader::new(child.stderr.take().expect("a pipe"));
    let mut address = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut address).expect("its address");
    (child, stderr, address)
}

/// While nobody reads what `monitor` prints, and its memory is full, a `send` to it waits. A SysEx of 64 KiB goes in pieces
/// that need several cells of a pool each.
#[test]
fn a_send_to_monitor_waits_until_its_output_is_read() {
    inside(|| {
        let (mut child, mut stderr, address) = unread();
        let address: aseqd_abi::Address = {
            let (client, port) = address.trim().split_once(':').expect("an address");
            aseqd_abi::Address::new(
                client.parse().expect("a number"),
                port.parse().expect("a number"),
            )
        };
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("messages");
        // More than 1 MiB, a pool and a pipe can have.
        let sent = messages(20_000);
        std::fs::write(&file, &sent).expect("a file");
        let name = file.display().to_string();
        let sender = Process::start(aseqd(&["send", &address.to_string(), "--file", &name]));
        let client = aseqd_client::Client::open(aseqd_client::DEVICE, "test").expect("a client");
        wait_until("the pool to be half full", || {
            let pools = client.pools(address.client).expect("an answer").expect("a client");
            pools.input_free <= pools.input_pool / 2 + 10
        });
        let mut stdout = child.stdout.take().expect("a pipe");
        let reader = std::thread::spawn(move || {
            let mut printed = String::new();
            std::io::Read::read_to_string(&mut stdout, &mut printed).map(|_| printed)
        });
        sender.wait();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, Signal::INT).expect("a signal");
        let printed = reader.join().expect("the thread").expect("text");
        let mut said = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut said).expect("messages");
        assert!(child.wait().expect("monitor").success());
        assert_eq!(said, "", "nothing is left out");
        let shown = printed.lines().filter(|line| !line.contains("SYSEX")).count() - 2;
        assert_eq!(shown, 20_000 - 20);
        let bytes = printed.lines().filter_map(|line| line.split_once(" bytes: "));
        assert_eq!(bytes.map(|(_, bytes)| bytes.len().div_ceil(3)).sum::<usize>(), 20 * 64 * 1024);
    });
}

/// Whoever does not read does not stop the reader: it counts what it cannot print, and says so.
#[test]
fn events_that_cannot_be_printed_are_counted() {
    inside(|| {
        let (mut child, mut stderr, address) = unread();
        // An ordinary client, which does not wait for the receiver. It sends until more events wait than monitor keeps.
        let client = seq::Client::nonblocking();
        let (number, port) = address.trim().split_once(':').expect("an address");
        let dest = aseqd_abi::Address::new(number.parse().expect("a"), port.parse().expect("a"));
        let event =
            aseqd_abi::Event { dest, ..aseqd_abi::Event::direct(aseqd_abi::EventType::CLOCK) };
        let mut sent = 0;
        let mut said = String::new();
        let reader = std::thread::spawn(move || {
            std::io::BufRead::read_line(&mut stderr, &mut said).expect("a message");
            (said, stderr)
        });
        while !reader.is_finished() {
            // A pool that is full refuses.
            let written = client.write(&[event; 100]).unwrap_or(0);
            sent += written / aseqd_abi::event::EVENT_SIZE;
        }
        let (said, mut stderr) = reader.join().expect("the thread");
        assert!(
            said.contains("events are left out") || said.contains("events were lost"),
            "{said}"
        );
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, Signal::INT).expect("a signal");
        let mut printed = String::new();
        std::io::Read::read_to_string(&mut child.stdout.take().expect("a pipe"), &mut printed)
            .expect("text");
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut rest).expect("messages");
        assert!(child.wait().expect("monitor").success());
        let all = said + &rest;
        let dropped: usize = all
            .lines()
            .find_map(|line| {
                line.strip_prefix("aseqd: ")?.split_once(" events were left out")?.0.parse().ok()
            })
            .unwrap_or(0);
        let shown = printed.matches("CLOCK").count();
        if !all.contains("events were lost") {
            assert_eq!(shown + dropped, sent, "every event is printed or counted: {all}");
        }
    });
}
