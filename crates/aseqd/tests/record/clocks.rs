//! `aseqd clock`, and what follows a clock. In virtual time, so that tempo and jitter are exact.

use crate::common::*;
use crate::corpus::has_virtual_time;
use crate::playing::notes;
use aseqd_client::aseqd_abi::seq::{PortCaps, PortType};
use aseqd_client::aseqd_abi::{Event, EventType};
use aseqd_client::event::EventExt as _;
use aseqd_client::{Client, DEVICE};
use aseqd_smf::{EventKind, File, Meta, Source};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// 56 events at 120 quarter notes a minute, and faster in the second bar.
const SONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../songs/scale.mid");

/// Runs a script in virtual time, and returns the objects that it prints.
fn objects(folder: &TempDir, script: &str) -> Vec<Value> {
    let mut command = Command::new(ASEQD);
    command.args(["run", "--time", "virtual", "--", "sh", "-c", script]);
    command.current_dir(folder).env("A", ASEQD);
    command.env("SONG", SONG);
    let ended = finish(command, DEADLINE * 2);
    assert!(ended.status.success(), "{ended:#?}");
    let lines = ended.stdout.lines();
    lines.map(|line| serde_json::from_str(line).expect("an object")).collect()
}

/// Returns the last object of a type.
fn total<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found =
        objects.iter().filter(|object| object["type"] == kind && object["total"] == true);
    found.next().unwrap_or_else(|| panic!("no total of {kind}: {objects:?}"))
}

fn number(object: &Value, field: &str) -> f64 {
    object[field].as_f64().unwrap_or_else(|| panic!("{field} of {object}"))
}

#[track_caller]
fn check(object: &Value, field: &str, wanted: f64, off: f64) {
    let found = number(object, field);
    assert!((found - wanted).abs() <= off, "{field} is {found}, not {wanted}: {object}");
}

#[test]
fn a_clock_that_is_sent_is_measured() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    let script = "set -e
        $A clock -q --follow --json & F=$!
        $A wait 'aseqd clock'
        $A clock -q 'aseqd clock' --tempo 137.5 --mtc 29.97 --from 59s --timeout 10s
        kill -INT $F; wait $F";
    let folder = tempfile::tempdir().expect("a folder");
    let found = objects(&folder, script);
    let clock = total(&found, "clock");
    check(clock, "tempo", 137.5, 0.001);
    // The stamps are whole nanoseconds.
    check(clock, "jitter_us", 0.0, 0.01);
    assert_eq!((&clock["running"], &clock["beat"]), (&false.into(), &23.into()));
    // 550 in 10 seconds, and the first.
    check(clock, "messages", 551.0, 1.0);
    let mtc = total(&found, "mtc");
    check(mtc, "speed", 1.0, 1e-6);
    check(mtc, "messages", 1199.0, 1.0);
    // 69 seconds, less the two frames that a code takes, and 1.77 seconds in 1000 because of the real rate.
    let code = mtc["code"].as_str().expect("a code");
    assert!(code.starts_with("00:01:08;"), "{mtc}");
    assert_eq!(mtc["frames_per_second"], "29.97");
    let lines = found.iter().filter(|object| object["total"] == false).count();
    assert!((16..=20).contains(&lines), "one a second of each kind: {lines}");
}

#[test]
fn a_player_sends_a_clock_that_a_recorder_follows() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    let script = "set -e
        $A clock -q --follow --json & F=$!
        $A record -q --tempo clock take.mid & R=$!
        $A wait 'aseqd clock'; $A wait 'aseqd record'
        $A play -q -p 'aseqd record,aseqd clock' --clock --to 2:1 $SONG
        kill -INT $F $R; wait $F; wait $R";
    let folder = tempfile::tempdir().expect("a folder");
    let found = objects(&folder, script);
    let clock = total(&found, "clock");
    check(clock, "tempo", 120.0, 0.001);
    // Four quarter notes, and the first.
    check(clock, "messages", 97.0, 0.0);
    let wanted: Vec<_> =
        notes(Path::new(SONG)).into_iter().filter(|(tick, _)| *tick < 1920).collect();
    assert_eq!(notes(&folder.path().join("take.mid")), wanted);
}

