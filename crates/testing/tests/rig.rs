//! A sequencer in the test's process: times, ports that come and go, messages of tests that fail.
#![cfg(target_os = "linux")]

use aseqd_testing::aseqd_client::event::{EventExt as _, controller, note_off, note_on};
use aseqd_testing::aseqd_client::ump::{self, Protocol};
use aseqd_testing::aseqd_client::{Address, Announcement, EventType};
use aseqd_testing::{Config, Expected, Rig, TestClient, at, whenever};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A rig with a connection from one client to another.
fn connected() -> (Rig, TestClient, Address, TestClient) {
    let rig = Rig::new();
    let (keyboard, synth) = (rig.client("keyboard"), rig.client("synth"));
    let out = keyboard.output("out");
    keyboard.connect(out, synth.input("in")).expect("a connection");
    (rig, keyboard, out, synth)
}

/// Returns the message of a panic.
fn message(fails: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(fails)).expect_err("a panic");
    *payload.downcast::<String>().expect("a message")
}

#[test]
fn events_arrive_at_the_times_at_which_they_are_played() {
    let (rig, keyboard, out, synth) = connected();
    rig.advance(ms(1500));
    keyboard.play(out, controller(0, 7, 99));
    // Not in the order of their times, and at odd ones.
    let odd = Duration::new(7200, 123_456_789);
    keyboard.play_at(out, odd, note_off(0, 60, 0));
    keyboard.play_at(out, ms(2000), note_on(0, 60, 100));
    rig.advance(ms(499));
    synth.expect([at(ms(1500), controller(0, 7, 99))]);
    rig.advance(Duration::from_secs(9000));
    synth.expect([
        at(ms(2000), note_on(0, 60, 100)).from_port(out),
        at(odd, note_off(0, 60, 0)).from_port(out),
    ]);
    synth.expect_nothing();
    assert_eq!(rig.now(), ms(1999) + Duration::from_secs(9000));
}

#[test]
fn the_next_event_takes_the_time_until_it_arrives() {
    let (rig, keyboard, out, synth) = connected();
    keyboard.play_at(out, ms(250), note_on(1, 61, 1));
    let next = synth.next_within(ms(1000));
    assert_eq!((next.at, rig.now()), (ms(250), ms(250)));
    assert_eq!(next.bytes(), [0x91, 61, 1]);
    let said = message(|| drop(synth.next_within(ms(500))));
    assert_eq!(said, "\"synth\" (client 129) has received nothing from 250ms to 750ms");
    assert_eq!(rig.now(), ms(750));
}

#[test]
fn bytes_are_played_as_messages() {
    let (_rig, keyboard, out, synth) = connected();
    let reset = [0xf0, 0x7e, 0x7f, 9, 1, 0xf7];
    keyboard.play_bytes(out, &[0x90, 60, 100, 62, 101]);
    keyboard.play_bytes(out, &reset);
    synth.expect([
        whenever(note_on(0, 60, 100)),
        whenever(note_on(0, 62, 101)),
        Expected::sysex(&reset).at(ms(0)),
    ]);
    keyboard.play_bytes(out, &reset);
    assert_eq!(synth.received()[0].bytes(), reset);
    let said = message(|| keyboard.play_bytes(out, &[0x90, 60]));
    assert!(said.contains("keyboard") && said.ends_with("no message ends there"), "{said}");
}

#[test]
fn a_failure_compares_line_by_line() {
    let (rig, keyboard, out, synth) = connected();
    for (time, note) in [(0, 60), (20, 61), (30, 62), (40, 63)] {
        keyboard.play_at(out, ms(time), note_on(0, note, 100));
    }
    rig.advance(ms(50));
    let said = message(|| {
        synth.expect([
            at(ms(0), note_on(0, 60, 100)),
            at(ms(10), note_on(0, 61, 100)),
            at(ms(30), note_on(0, 62, 100)),
        ]);
    });
    let wanted = "\"synth\" (client 129) has not received what was expected by 50ms:
  - expected, and not received; + received, and not expected
    0ns  NOTEON channel 0, note 60, velocity 100, from 128:0
  - 10ms  NOTEON channel 0, note 61, velocity 100
  + 20ms  NOTEON channel 0, note 61, velocity 100, from 128:0
    30ms  NOTEON channel 0, note 62, velocity 100, from 128:0
  + 40ms  NOTEON channel 0, note 63, velocity 100, from 128:0";
    assert_eq!(said, wanted);
    let said = message(|| synth.expect([note_on(0, 1, 2)]));
    assert!(said.ends_with("  - at any time  NOTEON channel 0, note 1, velocity 2"), "{said}");
}

