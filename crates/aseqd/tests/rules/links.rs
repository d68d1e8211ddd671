//! Connections that change events on their way.

use crate::common::*;
use crate::{PROBE, Place, Plugged, keyboard, settled, synth};
use aseqd_client::event::{EventExt as _, controller, note_off, note_on, of_type};
use aseqd_client::{Event, EventType};
use rustix::process::Signal;

fn rule(more: &str) -> String {
    format!("[[rule]]\nfrom = 'Keys'\nto = 'Synth'\n{more}\n{PROBE}")
}

fn play(keys: &Plugged, event: &Event) {
    keys.client.send(&event.sent_from(keys.port).sent_to_subscribers()).expect("room");
}

/// Returns the next event that the synthesizer receives, with its data. What the sequencer says about its connections
/// is left out.
#[track_caller]
fn next(synth: &Plugged) -> (Event, Vec<u8>) {
    loop {
        assert!(synth.client.wait(Some(DEADLINE)).expect("a sequencer"), "an event");
        let (event, data) = synth.client.read_event().expect("nothing lost").expect("an event");
        if aseqd_client::Announcement::of(&event).is_none() {
            return (event, data);
        }
    }
}

#[track_caller]
fn expect_note(synth: &Plugged, kind: EventType, channel: u8, key: u8, velocity: u8) {
    let (event, _) = next(synth);
    let note = event.data.note();
    let is = (event.event_type, note.channel, note.note, note.velocity);
    assert_eq!(is, (kind, channel, key, velocity));
}

/// Waits until events get from one to the other.
fn wait_for_link(keys: &Plugged, synth: &Plugged) {
    let incoming = |to: &Plugged| !to.client.incoming(to.port).expect("an answer").is_empty();
    wait_until("the link", || {
        incoming(synth) && !keys.client.outgoing(keys.port).expect("an answer").is_empty()
    });
}

#[test]
fn events_are_filtered_and_changed_and_sysex_stays_whole() {
    inside(|| {
        let place = Place::new(&rule(
            "channels = [1, 2]\nto_channel = 10\ntranspose = 12\nvelocity = { max = 90 }\n\
             controllers = { 1 = 11, 64 = false }",
        ));
        let run = place.run(&[]);
        let (keys, synth) = (keyboard("Keys"), synth("Synth"));
        wait_for_link(&keys, &synth);
        assert!(!keys.is_connected(&synth), "only through the link");
        play(&keys, &note_on(2, 60, 100));
        play(&keys, &note_on(0, 60, 100));
        play(&keys, &controller(1, 64, 127));
        play(&keys, &controller(1, 1, 5));
        play(&keys, &note_off(0, 60, 64));
        let sysex: Vec<u8> = std::iter::once(0xf0)
            .chain((0..3000_u16).map(|n| (n % 128) as u8))
            .chain([0xf7])
            .collect();
        let event = of_type(EventType::SYSEX).sent_from(keys.port).sent_to_subscribers();
        keys.client.send_with_data(&event, &sysex).expect("room");
        expect_note(&synth, EventType::NOTEON, 9, 72, 90);
        let control = next(&synth).0.data.control();
        assert_eq!((control.channel, control.param, control.value), (9, 11, 5));
        expect_note(&synth, EventType::NOTEOFF, 9, 72, 64);
        let (event, data) = next(&synth);
        assert_eq!((event.event_type, data == sysex), (EventType::SYSEX, true));
        settled();
        let text = output(place.rules(&["show"]));
        assert!(text.contains("link: 4 passed, 2 stopped, 0 lost"), "{text}");
        // What the links of a run do is not what `save` is about, and no rule means their ports.
        assert!(!output(place.rules(&["save"])).contains("links"));
        drop(run);
    });
}

#[test]
fn notes_that_sound_end_when_the_link_changes_or_ends() {
    inside(|| {
        let place = Place::new(&rule("transpose = 1"));
        let run = place.run(&[]);
        let (keys, synth) = (keyboard("Keys"), synth("Synth"));
        wait_for_link(&keys, &synth);
        play(&keys, &note_on(0, 60, 100));
        expect_note(&synth, EventType::NOTEON, 0, 61, 100);
        place.write(&rule("transpose = 2"));
        expect_note(&synth, EventType::NOTEOFF, 0, 61, 0);
        play(&keys, &note_on(0, 60, 100));
        expect_note(&synth, EventType::NOTEON, 0, 62, 100);
        run.signal(Signal::TERM);
        expect_note(&synth, EventType::NOTEOFF, 0, 62, 0);
        assert_eq!(run.wait().status.code(), Some(0));
    });
}

#[test]
fn a_link_that_somebody_cuts_stays_cut() {
    inside(|| {
        let place = Place::new(&rule("mute = true"));
        let run = place.run(&[]);
        let (keys, synth) = (keyboard("Keys"), synth("Synth"));
        wait_for_link(&keys, &synth);
        let link = synth.client.incoming(synth.port).expect("an answer")[0].addr;
        synth.client.disconnect(link, synth.port).expect("a connection");
        wait_until("the end of the link", || {
            keys.client.outgoing(keys.port).expect("an answer").is_empty()
        });
        settled();
        assert!(synth.client.incoming(synth.port).expect("an answer").is_empty());
        let text = output(place.rules(&["show"]));
        assert!(text.contains("not connected: somebody has disconnected it"), "{text}");
        drop(run);
    });
}

#[test]
fn events_that_a_full_destination_loses_are_told() {
    inside(|| {
        let place = Place::new(&rule("transpose = 1"));
        let mut run = place.run(&[]);
        let (keys, synth) = (keyboard("Keys"), synth("Synth"));
        wait_for_link(&keys, &synth);
        // The input pool of a client has 200 cells.
        for _ in 0..1000 {
            play(&keys, &note_on(0, 60, 1));
        }
        run.wait_for_output("were lost");
        settled();
        let json = output(place.rules(&["show", "--json"]));
        let count = |what: &str| -> u64 {
            let rest = json.split(&format!("\"{what}\":")).nth(1).expect(&json);
            rest.split([',', '}']).next().and_then(|number| number.parse().ok()).expect(&json)
        };
        assert!(count("passed") >= 150 && count("passed") + count("lost") == 1000, "{json}");
        // The destination is told, too.
        let lost = std::iter::from_fn(|| synth.client.read_event().transpose());
        let lost = lost.filter(|event| matches!(event, Err(aseqd_client::Error::EventsLost)));
        assert_eq!(lost.count(), 1);
    });
}
