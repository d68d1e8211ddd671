//! What the player makes of a file.

mod any_bytes;

use super::*;
use aseqd_smf::ClipWriter;

const ETUDE: &[u8] = include_bytes!("../../../songs/etude.mid");
const SCALE: &[u8] = include_bytes!("../../../songs/scale.mid");

fn file(format: u8, division: [u8; 2], tracks: &[&[u8]]) -> Vec<u8> {
    let count = u8::try_from(tracks.len()).unwrap();
    let mut out = b"MThd\0\0\0\x06".to_vec();
    out.extend([0, format, 0, count, division[0], division[1]]);
    for track in tracks {
        out.extend(b"MTrk");
        out.extend(u32::try_from(track.len()).unwrap().to_be_bytes());
        out.extend(*track);
    }
    out
}

fn play(bytes: &[u8]) -> (Vec<String>, Song) {
    let song = Song::parse(bytes).unwrap();
    listed(song)
}

fn listed(mut song: Song) -> (Vec<String>, Song) {
    let mut out = Vec::new();
    for Timed { tick, what, .. } in song.by_ref() {
        out.push(match what {
            What::Event(event) => {
                let data = &event.data.0;
                format!("{tick} {:?} {} {} {}", event.event_type, data[0], data[1], data[2])
            }
            What::Sysex { start, data, .. } => format!("{tick} sysex {start} {data:02x?}"),
            What::Packet(words) => format!("{tick} packet {:08x} {:x}", words[0], words[1]),
            What::Tempo(tempo) => format!("{tick} tempo {tempo}"),
            // Shown, not sent.
            _ => continue,
        });
    }
    (out, song)
}

fn refused(bytes: &[u8]) -> String {
    Song::parse(bytes).unwrap_err()
}

const PPQ_96: [u8; 2] = [0, 96];
const END: [u8; 4] = [0, 0xff, 0x2f, 0];

fn track(parts: &[&[u8]]) -> Vec<u8> {
    [parts.concat(), END.to_vec()].concat()
}

#[test]
fn a_clip_is_packets_for_groups_and_tempos() {
    let mut writer = ClipWriter::new(480);
    writer.configure(&[0xd510_0102, 0x4100_0000, 0, 0]).unwrap();
    writer.tempo(0, 60_000_049).unwrap();
    writer.push(0, &[0x4390_3c00, 0xc000_0000]).unwrap();
    writer.tempo(480, 30_000_050).unwrap();
    writer.push(960, &[0x2380_3c40]).unwrap();
    let bytes = writer.finish();
    let (events, song) = play(&bytes);
    let expected = [
        "0 packet d5100102 41000000",
        "0 tempo 600000",
        "0 packet d0100000 3938731",
        "0 packet 43903c00 c0000000",
        "480 tempo 300001",
        "480 packet d0100000 1c9c3b2",
        "960 packet 23803c40 0",
    ];
    assert_eq!(events, expected);
    assert!(song.is_clip() && song.findings().is_empty());
    assert_eq!((song.timing(), song.end()), (QueueTiming { ppq: 480, tempo_us: 500_000 }, 960));
    let outputs: Vec<_> = Song::parse(&bytes).unwrap().map(|timed| timed.output).collect();
    assert_eq!(outputs, [5, 0, 0, 3, 0, 0, 3]);
    let (length, count) = Song::parse(&bytes).unwrap().measure();
    assert_eq!((length, count), (Duration::from_micros(900_001), 5));
    assert!(!Song::parse(SCALE).unwrap().is_clip());
}

#[test]
fn tracks_are_merged_by_tick_and_then_in_their_order() {
    let first = track(&[&[0, 0x90, 60, 1], &[96, 60, 0]]);
    let second = track(&[&[0, 0x91, 50, 1], &[48, 50, 0], &[48, 51, 1]]);
    let (events, song) = play_owned(&file(1, PPQ_96, &[&first, &second]));
    let expected = [
        "0 NOTEON 0 60 1",
        "0 NOTEON 1 50 1",
        "48 NOTEON 1 50 0",
        "96 NOTEON 0 60 0",
        "96 NOTEON 1 51 1",
    ];
    assert_eq!(events, expected);
    assert_eq!(song, (96, vec![]));
}

fn found(song: &Song) -> Vec<String> {
    song.findings().iter().map(ToString::to_string).collect()
}

fn play_owned(bytes: &[u8]) -> (Vec<String>, (u32, Vec<String>)) {
    let (events, song) = play(bytes);
    (events, (song.end(), found(&song)))
}

