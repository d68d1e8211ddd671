//! Recordings that follow something or are followed, clips, and what an idle recorder costs.

use crate::common::*;
use crate::recorder::{Recorder, events_of, is_message, on, open, sender};
use aseqd_client::event::{EventExt as _, controller, note_on, of_type};
use aseqd_client::ump::Protocol;
use aseqd_client::zerocopy::IntoBytes as _;
use aseqd_client::{EventType, PortCaps, PortType};
use aseqd_smf::{Clip, EventKind, File, Meta, Source};
use std::fs;

#[test]
fn ticks_follow_a_midi_clock() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (client, port) = sender("Drums");
        let mut recorder =
            Recorder::start(&folder, "clock.mid", &["--tempo", "clock", "--division", "24"]);
        let send = |event: aseqd_client::Event| {
            client.send(&event.sent_from(port).sent_to(recorder.port)).expect("sent");
        };
        send(of_type(EventType::START));
        // The notes come with a message of the clock in one write, so that no other process comes between the two.
        for clock in 0..49_u8 {
            let beat = of_type(EventType::CLOCK).sent_from(port).sent_to(recorder.port);
            let note = note_on(0, 60 + clock / 24, 100).sent_from(port).sent_to(recorder.port);
            let mut bytes = beat.as_bytes().to_vec();
            if clock % 24 == 0 {
                bytes.extend_from_slice(note.as_bytes());
            }
            assert_eq!(client.write(&bytes).expect("a write"), bytes.len());
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        recorder.wait_for(3);
        let path = recorder.file.clone();
        recorder.end();
        let file = File::read(&Source::memory(fs::read(path).unwrap())).unwrap();
        let events: Vec<_> =
            file.into_merged().map(|(_, event)| (event.tick, event.kind)).collect();
        let notes: Vec<_> = events
            .iter()
            .filter(|(_, kind)| is_message(kind))
            .map(|(tick, kind)| (*tick, kind.clone()))
            .collect();
        assert_eq!(notes, [(0, on(0, 60)), (24, on(0, 61)), (48, on(0, 62))]);
        let tempos: Vec<_> = events
            .iter()
            .filter_map(|(_, kind)| match kind {
                EventKind::Meta(Meta::Tempo(tempo)) => Some(*tempo),
                _ => None,
            })
            .collect();
        // Each message came at least 2 ms after the one before.
        assert!(!tempos.is_empty() && tempos.iter().all(|tempo| *tempo >= 48_000), "{tempos:?}");
    });
}

#[test]
fn a_metronome_clicks_while_it_records() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let client = open("Click");
        let caps = PortCaps::WRITE | PortCaps::SUBS_WRITE;
        let port = client.create_port("in", caps, PortType::MIDI_GENERIC).expect("a port");
        let options = ["--metronome", "Click", "-i", "2/4", "--tempo", "1200"];
        let recorder = Recorder::start(&folder, "click.mid", &options);
        let mut keys = Vec::new();
        while keys.len() < 9 {
            assert!(client.wait(Some(DEADLINE)).expect("a sequencer"), "{keys:?}");
            while let Some((event, _)) = client.read_event().expect("events") {
                let note = event.data.note();
                if event.event_type == EventType::NOTEON && note.velocity > 0 {
                    assert_eq!((note.channel, event.dest), (9, port));
                    keys.push(note.note);
                }
            }
        }
        assert!(
            keys.chunks(2).all(|bar| bar[0] == 34 && bar.get(1).is_none_or(|key| *key == 33)),
            "{keys:?}"
        );
        let path = recorder.file.clone();
        recorder.end();
        assert_eq!(events_of(&path).0, [], "the clicks are not recorded");
    });
}

#[test]
fn a_clip_has_packets() {
    let body = || {
        let folder = tempfile::tempdir().expect("a folder");
        let (client, port) = sender("Piano");
        let mut recorder = Recorder::start(&folder, "take.midi2", &["Piano"]);
        let send = |event: aseqd_client::Event| {
            client.send(&event.sent_from(port).sent_to_subscribers()).expect("sent");
        };
        send(note_on(3, 60, 127));
        send(controller(0, 7, 1));
        let path = recorder.file.clone();
        let packets = || -> Vec<Vec<u32>> {
            let source = Source::memory(fs::read(&path).expect("the file"));
            let mut clip = Clip::read(&source).expect("a clip");
            let packets = clip.by_ref().map(|event| event.packet().to_vec()).collect();
            assert!(clip.findings().is_empty(), "{:?}", clip.findings());
            packets
        };
        recorder.process.wait_until("both packets", |_| packets().len() >= 5);
        recorder.end();
        packets()
    };
    // The name of the port, the time signature, the tempo, and what was played.
    let head: [&[u32]; 3] = [
        &[0xd010_0103, 0x5069_616e, 0x6f3a_206f, 0x7574_0000],
        &[0xd010_0001, 0x0402_0800, 0, 0],
        &[0xd010_0000, 50_000_000, 0, 0],
    ];
    let check = |found: Vec<Vec<u32>>, played: [&[u32]; 2]| {
        assert_eq!(found, [head.as_slice(), &played].concat());
    };
    inside_with(&["--ump", "on"], || {
        check(body(), [&[0x4093_3c00, 0xffff_0000], &[0x40b0_0700, 0x0200_0000]])
    });
}

#[test]
fn an_idle_recorder_sleeps() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (client, port) = sender("Piano");
        let mut recorder = Recorder::start(&folder, "idle.mid", &[]);
        client.send(&note_on(0, 60, 100).sent_from(port).sent_to(recorder.port)).expect("sent");
        recorder.wait_for(1);
        let pid = recorder.process.pid();
        let wakes = || status_of(pid, "voluntary_ctxt_switches");
        // The write that has just been seen is over, once the number stays.
        let mut last = wakes();
        wait_until("the recorder to sleep", || {
            std::thread::sleep(std::time::Duration::from_millis(100));
            let now = wakes();
            std::mem::replace(&mut last, now) == now
        });
        std::thread::sleep(std::time::Duration::from_millis(1500));
        assert_eq!(wakes(), last, "it does not wake without a reason");
        recorder.end();
    });
}

#[test]
fn the_kind_of_file_follows_its_name_and_its_sources() {
    inside_with(&["--ump", "on"], || {
        let folder = tempfile::tempdir().expect("a folder");
        let synth = open("Synth");
        synth.set_protocol(Protocol::Midi2).expect("a sequencer with UMP");
        let caps = PortCaps::READ | PortCaps::SUBS_READ;
        let new = synth.create_port("out", caps, PortType::MIDI_UMP).expect("a port").to_string();
        let (_piano, old) = sender("Piano");
        let old = old.to_string();
        for (file, options, header) in [
            ("new", &[&*new][..], b"SMF2CLIP".as_slice()),
            ("old", &[&old], b"MThd"),
            ("new.mid", &[&new], b"MThd"),
            ("old.midi2", &[&old], b"SMF2CLIP"),
            ("new.MIDI2", &[&new, "--format", "smf"], b"MThd"),
        ] {
            let recorder = Recorder::start(&folder, file, options);
            let path = recorder.file.clone();
            recorder.end();
            assert!(fs::read(path).expect("the file").starts_with(header), "{file}");
        }
    });
}
