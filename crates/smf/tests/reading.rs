//! Compares well-formed files with another reader, and reads files that our writer made.

use aseqd_smf::{
    ChannelMessage, Division, EventKind, File, Format, Meta, Source, SysEx, TrackWriter, Voice,
};
use midly::TrackEventKind;
use proptest::prelude::*;
use std::path::PathBuf;
use std::{env, fs};

/// Returns ticks, and what is sent, of each track.
type Tracks = Vec<Vec<(u32, Vec<u8>)>>;

fn ours(bytes: &[u8]) -> Tracks {
    let file = File::read(&Source::memory(bytes)).unwrap();
    file.into_tracks()
        .map(|track| track.filter_map(|event| Some((event.tick, sent(&event.kind)?))).collect())
        .collect()
}

fn sent(kind: &EventKind) -> Option<Vec<u8>> {
    Some(match kind {
        EventKind::Channel(message) => message.to_bytes().to_vec(),
        EventKind::SysEx(SysEx { start, data, .. }) => {
            let first: &[u8] = if *start { &[0xf0] } else { &[] };
            [first, data].concat()
        }
        EventKind::Escape(data) => data.clone(),
        EventKind::Meta(Meta::Tempo(tempo)) => tempo.to_be_bytes().to_vec(),
        EventKind::Meta(_) => return None,
    })
}

/// Returns the same as read by midly, or `None` if it rejects the file.
fn midlys(bytes: &[u8]) -> Option<Tracks> {
    let (_, tracks) = midly::parse(bytes).ok()?;
    let mut all = Vec::new();
    for track in tracks {
        let mut tick = 0_u32;
        let mut events = Vec::new();
        for event in track.ok()? {
            let event = event.ok()?;
            tick += event.delta.as_int();
            let sent = match event.kind {
                TrackEventKind::Midi { channel, message } => {
                    let mut bytes = Vec::new();
                    let live = midly::live::LiveEvent::Midi { channel, message };
                    live.write_std(&mut bytes).unwrap();
                    bytes.resize(3, 0);
                    bytes
                }
                TrackEventKind::SysEx(data) => [&[0xf0], data].concat(),
                TrackEventKind::Escape(data) => data.to_vec(),
                TrackEventKind::Meta(midly::MetaMessage::Tempo(tempo)) => {
                    tempo.as_int().to_be_bytes().to_vec()
                }
                TrackEventKind::Meta(midly::MetaMessage::EndOfTrack) => break,
                TrackEventKind::Meta(_) => continue,
            };
            events.push((tick, sent));
        }
        all.push(events);
    }
    Some(all)
}

#[test]
fn our_songs_are_read_as_by_another_reader() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../songs");
    for name in ["etude.mid", "scale.mid"] {
        let bytes = fs::read(folder.join(name)).unwrap();
        assert_eq!(Some(ours(&bytes)), midlys(&bytes), "{name}");
        assert!(File::read(&Source::memory(bytes)).unwrap().into_merged().findings().is_empty());
    }
}

/// Reads files from elsewhere: `SMF_CORPUS=FOLDER cargo test -p aseqd-smf --test reading corpus --
/// --ignored`.
#[test]
#[ignore = "needs a folder with MIDI files, in SMF_CORPUS"]
fn a_corpus_is_read_as_by_another_reader() {
    let folder = env::var_os("SMF_CORPUS").expect("SMF_CORPUS names a folder");
    let mut folders = vec![PathBuf::from(folder)];
    let (mut same, mut refused, mut odd) = (0, 0, 0);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(bytes) = fs::read(&path) else { continue };
            let Ok(file) = File::read(&Source::memory(&*bytes)) else {
                assert!(midlys(&bytes).is_none_or(|tracks| tracks.is_empty()), "{path:?}");
                refused += 1;
                continue;
            };
            let mut merged = file.into_merged();
            merged.by_ref().for_each(drop);
            let findings = merged.findings();
            if !findings.is_empty() {
                odd += 1;
                findings.iter().for_each(|finding| println!("{}: {finding}", path.display()));
            }
            let theirs = midlys(&bytes);
            match theirs {
                Some(theirs) if findings.is_empty() => {
                    assert!(ours(&bytes) == theirs, "{path:?}");
                    same += 1;
                }
                None => assert!(!findings.is_empty(), "{path:?}: midly finds fault, we do not"),
                Some(_) => {}
            }
        }
    }
    println!("{same} files the same, {odd} odd, {refused} refused");
}

fn voice() -> impl Strategy<Value = Voice> {
    let seven = || 0_u8..128;
    prop_oneof![
        (seven(), seven()).prop_map(|(key, velocity)| Voice::NoteOff { key, velocity }),
        (seven(), seven()).prop_map(|(key, velocity)| Voice::NoteOn { key, velocity }),
        (seven(), seven()).prop_map(|(key, pressure)| Voice::KeyPressure { key, pressure }),
        (seven(), seven()).prop_map(|(controller, value)| Voice::Control { controller, value }),
        seven().prop_map(|program| Voice::Program { program }),
        seven().prop_map(|pressure| Voice::ChannelPressure { pressure }),
        (-8192_i16..8192).prop_map(|bend| Voice::PitchBend { bend }),
    ]
}