#[test]
fn an_event_of_another_type_value_or_sender_is_another() {
    let (rig, keyboard, out, synth) = connected();
    for wrong in [
        whenever(note_off(0, 60, 100)),
        whenever(note_on(0, 60, 101)),
        whenever(note_on(0, 60, 100)).from_port(synth.output("other")),
        at(ms(1), note_on(0, 60, 100)),
        Expected::sysex(&[]),
    ] {
        keyboard.play(out, note_on(0, 60, 100));
        let said = message(|| synth.expect([wrong]));
        assert!(said.contains("\n  + 0ns  NOTEON"), "{said}");
    }
    rig.advance(ms(1));
    synth.expect_nothing();
}

#[test]
fn devices_come_and_go() {
    let rig = Rig::new();
    let watcher = rig.client("watcher");
    assert_eq!(watcher.announcements(), []);
    let (piano, port) = rig.plug("nanoKEY2");
    let input = watcher.input("in");
    assert_eq!(watcher.find_port("nanoKEY2").expect("the port"), port);
    watcher.connect(port, input).expect("a connection");
    piano.play(port, note_on(0, 60, 1));
    watcher.expect([note_on(0, 60, 1)]);
    watcher.announcements();
    piano.unplug();
    assert_eq!(watcher.look_for_port("nanoKEY2").expect("a list"), None);
    assert_eq!(watcher.incoming(input).expect("a list").len(), 0);
    watcher.expect_nothing();
    let told = watcher.announcements();
    let gone = [Announcement::PortExited(port), Announcement::ClientExited(port.client)];
    assert!(gone.iter().all(|gone| told.contains(gone)), "{told:?}");
    assert_eq!(watcher.announcements(), []);
}

#[test]
fn a_client_can_be_asked_everything_that_the_typed_client_can() {
    let (rig, keyboard, out, synth) = connected();
    let direct = keyboard.outgoing(out).expect("connections")[0].addr;
    keyboard.disconnect(out, direct).expect("connected before");
    keyboard.play(out, note_on(0, 60, 1));
    synth.expect_nothing();
    keyboard.send(&note_on(0, 61, 1).sent_from(out).sent_to(direct)).expect("a direct event");
    synth.expect([note_on(0, 61, 1)]);
    let other = rig.sequencer().client("bare").expect("a client");
    assert_eq!(other.clients().expect("clients").len(), 2 + 3, "system, through, and ours");
}

#[test]
fn settings_are_those_of_the_engine() {
    let rig = Rig::with(Config { notes_off: true, ..Config::default() });
    let (keyboard, synth) = (rig.client("keyboard"), rig.client("synth"));
    let out = keyboard.output("out");
    keyboard.connect(out, synth.input("in")).expect("a connection");
    keyboard.play(out, note_on(0, 60, 100));
    keyboard.unplug();
    let types: Vec<_> = synth.received().iter().map(|one| one.event.event_type).collect();
    assert_eq!(types, [EventType::NOTEON, EventType::NOTEOFF]);
}

#[test]
fn a_sequencer_with_ump_converts() {
    let rig = Rig::with(Config { ump: true, ..Config::default() });
    let synth = rig.client("synth");
    let keyboard = rig.sequencer().client("keyboard").expect("a client");
    keyboard.set_protocol(Protocol::Midi2).expect("UMP");
    let mut note = ump::note_on(0, 3, 60, 0xffff);
    note.dest = synth.input("in");
    keyboard.send_packet(&note).expect("a packet");
    let received = synth.received();
    let notes: Vec<_> = received.iter().map(|one| one.event.data.note()).collect();
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].channel, notes[0].note, notes[0].velocity), (3, 60, 127));
    let without = Rig::new().sequencer().client("keyboard").expect("a client");
    assert!(without.set_protocol(Protocol::Midi2).is_err());
}

#[test]
fn events_that_nobody_reads_fail_the_test() {
    let (rig, keyboard, out, synth) = connected();
    let many = |play: &dyn Fn()| (0..300).for_each(|_| play());
    let said = message(|| many(&|| keyboard.play(out, note_on(0, 60, 1))));
    assert!(said.contains("\"keyboard\"") && said.contains("200 that it has not read"), "{said}");
    let said_too = message(|| drop(synth.received()));
    assert!(said_too.contains("lost"), "{said_too}");
    synth.expect_nothing();
    many(&|| keyboard.play_at(out, ms(1), note_on(0, 60, 1)));
    rig.advance(ms(1));
    let said = message(|| drop(synth.received()));
    assert!(said.starts_with("\"synth\" (client 129): ") && said.contains("lost"), "{said}");
}

/// The harness shows where the test has failed, not where a helper has panicked.
#[test]
fn failures_are_at_the_places_of_the_test() {
    let (_rig, _keyboard, _out, synth) = connected();
    let place = std::sync::Arc::new(std::sync::OnceLock::new());
    let seen = std::sync::Arc::clone(&place);
    let thread = std::thread::current().id();
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == thread {
            let file = info.location().map(|place| place.file().to_owned());
            seen.set(file).ok();
        } else {
            others(info);
        }
    }));
    message(|| synth.expect([note_on(0, 60, 1)]));
    let file = place.get().cloned().flatten().unwrap_or_default();
    assert!(file.ends_with("tests/rig.rs"), "{file}");
}
