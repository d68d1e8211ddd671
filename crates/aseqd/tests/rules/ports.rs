//! Ports that stay: `aseqd port add`, `remove` and `list`, and `aseqd rules run`, which has them.

use crate::common::*;
use crate::{PROBE, Place, Plugged, keyboard, settled, synth};
use aseqd_client::event::{EventExt as _, note_on, of_type};
use aseqd_client::{Address, Announcement, Client, DEVICE, EventType, PortCaps};
use std::fs;
use std::process::{Command, Stdio};

/// Returns `aseqd port ARGUMENTS` for the folders of a place.
fn port(place: &Place, arguments: &[&str]) -> Command {
    place.command("port", arguments)
}

/// Adds a port that stays, and returns its line of `list` once it is there.
fn added(place: &Place, arguments: &[&str]) -> String {
    output(port(place, &[&["add"], arguments].concat()));
    let mut line = None;
    wait_until("the port", || {
        let list = output(port(place, &["list"]));
        let begin = format!("{}  ", arguments[0]);
        line = list.lines().find(|line| line.starts_with(&begin)).map(str::to_owned);
        line.as_ref().is_some_and(|line| !line.contains("not there"))
    });
    line.expect("it is there")
}

/// Returns an address that a line of `add` or `list` has.
fn address(line: &str, at: usize) -> Address {
    let words = line.split("  ").nth(2).expect("a column");
    let (client, port) = words.split(' ').nth(at).and_then(|it| it.split_once(':')).expect(line);
    Address::new(client.parse().expect("a number"), port.parse().expect("a number"))
}

fn failure(command: Command) -> String {
    let ended = finish(command, DEADLINE);
    assert_eq!((ended.status.code(), &*ended.stdout), (Some(1), ""), "{ended:#?}");
    ended.stderr
}

/// Sends a note from a port, directly to another one.
fn play(from: &Plugged, to: Address, key: u8) {
    let note = note_on(0, key, 100).at_once().sent_from(from.port).sent_to(to);
    from.client.send(&note).expect("a write");
}

/// Waits for an event, and returns its type, its key if it is a note, and its data. The port itself is told who is
/// connected to it.
fn hear(client: &Client) -> (EventType, u8, Vec<u8>) {
    loop {
        match client.read_event().expect("a read") {
            Some((event, _)) if Announcement::of(&event).is_some() => {}
            Some((event, data)) => return (event.event_type, event.data.note().note, data),
            None => assert!(client.wait(Some(DEADLINE)).expect("a wait"), "nothing comes"),
        }
    }
}

#[test]
fn a_loopback_stays_and_its_connections_too() {
    inside(|| {
        let place = Place::new(&format!("{PROBE}[[rule]]\nfrom = 'Loop'\nto = 'Synth'\n"));
        let (keys, synth) = (keyboard("Keys"), synth("Synth"));
        let peers = || synth.client.incoming(synth.port).expect("connections");
        let run = place.run(&["--quiet"]);
        let line = added(&place, &["Loop"]);
        assert!(line.starts_with("Loop  loopback  ") && line.ends_with("ports.toml:1]"), "{line}");
        let there = address(&line, 0);
        wait_until("the connection of the rule", || peers().iter().any(|it| it.addr == there));
        play(&keys, there, 60);
        let (event_type, key, _) = hear(&synth.client);
        assert_eq!((event_type, key), (EventType::NOTEON, 60));
        // Everything comes out as it came in, however long.
        let mut sysex = vec![0x11; 3000];
        sysex.push(0xf7);
        let event = of_type(EventType::SYSEX).at_once().sent_from(keys.port).sent_to(there);
        keys.client.send_with_data(&event, &sysex).expect("a write");
        let mut heard = Vec::new();
        while heard.len() < sysex.len() {
            heard.extend(hear(&synth.client).2);
        }
        assert_eq!(heard, sysex);
        // It stays the same port as long as the file has it.
        output(port(&place, &["add", "Other", "--output"]));
        settled();
        assert!(peers().iter().any(|it| it.addr == there));
        run.signal(rustix::process::Signal::TERM);
        assert_eq!(run.wait().status.code(), Some(0));
        // The note that has come out of it ends with it.
        let (event_type, key, _) = hear(&synth.client);
        assert_eq!((event_type, key), (EventType::NOTEOFF, 60));
        let list = output(port(&place, &["list"]));
        assert_eq!(list.matches("  not there  ").count(), 2, "{list}");
        // After a new start it has another number perhaps, and its connection.
        let _run = place.run(&["--quiet"]);
        wait_until("the connection", || !peers().is_empty());
        output(port(&place, &["remove", "Loop"]));
        wait_until("the end of the connection", || peers().is_empty());
        assert!(!output(port(&place, &["list"])).contains("Loop"));
    });
}