fn kind() -> impl Strategy<Value = EventKind> {
    let bytes = || prop::collection::vec(0_u8..128, 0..200);
    let sysex = |mut data: Vec<u8>| {
        data.push(0xf7);
        EventKind::SysEx(SysEx { start: true, data, split: false })
    };
    prop_oneof![
        6 => (0_u8..16, voice())
            .prop_map(|(channel, voice)| EventKind::Channel(ChannelMessage { channel, voice })),
        1 => bytes().prop_map(sysex),
        1 => bytes().prop_map(EventKind::Escape),
        1 => (0_u32..0x100_0000).prop_map(|tempo| EventKind::Meta(Meta::Tempo(tempo))),
        1 => bytes().prop_map(|text| EventKind::Meta(Meta::Text { kind: 5, text })),
        1 => (-7_i8..=7, any::<bool>())
            .prop_map(|(sharps, minor)| EventKind::Meta(Meta::KeySignature { sharps, minor })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_was_written_is_read_again_by_us_and_by_another_reader(
        tracks in prop::collection::vec(
            prop::collection::vec((0_u32..100_000, kind()), 0..60), 1..5),
    ) {
        let mut writers = Vec::new();
        let mut wanted = Vec::new();
        for events in tracks {
            let (mut writer, mut tick) = (TrackWriter::new(), 0);
            let mut all = Vec::new();
            for (delta, kind) in events {
                tick += delta;
                writer.push(tick, &kind).unwrap();
                all.push((tick, kind));
            }
            all.push((tick, EventKind::Meta(Meta::EndOfTrack)));
            writers.push(writer);
            wanted.push(all);
        }
        let mut bytes = Vec::new();
        aseqd_smf::write(&mut bytes, Format::Parallel, Division::Quarter(480), &writers).unwrap();
        let file = File::read(&Source::memory(&*bytes)).unwrap();
        prop_assert!(file.findings().is_empty());
        prop_assert_eq!(file.header().division, Division::Quarter(480));
        for (track, wanted) in file.into_tracks().zip(wanted) {
            let read: Vec<_> = track.map(|event| (event.tick, event.kind)).collect();
            prop_assert_eq!(read, wanted);
        }
        prop_assert_eq!(Some(ours(&bytes)), midlys(&bytes));
    }
}

#[test]
fn a_long_pause_is_written_and_read() {
    let mut track = TrackWriter::new();
    let event =
        EventKind::Channel(ChannelMessage { channel: 0, voice: Voice::Program { program: 1 } });
    track.push(u32::MAX, &event).unwrap();
    assert!(track.push(5, &event).is_err());
    let mut bytes = Vec::new();
    aseqd_smf::write(&mut bytes, Format::Single, Division::Quarter(96), &[track]).unwrap();
    assert_eq!(ours(&bytes), [[(u32::MAX, vec![0xc0, 1, 0])]]);
}

#[test]
fn what_a_file_cannot_hold_is_refused() {
    let two = [TrackWriter::new(), TrackWriter::new()];
    let write =
        |format, division, tracks: &[_]| aseqd_smf::write(Vec::new(), format, division, tracks);
    assert!(write(Format::Single, Division::Quarter(96), &two).is_err());
    assert!(write(Format::Parallel, Division::Quarter(0), &two).is_err());
    assert!(write(Format::Parallel, Division::Quarter(0x8000), &two).is_err());
    let frames = |per_second, ticks| Division::Frames { per_second, ticks };
    assert!(write(Format::Parallel, frames(0, 40), &two).is_err());
    assert!(write(Format::Sequential, frames(25, 40), &two).is_ok());
    let mut ended = TrackWriter::new();
    ended.push(0, &EventKind::Meta(Meta::EndOfTrack)).unwrap();
    assert!(ended.push(1, &EventKind::Meta(Meta::EndOfTrack)).is_err());
}

#[test]
fn long_data_comes_in_pieces_of_a_bounded_size() {
    let long = vec![0x11; 200_000];
    let mut track = TrackWriter::new();
    let data = [&long[..], &[0xf7]].concat();
    let sysex = EventKind::SysEx(SysEx { start: true, data: data.clone(), split: false });
    track.push(3, &sysex).unwrap();
    track.push(4, &EventKind::Meta(Meta::Text { kind: 1, text: long })).unwrap();
    let mut bytes = Vec::new();
    aseqd_smf::write(&mut bytes, Format::Single, Division::Quarter(96), &[track]).unwrap();
    let mut merged = File::read(&Source::memory(bytes)).unwrap().into_merged();
    let (mut joined, mut starts, mut splits) = (Vec::new(), 0, 0);
    for (_, event) in merged.by_ref() {
        match event.kind {
            EventKind::SysEx(SysEx { start, data, split }) => {
                assert!(data.len() <= 65_536 && event.tick == 3);
                (starts, splits) = (starts + u32::from(start), splits + u32::from(split));
                joined.extend(data);
            }
            EventKind::Meta(Meta::Text { text, .. }) => assert_eq!(text.len(), 65_536),
            _ => {}
        }
    }
    assert_eq!((joined == data, starts, splits), (true, 1, 3));
    assert_eq!(merged.findings().iter().count(), 1);
}
