//! Clips: read, written, damaged.

use aseqd_smf::{Clip, ClipEvent, ClipWriter, Findings, ReadError, Source, has_clip_header};
use proptest::prelude::*;
use std::io;

const NOTE: [u32; 2] = [0x4090_3c00, 0xc000_0000];
/// Ticks per quarter note: 384.
const RESOLUTION: u32 = 0x0030_0180;
const START: [u32; 4] = [0xf020_0000, 0, 0, 0];
const END: [u32; 4] = [0xf021_0000, 0, 0, 0];

fn file(packets: &[&[u32]]) -> Vec<u8> {
    let words = packets.concat();
    let words = words.iter().flat_map(|word| word.to_be_bytes());
    b"SMF2CLIP".iter().copied().chain(words).collect()
}

/// All events, and what was wrong.
fn read(bytes: &[u8]) -> (Vec<ClipEvent>, Findings, u16) {
    let mut clip = Clip::read(&Source::memory(bytes)).expect("a clip");
    let events = clip.by_ref().collect();
    (events, clip.findings().clone(), clip.ticks_per_quarter())
}

fn lines(findings: &Findings) -> Vec<String> {
    findings.iter().map(|finding| finding.to_string()).collect()
}

#[test]
fn a_clip_has_ticks_and_packets() {
    let bytes = file(&[
        &[0x0040_0000, RESOLUTION],
        &[0xd010_0102, 0x416e_0000, 0, 0],
        &START,
        &[0xd010_0000, 50_000_000, 0, 0],
        &[0x0040_0010],
        &NOTE,
        &[0x2091_3c40],
        &[0x0000_0000, 0x004f_ffff, 0x0040_0001],
        &[0x4080_3c00, 0],
        &END,
    ]);
    let (events, findings, ticks) = read(&bytes);
    assert_eq!((lines(&findings), ticks), (vec![], 384));
    let found: Vec<_> = events.iter().map(|event| (event.tick, event.packet()[0])).collect();
    let wanted = [
        (0, 0xd010_0102),
        (0, 0xd010_0000),
        (16, NOTE[0]),
        (16, 0x2091_3c40),
        (0x10_0010, 0x4080_3c00),
    ];
    assert_eq!(found, wanted);
    assert_eq!((events[0].tempo_10ns(), events[1].tempo_10ns()), (None, Some(50_000_000)));
    assert_eq!((events[2].packet(), events[2].offset), (&NOTE[..], 68));
}

#[test]
fn a_recording_of_arecordmidi2_is_a_clip() {
    // songs/scale.mid, recorded by alsa-utils 1.2.14.
    let (events, findings, ticks) = read(include_bytes!("data/arecordmidi2.midi2"));
    assert_eq!((lines(&findings), ticks), (vec![], 384));
    assert_eq!(events[0].tempo_10ns(), Some(50_000_000));
    let notes = events.iter().filter(|event| event.words[0] & 0xf0f0_0000 == 0x4090_0000);
    assert_eq!(notes.count(), 25);
}

#[test]
fn damage_is_named_and_the_rest_is_played() {
    let clip: &[&[u32]] = &[&[RESOLUTION], &START, &NOTE, &END];
    let cases: [(&str, Vec<u8>, usize, &str); 12] = [
        (
            "no start",
            file(&[&[RESOLUTION], &NOTE, &END]),
            1,
            "a clip without a Start of Clip: all of it is due at once (once, at byte 20)",
        ),
        (
            "no end",
            file(&[&[RESOLUTION], &START, &NOTE]),
            1,
            "a clip without an End of Clip: it ends where its bytes end (once, at byte 36)",
        ),
        (
            "no resolution",
            file(&[&START, &NOTE, &END]),
            1,
            "a clip without ticks per quarter note: 96 are assumed (once, at byte 8)",
        ),
        (
            "resolution 0",
            file(&[&[0x0030_0000, RESOLUTION], &START, &NOTE, &END]),
            1,
            "a quarter or frame of 0 ticks: the usual number is assumed (once, at byte 8)",
        ),
        (
            "late resolution",
            file(&[&[RESOLUTION], &START, &[RESOLUTION], &NOTE, &END]),
            1,
            "ticks per quarter note again, or after the start: ignored (once, at byte 28)",
        ),
        (
            "early clock",
            file(&[&[RESOLUTION, 0x0040_0005], &START, &NOTE, &END]),
            1,
            "time passes before the start of the clip: ignored (once, at byte 12)",
        ),
        (
            "second start",
            file(&[&[RESOLUTION], &START, &START, &NOTE, &END]),
            1,
            "a second Start of Clip: ignored (once, at byte 28)",
        ),
        (
            "after",
            [file(clip), vec![1]].concat(),
            1,
            "bytes after the End of Clip: left out (once, at byte 52)",
        ),
        (
            "jitter reduction",
            file(&[&[RESOLUTION], &START, &[0x0010_0000], &NOTE, &END]),
            1,
            "utility messages that a clip cannot have: left out (once, at byte 28)",
        ),
        (
            "tempo 0",
            file(&[&[RESOLUTION], &START, &[0xd010_0000, 0, 0, 0], &NOTE, &END]),
            1,
            "a tempo of 0: ignored (once, at byte 28)",
        ),
        (
            "before",
            [vec![7; 5], file(clip)].concat(),
            1,
            "bytes before the header: left out (once, at byte 0)",
        ),
        (
            "too late",
            file(&[&[RESOLUTION], &START, &[0x004f_ffff; 4097], &NOTE, &END]),
            0,
            "a track goes on beyond tick 4294967295: its rest is left out (once, at byte 16412)",
        ),
    ];
    for (name, bytes, count, wanted) in cases {
        let (events, findings, _) = read(&bytes);
        assert_eq!(events.len(), count, "{name}");
        assert_eq!(lines(&findings), [wanted], "{name}");
        assert_eq!(findings.lose_events(), count == 0, "{name}");
    }
    let whole = file(clip);
    let (events, findings, _) = read(&whole[..whole.len() - 18]);
    assert_eq!((events.len(), findings.lose_events()), (0, true), "the note is cut");
    assert!(lines(&findings)[1].starts_with("the file ends within a packet"), "{findings:?}");
}