/// A tick of the take is a millisecond, and the notes are a second apart.
#[test]
fn a_recorder_follows_time_code() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    for (rate, begin) in [
        ("24", "01:00:00:00"),
        ("25", "01:00:00:00"),
        ("29.97", "01:00:00;00"),
        ("30", "01:00:00:00"),
    ] {
        let script = format!(
            "set -e
            $A record -q --json --mtc --division 1000 --tempo 60 take.mid >result & R=$!
            $A wait 'aseqd record'
            $A clock -q 'aseqd record' --mtc {rate} --no-clock --from 1h & C=$!
            $A wait 'aseqd clock'
            $A send 'aseqd record:record' 'wait 1s on 60 wait 1s on 61 wait 1s on 62 wait 7s on 63'
            kill -INT $C; wait $C; kill -INT $R; wait $R; cat result"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let found = objects(&folder, &script);
        assert_eq!((&found[0]["time_code"], &found[0]["without_time"]), (&begin.into(), &0.into()));
        let notes = notes(&folder.path().join("take.mid"));
        for ((tick, key), (wanted, name)) in
            notes.iter().zip([(0_u32, 60), (1000, 61), (2000, 62), (9000, 63)])
        {
            assert_eq!(*key, name);
            assert!(tick.abs_diff(wanted) <= 1, "{tick}, not {wanted} at {rate} frames a second");
        }
        assert_eq!(notes.len(), 4);
        let file = Source::memory(fs::read(folder.path().join("take.mid")).expect("a file"));
        let file = File::read(&file).expect("a song");
        let offset = file.into_merged().find_map(|(_, event)| match event.kind {
            EventKind::Meta(Meta::SmpteOffset { hours, .. }) => Some((event.tick, hours & 31)),
            _ => None,
        });
        assert_eq!(offset, Some((0, 1)), "the file says where it begins");
    }
    let folder = tempfile::tempdir().expect("a folder");
    for wrong in
        [["--mtc", "--tempo=clock"], ["--mtc", "--metronome=0"], ["--mtc", "--format=clip"]]
    {
        let mut command = aseqd_run([ASEQD, "record", "x.mid"]);
        command.args(wrong).current_dir(&folder);
        let ended = finish(command, DEADLINE);
        assert!(!ended.status.success() && ended.stderr.contains("--mtc"), "{ended:#?}");
    }
}

#[test]
fn a_clock_ends_with_the_last_of_its_ports() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    let script = "
        mkfifo hold; exec 3<>hold
        $A port --output First <hold >/dev/null & P=$!
        $A port --output Second <hold >/dev/null & Q=$!
        $A wait First; $A wait Second
        $A clock -q First Second 2>said & C=$!
        $A wait 'aseqd clock'
        kill $P; wait $P; $A wait 'aseqd clock'; kill $Q; wait $C
        printf '{\"status\": %s, \"said\": \"%s\"}\\n' $? \"$(tr '\\n' ';' <said)\"";
    let folder = tempfile::tempdir().expect("a folder");
    let found = objects(&folder, script);
    let said = found[0]["said"].as_str().expect("what was said");
    let lines: Vec<_> = said.trim_end_matches(';').split(";").collect();
    assert_eq!(found[0]["status"], 1, "{said}");
    assert!(said.contains("does not exist any more; the others go on"), "{said}");
    assert!(lines[lines.len() - 1].ends_with("does not exist any more"), "{said}");
}

/// Events that come to a clock that does not read are lost, and what asks it for more clock messages may be among them.
#[test]
fn a_clock_goes_on_although_events_to_it_were_lost() {
    inside(|| {
        let client = Client::open(DEVICE, "drums").expect("a client");
        let caps = PortCaps::READ | PortCaps::WRITE | PortCaps::SUBS_WRITE;
        let port = client.create_port("in", caps, PortType::MIDI_GENERIC).expect("a port");
        let mut command = Command::new(ASEQD);
        command.args(["clock", "-q", &port.to_string()]).env_remove("ASEQD_DEVICE");
        let mut clock = Process::start(command);
        let heard = || match client.read_event() {
            Ok(Some((event, _))) if event.event_type == EventType::CLOCK => Some(event.source),
            _ => None,
        };
        let mut source = None;
        wait_until("a clock message", || {
            source = heard();
            source.is_some()
        });
        let source = source.expect("it was heard");
        clock.signal(Signal::STOP);
        // What is in its queue takes a second to be heard.
        std::thread::sleep(std::time::Duration::from_millis(1500));
        for _ in 0..3000 {
            let event = Event::direct(EventType::SENSING).sent_from(port).sent_to(source);
            let _full = client.send(&event);
        }
        while heard().is_some() {}
        clock.signal(Signal::CONT);
        // More than were in its queue.
        let mut more = 0;
        wait_until("100 more clock messages", || {
            more += usize::from(heard().is_some());
            more >= 100
        });
        clock.signal(Signal::INT);
        assert!(clock.wait_within(DEADLINE).status.success());
    });
}