#[test]
fn a_pair_crosses_and_an_output_takes_everything() {
    inside(|| {
        let place = Place::new(PROBE);
        let _run = place.run(&["--quiet"]);
        let line = added(&place, &["Cable", "--pair"]);
        let (a, b) = (address(&line, 0), address(&line, 1));
        let json = output(port(&place, &["add", "Hole", "--output", "--json"]));
        let hole: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((hole["kind"].as_str(), hole["line"].as_u64()), (Some("output"), Some(5)));
        wait_until("the port", || !output(port(&place, &["list"])).contains("not there"));
        let (left, right, keys) = (synth("Left"), synth("Right"), keyboard("Keys"));
        left.client.connect(a, left.port).expect("a connection");
        right.client.connect(b, right.port).expect("a connection");
        play(&keys, a, 61);
        assert_eq!(hear(&right.client).1, 61);
        play(&keys, b, 62);
        assert_eq!(hear(&left.client).1, 62);
        let list = output(aseqd(&["ls", "--json", "Hole"]));
        let listed: serde_json::Value = serde_json::from_str(&list).expect("JSON");
        assert_eq!(listed["capabilities"], serde_json::json!(["write", "subs_write"]));
    });
}

#[test]
fn loops_through_ports_that_stay_are_refused_and_cut() {
    inside(|| {
        let place = Place::new("[[rule]]\nfrom = 'Two'\nto = 'One'\n");
        let mut run = place.run(&["--quiet"]);
        let one = address(&added(&place, &["One"]), 0);
        let two = address(&added(&place, &["Two"]), 0);
        let said = failure(aseqd(&["connect", "One", "One"]));
        assert!(said.contains("go round for ever"), "{said}");
        let client = Client::open(DEVICE, "somebody").expect("a client");
        let has = |from, to| client.subscription(from, to).expect("an answer").is_some();
        wait_until("the connection of the rule", || has(two, one));
        // Somebody who does not ask connects them all the same.
        for (from, to) in [(one, one), (one, two)] {
            client.connect(from, to).expect("a connection");
            wait_until("the cut", || !has(from, to));
        }
        run.wait_until("both", |run| run.stderr().matches("go round for ever").count() == 2);
        assert!(has(two, one));
    });
}

#[test]
fn what_is_wrong_with_a_name_is_said() {
    inside(|| {
        let place = Place::new("[[port]]\nname = \"Mine\"\n");
        let ended = finish(port(&place, &["add", "Loop"]), DEADLINE);
        assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
        assert!(ended.stderr.contains("when `aseqd rules run` or"), "{ended:#?}");
        let long = "x".repeat(64);
        let _synth = synth("Synth");
        for (arguments, wanted) in [
            (&["add", "Loop"][..], "there is a port Loop already, in "),
            (&["add", "Mine"], "rules.toml:1"),
            (&["add", "Synth"], "has the name Synth already"),
            (&["add", ""], "the name of a port is empty"),
            (&["add", &long], "has 64 bytes, and the sequencer has room for 63"),
            (&["remove", "Lop"], "has no port Lop; did you mean Loop?"),
            (&["remove", "Mine"], "rules.toml:1: remove it there"),
            (&["list", "--file", "/nowhere"], "/nowhere does not exist"),
        ] {
            let said = failure(port(&place, arguments));
            assert!(said.contains(wanted), "{arguments:?}: {said}");
        }
        let file = place.path("config/aseqd/ports.toml");
        assert_eq!(fs::read_to_string(&file).expect("a file"), "[[port]]\nname = \"Loop\"\n");
        output(port(&place, &["remove", "Loop"]));
        assert_eq!(fs::read_to_string(&file).expect("a file"), "");
    });
}

#[test]
fn a_port_can_be_called_add() {
    inside(|| {
        let mut command = aseqd(&["port", "--verbose", "--", "add"]);
        let mut process = Process::start_with(&mut command, Stdio::piped());
        process.wait_until("its address", |process| process.stderr().ends_with('\n'));
        assert!(output(aseqd(&["ls", "add"])).contains("add"));
    });
}

/// The folder of the files may come after `aseqd rules run`.
#[test]
fn a_first_port_is_seen_though_there_was_no_folder() {
    inside(|| {
        let place = Place::new("");
        fs::remove_dir_all(place.path("config")).expect("a folder");
        let _run = place.run(&["--quiet"]);
        let line = added(&place, &["First"]);
        let client = Client::open(DEVICE, "looks").expect("a client");
        let found = client.find_port("First").expect("the port");
        assert_eq!(found, address(&line, 0));
        let info = client.port_info(found).expect("an answer").expect("a port");
        assert!(PortCaps::from_bits_retain(info.capability).contains(PortCaps::DUPLEX));
    });
}