#[test]
fn what_is_no_clip_is_refused() {
    for (bytes, why) in [
        (&b""[..], "it is empty"),
        (b"MThd\0\0\0\x06", "it has no header (MThd or SMF2CLIP)"),
        (b"SMF2CLI", "it is a text"),
    ] {
        let Err(ReadError::NotMidi(found)) = Clip::read(&Source::memory(bytes)) else {
            panic!("{bytes:?} is refused")
        };
        assert_eq!(found, why);
        assert!(!has_clip_header(bytes));
    }
}

#[test]
fn the_writer_refuses_what_makes_no_clip() {
    let mut writer = ClipWriter::new(96);
    writer.configure(&NOTE).expect("a packet");
    writer.push(5, &NOTE).expect("a packet");
    let refused = |written: io::Result<()>| {
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    };
    refused(writer.configure(&NOTE));
    refused(writer.push(4, &NOTE));
    refused(writer.push(6, &NOTE[..1]));
    refused(writer.push(6, &[]));
    refused(writer.push(6, &[RESOLUTION]));
    refused(writer.push(6, &END));
    let (events, findings, _) = read(&writer.finish());
    assert_eq!((events.len(), findings.is_empty()), (2, true));
}

/// Any packet that a clip can have.
fn packets() -> impl Strategy<Value = Vec<u32>> {
    (any::<[u32; 4]>(), 1_u32..15).prop_filter_map("not the clip's own", |(words, kind)| {
        let mut words = words;
        words[0] = words[0] & 0x0fff_ffff | kind << 28;
        let tempo = words[0] & 0xf000_ffff == 0xd000_0000;
        let len = [1, 1, 1, 2, 2, 4, 1, 1, 2, 2, 2, 3, 3, 4, 4][kind as usize];
        (!tempo).then(|| words[..len].to_vec())
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        ticks in 1_u16..,
        list in prop::collection::vec((0_u32..0x20_0000, packets()), 0..50),
    ) {
        let mut writer = ClipWriter::new(ticks);
        let mut tick = 0;
        let mut wanted = Vec::new();
        for (delta, packet) in list {
            tick += delta;
            writer.push(tick, &packet).expect("a packet");
            wanted.push((tick, packet));
        }
        let (events, findings, found) = read(&writer.finish());
        prop_assert_eq!(found, ticks);
        prop_assert_eq!(lines(&findings), Vec::<String>::new());
        let events: Vec<_> =
            events.iter().map(|event| (event.tick, event.packet().to_vec())).collect();
        prop_assert_eq!(events, wanted);
    }

    /// Nothing panics or hangs, ticks never go back, there are no more events than words, and the size of reads makes
    /// no difference.
    #[test]
    fn any_bytes_can_be_read(
        words in prop::collection::vec(
            prop_oneof![
                any::<u32>(),
                (0_u32..0x10_0000).prop_map(|ticks| 0x0040_0000 | ticks),
                Just(RESOLUTION), Just(START[0]), Just(END[0]), Just(0xd010_0000), Just(0),
            ],
            0..200,
        ),
        rest in prop::collection::vec(any::<u8>(), 0..8),
        piece in 1_usize..40,
    ) {
        let bytes = [file(&[&words]), rest].concat();
        let (events, findings, ticks) = read(&bytes);
        prop_assert!(ticks > 0 && events.len() <= words.len() + 2);
        prop_assert!(events.is_sorted_by_key(|event| event.tick));
        let mut pieces = Clip::read(&Source::memory(bytes).in_pieces(piece)).expect("a clip");
        prop_assert_eq!(pieces.by_ref().collect::<Vec<_>>(), events);
        prop_assert_eq!(pieces.findings(), &findings);
    }
}

#[test]
fn a_clip_with_a_midi_file_in_a_packet_is_a_clip() {
    let bytes = file(&[
        &[RESOLUTION],
        &START,
        &[u32::from_be_bytes(*b"\x50\x0e\0\0"), u32::from_be_bytes(*b"MThd"), 6, 0x0001_0001],
        &END,
    ]);
    let read_as_tracks = aseqd_smf::File::read(&Source::memory(bytes.clone()));
    assert!(matches!(read_as_tracks, Err(ReadError::NotMidi(why)) if why.contains("clip")));
    let (events, findings, _) = read(&bytes);
    assert_eq!((events.len(), lines(&findings)), (1, vec![]));
}

#[test]
fn a_clip_of_nothing_ends() {
    let start = file(&[&[RESOLUTION], &START]);
    let head = start.len();
    let mut bytes = start;
    // No operation, 4,000,001 times.
    bytes.resize(head + 4 * 4_000_001, 0);
    bytes.extend(NOTE.map(u32::to_be_bytes).as_flattened());
    let (events, findings, _) = read(&bytes);
    assert!(events.is_empty() && findings.lose_events());
    let found = lines(&findings);
    assert!(found[0].starts_with("more than 4 million messages in a row"), "{found:?}");
    // As many as a clip may have.
    bytes.drain(head..head + 4 * 10);
    let (events, ..) = read(&bytes);
    assert_eq!(events.len(), 1);
}