#[test]
fn every_channel_message_has_its_event() {
    let bytes = track(&[
        &[0, 0x82, 60, 64],
        &[0, 0xa2, 60, 65],
        &[0, 0xb2, 7, 100],
        &[0, 0xc2, 5],
        &[0, 0xd2, 66],
        &[0, 0xe2, 0, 0],
    ]);
    let bytes = file(0, PPQ_96, &[&bytes]);
    let events: Vec<_> = Song::parse(&bytes).unwrap().map(|timed| timed.what).collect();
    let note = |event_type, velocity| {
        let data = Note { channel: 2, note: 60, velocity, ..Note::default() };
        What::Event(Event { data: EventData::from_note(data), ..Event::direct(event_type) })
    };
    let control = |event_type, param, value| {
        let data = EventData::from_control(Control { channel: 2, param, value });
        What::Event(Event { data, ..Event::direct(event_type) })
    };
    let expected = [
        note(EventType::NOTEOFF, 64),
        note(EventType::KEYPRESS, 65),
        control(EventType::CONTROLLER, 7, 100),
        control(EventType::PGMCHANGE, 0, 5),
        control(EventType::CHANPRESS, 0, 66),
        control(EventType::PITCHBEND, 0, -8192),
    ];
    assert_eq!(events, expected);
}

#[test]
fn running_status_lasts_over_texts_and_sysex() {
    let bytes = track(&[
        &[0, 0x90, 60, 1],
        &[0, 0xff, 1, 1, b'x'],
        &[1, 61, 1],
        &[0, 0xf0, 1, 0xf7],
        &[1, 62, 1],
    ]);
    let (events, _) = play_owned(&file(0, PPQ_96, &[&bytes]));
    assert_eq!(events.len(), 4);
    assert_eq!(events[3], "2 NOTEON 0 62 1");
}

#[test]
fn sysex_comes_whole_or_in_packets() {
    let bytes = track(&[
        &[0, 0xf0, 3, 1, 2, 0xf7],
        &[0, 0xf0, 2, 1, 2],
        &[5, 0xf7, 1, 3],
        &[5, 0xf7, 2, 4, 0xf7],
    ]);
    let (events, _) = play_owned(&file(0, PPQ_96, &[&bytes]));
    let expected = [
        "0 sysex true [01, 02, f7]",
        "0 sysex true [01, 02]",
        "5 sysex false [03]",
        "10 sysex false [04, f7]",
    ];
    assert_eq!(events, expected);
}

#[test]
fn escaped_messages_are_events_and_other_bytes_stay() {
    let bytes = track(&[
        &[0, 0xf7, 1, 0xf8],
        &[0, 0xf7, 2, 0xf3, 5],
        &[1, 0xf7, 4, 0xf6, 0x90, 60, 1],
        &[1, 0xf7, 2, 0x90, 60],
        &[1, 0xf7, 0],
    ]);
    let (events, _) = play_owned(&file(0, PPQ_96, &[&bytes]));
    let expected = [
        "0 CLOCK 0 0 0",
        "0 SONGSEL 0 0 0",
        "1 TUNE_REQUEST 0 0 0",
        "1 NOTEON 0 60 1",
        "2 sysex false [90, 3c]",
    ];
    assert_eq!(events, expected);
}

#[test]
fn tempo_changes_and_the_length_in_time() {
    let tempo = |delta, tempo: [u8; 3]| [&[delta, 0xff, 0x51, 3], tempo.as_slice()].concat();
    let bytes =
        track(&[&tempo(0, [0x0f, 0x42, 0x40]), &tempo(96, [0x07, 0xa1, 0x20]), &[96, 0xc0, 1]]);
    let bytes = file(0, PPQ_96, &[&bytes]);
    let (events, _) = play_owned(&bytes);
    assert_eq!(events, ["0 tempo 1000000", "96 tempo 500000", "192 PGMCHANGE 0 0 0"]);
    let (length, count) = Song::parse(&bytes).unwrap().measure();
    assert_eq!((length, count), (Duration::from_millis(1500), 1));
}

#[test]
fn a_tempo_of_zero_is_left_out_and_said() {
    let bytes = track(&[&[0, 0xff, 0x51, 3, 0, 0, 0], &[0, 0xc0, 1]]);
    let (events, (_, complaints)) = play_owned(&file(0, PPQ_96, &[&bytes]));
    assert_eq!(events, ["0 PGMCHANGE 0 0 0"]);
    assert_eq!(complaints, ["a tempo of 0: ignored (once, in track 1 at byte 22)"]);
}

#[test]
fn ticks_of_frames_ignore_the_tempo() {
    let bytes = track(&[&[0, 0xff, 0x51, 3, 0, 0, 1], &[100, 0xc0, 1]]);
    for (fps, ppq, tempo_us, end_us) in [
        (24_u8, 960, 1_000_000, 104_166),
        (25, 1000, 1_000_000, 100_000),
        (29, 1200, 1_001_000, 83_416),
        (30, 1200, 1_000_000, 83_333),
    ] {
        let bytes = file(0, [fps.wrapping_neg(), 40], &[&bytes]);
        let song = Song::parse(&bytes).unwrap();
        assert_eq!(song.timing(), QueueTiming { ppq, tempo_us });
        let (length, _) = song.measure();
        assert_eq!(length.as_micros(), end_us);
        assert_eq!(play_owned(&bytes).0, ["100 PGMCHANGE 0 0 0"]);
    }
}

