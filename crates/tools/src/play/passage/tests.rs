use super::*;
use crate::play::song::Song;
use aseqd_smf::{ChannelMessage, Division, EventKind, Format, Meta, SysEx, TrackWriter, Voice};

fn voice(voice: Voice) -> EventKind {
    EventKind::Channel(ChannelMessage { channel: 1, voice })
}

fn on(key: u8) -> EventKind {
    voice(Voice::NoteOn { key, velocity: 100 })
}

fn off(key: u8) -> EventKind {
    voice(Voice::NoteOff { key, velocity: 0 })
}

fn song(events: &[(u32, EventKind)]) -> Song {
    let mut track = TrackWriter::new();
    for (tick, kind) in events {
        track.push(*tick, kind).unwrap();
    }
    let mut bytes = Vec::new();
    let division = Division::Quarter(96);
    aseqd_smf::write(&mut bytes, Format::Single, division, &[track]).unwrap();
    Song::parse(&bytes).unwrap()
}

/// Returns the bytes of a step, or its name.
fn shown(what: &What) -> String {
    match what {
        What::Event(event) => {
            let mut bytes = Vec::new();
            aseqd_midi::Encoder::new(false, 10).encode(event, &[], &mut bytes);
            bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
        }
        What::Packet(words) => format!("{:08x}", words[0]),
        What::ToAll(event_type) => event_type.name().unwrap_or("?").to_owned(),
        What::Start { sixteenths } => format!("START at {sixteenths}"),
        What::Tempo(tempo_us) => format!("TEMPO {tempo_us}"),
        What::Sysex { data, .. } => format!("SYSEX {data:02X?}"),
        What::TimeSignature(_) | What::Text { .. } => "shown".to_owned(),
    }
}

fn steps(passage: &mut Passage) -> Vec<(u32, String)> {
    passage.by_ref().take(1000).map(|timed| (timed.tick, shown(&timed.what))).collect()
}

#[track_caller]
fn check(found: &[(u32, String)], wanted: &[(u32, &str)]) {
    let found: Vec<_> = found.iter().map(|(tick, text)| (*tick, text.as_str())).collect();
    assert_eq!(found, wanted);
}

fn tune() -> Song {
    let control = |controller, value| voice(Voice::Control { controller, value });
    let reset = SysEx { start: true, data: vec![0x7e, 0xf7], split: false };
    song(&[
        (0, EventKind::SysEx(reset)),
        (0, control(0, 3)),
        (0, voice(Voice::Program { program: 5 })),
        (0, on(60)),
        (10, control(7, 1)),
        (20, control(7, 2)),
        (48, off(60)),
        (50, EventKind::Meta(Meta::Tempo(250_000))),
        (96, on(62)),
        (144, off(62)),
        (192, on(64)),
        (240, off(64)),
        (288, EventKind::Meta(Meta::EndOfTrack)),
    ])
}

#[test]
fn a_whole_song_is_as_it_was_read() {
    let wanted: Vec<Timed> = tune().collect();
    let mut passage = Passage::whole(tune());
    let found: Vec<Timed> = passage.by_ref().collect();
    assert_eq!(found, wanted);
    assert_eq!((passage.end(), passage.place(100)), (288, 100));
}

#[test]
fn what_was_set_before_the_beginning_is_set_in_its_order() {
    let manner = Manner { from: 96, ..Manner::default() };
    let mut passage = Passage::new(tune(), manner);
    let wanted = [
        (0, "TEMPO 250000"),
        (0, "SYSEX [7E, F7]"),
        (0, "B1 00 03"),
        (0, "C1 05"),
        (0, "B1 07 02"),
        (0, "91 3E 64"),
        (48, "81 3E 00"),
        (96, "91 40 64"),
        (144, "81 40 00"),
    ];
    check(&steps(&mut passage), &wanted);
    assert_eq!((passage.end(), passage.place(10)), (192, 106));
}

#[test]
fn a_passage_ends_the_notes_that_sound() {
    let manner = Manner { to: Some(120), ..Manner::default() };
    let mut passage = Passage::new(tune(), manner);
    let found = steps(&mut passage);
    check(&found[found.len() - 2..], &[(96, "91 3E 64"), (120, "81 3E 00")]);
    assert_eq!(passage.end(), 120);
}

#[test]
fn rounds_follow_without_a_gap() {
    let manner = Manner { from: 96, to: Some(120), times: Some(3), ..Manner::default() };
    let mut passage = Passage::new(tune(), manner);
    let found = steps(&mut passage);
    let notes: Vec<_> =
        found.into_iter().filter(|(_, text)| text.starts_with(['8', '9'])).collect();
    let wanted = [
        (0, "91 3E 64"),
        (24, "81 3E 00"),
        (24, "91 3E 64"),
        (48, "81 3E 00"),
        (48, "91 3E 64"),
        (72, "81 3E 00"),
    ];
    check(&notes, &wanted);
    assert_eq!([0, 23, 24, 50].map(|tick| passage.place(tick)), [96, 119, 96, 98]);
}

#[test]
fn the_first_round_may_begin_within_the_passage() {
    let manner = Manner { start: Some(192), times: Some(2), ..Manner::default() };
    let mut passage = Passage::new(tune(), manner);
    let found = steps(&mut passage);
    let notes: Vec<_> = found.into_iter().filter(|(_, text)| text.starts_with('9')).collect();
    check(&notes, &[(0, "91 40 64"), (96, "91 3C 64"), (192, "91 3E 64"), (288, "91 40 64")]);
    assert_eq!([0, 95, 96, 150].map(|tick| passage.place(tick)), [192, 287, 0, 54]);
}

#[test]
fn for_ever_is_not_at_one_instant() {
    let manner = Manner { times: None, ..Manner::default() };
    let mut passage = Passage::new(tune(), manner);
    let last = passage.by_ref().take(10_000).last().map(|timed| timed.tick);
    assert!(last > Some(100_000), "{last:?}");
    let empty = song(&[(0, on(60))]);
    assert_eq!(Passage::new(empty, manner).take(10).count(), 1);
}

#[test]
fn notes_are_transposed_but_not_drums() {
    let drum = ChannelMessage { channel: 9, voice: Voice::NoteOn { key: 40, velocity: 1 } };
    let made =
        [(0, on(60)), (0, EventKind::Channel(drum)), (1, on(120)), (2, off(120)), (3, off(60))];
    let manner = Manner { transpose: 12, ..Manner::default() };
    let mut passage = Passage::new(song(&made), manner);
    check(&steps(&mut passage), &[(0, "91 48 64"), (0, "99 28 01"), (3, "81 48 00")]);
    assert_eq!(passage.beyond(), 1);
    assert_eq!(
        What::Packet([0x4092_3c05, 1, 0, 0]).transposed(0x42, 0x3c, -1),
        Some(What::Packet([0x4092_3b05, 1, 0, 0]))
    );
}

#[test]
fn a_clock_has_24_messages_a_quarter_note() {
    let made = [(0, on(60)), (10, off(60)), (20, EventKind::Meta(Meta::EndOfTrack))];
    let manner = Manner { clock: true, ..Manner::default() };
    let wanted = [
        (0, "START at 0"),
        (0, "CLOCK"),
        (0, "91 3C 64"),
        (4, "CLOCK"),
        (8, "CLOCK"),
        (10, "81 3C 00"),
        (12, "CLOCK"),
        (16, "CLOCK"),
        (20, "CLOCK"),
        (20, "STOP"),
    ];
    check(&steps(&mut Passage::new(song(&made), manner)), &wanted);
    let later = Manner { from: 120, ..manner };
    check(&steps(&mut Passage::new(tune(), later))[..1], &[(0, "START at 5")]);
}

#[test]
fn a_clip_has_notes_too() {
    let mut writer = aseqd_smf::ClipWriter::new(96);
    writer.push(0, &[0x4192_3c00, 0xc000_0000]).unwrap();
    writer.push(90, &[0x4182_3c00, 0]).unwrap();
    let song = Song::parse(&writer.finish()).unwrap();
    let manner = Manner { to: Some(50), ..Manner::default() };
    check(&steps(&mut Passage::new(song, manner)), &[(0, "41923c00"), (50, "41823c00")]);
}