#[test]
fn tracks_of_format_2_follow_one_another() {
    let first = track(&[&[0, 0xff, 0x51, 3, 0, 0, 9], &[10, 0xc0, 1]]);
    let second = track(&[&[5, 0xc1, 2]]);
    let (events, (end, _)) = play_owned(&file(2, PPQ_96, &[&first, &[], &second]));
    let expected = ["0 tempo 9", "10 PGMCHANGE 0 0 0", "10 tempo 500000", "15 PGMCHANGE 1 0 0"];
    assert_eq!(events, expected);
    assert_eq!(end, 15);
}

#[test]
fn a_track_can_ask_for_another_output() {
    let first = track(&[&[0, 0xff, 0x21, 1, 3], &[0, 0xc0, 1]]);
    let second = track(&[&[0, 0xc0, 2], &[0, 0xff, 0x21, 1, 1], &[0, 0xc0, 3]]);
    let bytes = file(1, PPQ_96, &[&first, &second]);
    let outputs: Vec<_> = Song::parse(&bytes).unwrap().map(|timed| timed.output).collect();
    assert_eq!(outputs, [3, 0, 1]);
}

#[test]
fn nothing_counts_behind_the_end_of_a_track_but_its_silence() {
    let bytes = [&[0, 0xc0, 1][..], &[96, 0xff, 0x2f, 0], &[0, 0xc0, 2]].concat();
    let (events, (end, _)) = play_owned(&file(0, PPQ_96, &[&bytes]));
    assert_eq!(events, ["0 PGMCHANGE 0 0 0"]);
    assert_eq!(end, 96);
}

#[test]
fn what_is_no_song_is_refused_with_a_sentence() {
    assert_eq!(refused(b""), "not a MIDI file: it is empty");
    assert_eq!(refused(b"#!/bin/sh"), "not a MIDI file: it is a text");
    assert_eq!(refused(b"MThd"), "not a MIDI file: it ends within its header");
    assert_eq!(refused(b"RIFF\0\0\0\0WAVE"), "not a MIDI file: there is no MIDI data in its RIFF");
    assert_eq!(refused(&file(1, PPQ_96, &[])), "it has no tracks to play");
}

#[test]
fn damage_is_passed_over_and_said() {
    let good = track(&[&[0, 0xc0, 1], &[9, 0xc0, 2]]);
    let bad = [&[0, 0xc1, 1][..], &[1, 0xf4], &[0, 0xc1, 2], &END].concat();
    let (events, (_, complaints)) = play_owned(&file(1, PPQ_96, &[&bad, &good]));
    let expected =
        ["0 PGMCHANGE 1 0 0", "0 PGMCHANGE 0 0 0", "1 PGMCHANGE 1 0 0", "9 PGMCHANGE 0 0 0"];
    assert_eq!(events, expected);
    let expected =
        "system messages that a file cannot have: left out (once, in track 1 at byte 25)";
    assert_eq!(complaints, [expected]);
    let mut short = file(1, PPQ_96, &[&good, &good]);
    short.truncate(short.len() - good.len() - 8);
    let (events, song) = play(&short);
    assert_eq!(events.len(), 2);
    assert!(song.findings().lose_events());
}

#[test]
fn a_song_beyond_the_last_tick_ends_there() {
    let long = [0xff, 0xff, 0xff, 0x7f, 0xc0, 1];
    let (events, (end, complaints)) = play_owned(&file(0, PPQ_96, &[&long.repeat(17)]));
    assert_eq!(events.len(), 16);
    assert_eq!(end, 16 * 0x0fff_ffff);
    assert!(complaints[0].starts_with("a track goes on beyond tick 4294967295"), "{complaints:?}");
}

#[test]
fn a_song_in_a_riff_wrapper_is_one() {
    let mut riff = b"RIFF\0\0\0\0RMIDdata".to_vec();
    let inner = u32::try_from(SCALE.len()).unwrap().to_le_bytes();
    riff.extend(inner);
    riff.extend(SCALE);
    let len = u32::try_from(riff.len() - 8).unwrap().to_le_bytes();
    riff[4..8].copy_from_slice(&len);
    assert_eq!(play(&riff).0, play(SCALE).0);
}

#[test]
fn our_songs_are_whole() {
    for (bytes, seconds) in [(ETUDE, 20..40), (SCALE, 3..5)] {
        let (events, song) = play(bytes);
        assert!(song.findings().is_empty(), "{:?}", song.findings());
        assert!(events.len() > 50);
        let (length, _) = Song::parse(bytes).unwrap().measure();
        assert!(seconds.contains(&length.as_secs()), "{length:?}");
    }
}
