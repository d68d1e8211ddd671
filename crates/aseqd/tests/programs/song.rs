//! Songs: what their files have in them, and files made for a test.

use midly::num::{u4, u7, u14, u15, u24, u28};
use midly::{
    Format, Header, MetaMessage, MidiMessage, PitchBend, Smf, Timing, TrackEvent, TrackEventKind,
};
use std::path::{Path, PathBuf};

/// A quarter.
pub(crate) const PPQ: u16 = 480;

/// A song of this repository.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../songs").join(name)
}

/// Every event that a player sends to a port, at its tick: the tracks merged, the first track first
/// where two have something at the same tick, as `aplaymidi` does.
pub(crate) fn events(file: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let song = Smf::parse(file).expect("a song");
    assert!(matches!(song.header.timing, Timing::Metrical(_)), "ticks of a quarter");
    let mut all = Vec::new();
    for track in &song.tracks {
        let mut tick = 0;
        for event in track {
            tick += event.delta.as_int();
            match event.kind {
                TrackEventKind::Midi { channel, message } => {
                    let mut bytes = Vec::new();
                    let live = midly::live::LiveEvent::Midi { channel, message };
                    live.write_std(&mut bytes).expect("a vector");
                    all.push((tick, bytes));
                }
                TrackEventKind::SysEx(data) => {
                    let mut bytes = vec![0xf0];
                    bytes.extend(data);
                    all.push((tick, bytes));
                }
                TrackEventKind::Escape(data) => all.push((tick, data.to_vec())),
                TrackEventKind::Meta(_) => {}
            }
        }
    }
    all.sort_by_key(|(tick, _)| *tick);
    all
}

/// Returns what `aseqdump` prints for an event, without regard to blanks.
pub(crate) fn dumped(bytes: &[u8]) -> String {
    let channel = bytes[0] & 15;
    let data = |at: usize| i32::from(bytes[at]);
    match bytes[0] >> 4 {
        8 => format!("Note off {channel}, note {}, velocity {}", data(1), data(2)),
        9 if bytes[2] == 0 => format!("Note off {channel}, note {}", data(1)),
        9 => format!("Note on {channel}, note {}, velocity {}", data(1), data(2)),
        10 => format!("Polyphonic aftertouch {channel}, note {}, value {}", data(1), data(2)),
        11 => format!("Control change {channel}, controller {}, value {}", data(1), data(2)),
        12 => format!("Program change {channel}, program {}", data(1)),
        13 => format!("Channel aftertouch {channel}, value {}", data(1)),
        14 => format!("Pitch bend {channel}, value {}", data(1) + 128 * data(2) - 8192),
        _ => {
            let hex: String = bytes.iter().map(|byte| format!(" {byte:02X}")).collect();
            format!("System exclusive{hex}")
        }
    }
}

/// Returns the lines of `aseqdump` for events, without the notices of connections: these are not part of a song.
pub(crate) fn lines_of_dump(text: &str) -> Vec<String> {
    let is_event = |line: &&str| line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let words = |line: &str| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
    let lines = text.lines().filter(is_event).map(words);
    lines.filter(|line| !line.starts_with("Port ")).collect()
}

/// Steps of a piece of the dense song: three events each, and at most three SysEx of two cells. All of a piece
/// fit into a reader's pool of 200 cells, so a listener that the machine does not let run loses none.
const PIECE: u32 = 60;

/// The dense song, in pieces: three tracks with everything a channel can say, about one event a millisecond,
/// and many tempo changes.
pub(crate) fn dense() -> Vec<Vec<u8>> {
    (0..660).step_by(PIECE as usize).map(dense_piece).collect()
}

fn dense_piece(first: u32) -> Vec<u8> {
    let mut conductor = Track::default();
    for change in 0..5 {
        // Between 100 and 140 quarters a minute.
        let tempo = 600_000 - ((first + change) * 37 % 20) * 8_500;
        conductor.push(change * 36, TrackEventKind::Meta(MetaMessage::Tempo(u24::new(tempo))));
    }
    let mut tracks = vec![conductor.end()];
    for part in 0..3_u8 {
        let mut track = Track::default();
        for step in first..first + PIECE {
            let at = (step - first) * 3;
            let value = u7::from_int_lossy((step % 128).to_le_bytes()[0]);
            let key = u7::from_int_lossy(40 + part + (step / 7 % 40).to_le_bytes()[0]);
            let message = match step % 7 {
                0 => MidiMessage::NoteOn { key, vel: u7::new(1 + value.as_int() / 2) },
                1 => MidiMessage::Controller { controller: u7::new(7), value },
                2 => MidiMessage::Aftertouch { key, vel: value },
                3 => MidiMessage::PitchBend {
                    bend: PitchBend(u14::new(u16::from(value.as_int()) * 129)),
                },
                4 => MidiMessage::ChannelAftertouch { vel: value },
                5 => MidiMessage::NoteOff { key, vel: value },
                _ => MidiMessage::ProgramChange { program: value },
            };
            let channel = u4::new(part * 5 + (step % 5).to_le_bytes()[0]);
            track.push(at, TrackEventKind::Midi { channel, message });
            if step % 64 == 63 {
                track.push(at, TrackEventKind::SysEx(SYSEX));
            }
        }
        tracks.push(track.end());
    }
    write(tracks)
}

/// Two tracks of notes at odd ticks, all in one tempo, 120 quarters a minute; and a SysEx.
pub(crate) fn notes() -> Vec<u8> {
    let mut tracks = Vec::new();
    for part in 0..2_u8 {
        let mut track = Track::default();
        let mut tick = 0;
        for step in 0..30_u32 {
            let key = u7::new(48 + 12 * part + (step * 5 % 12).to_le_bytes()[0]);
            let channel = u4::new(part);
            let length = 7 + step * 13 % 83;
            let on = MidiMessage::NoteOn { key, vel: u7::new(64 + part) };
            let off = MidiMessage::NoteOff { key, vel: u7::new(40) };
            track.push(tick, TrackEventKind::Midi { channel, message: on });
            track.push(tick + length, TrackEventKind::Midi { channel, message: off });
            tick += length + step % 3;
        }
        track.push(tick, TrackEventKind::SysEx(SYSEX));
        tracks.push(track.end());
    }
    write(tracks)
}

/// A packet that is longer than an event, with its end.
const SYSEX: &[u8] =
    &[0x7e, 0x7f, 9, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0xf7];

/// Events at ticks since the start.
#[derive(Default)]
struct Track {
    events: Vec<TrackEvent<'static>>,
    tick: u32,
}

impl Track {
    fn push(&mut self, tick: u32, kind: TrackEventKind<'static>) {
        self.events.push(TrackEvent { delta: u28::new(tick - self.tick), kind });
        self.tick = tick;
    }

    fn end(mut self) -> Vec<TrackEvent<'static>> {
        self.push(self.tick, TrackEventKind::Meta(MetaMessage::EndOfTrack));
        self.events
    }
}

fn write(tracks: Vec<Vec<TrackEvent<'static>>>) -> Vec<u8> {
    let timing = Timing::Metrical(u15::new(PPQ));
    let song = Smf { header: Header::new(Format::Parallel, timing), tracks };
    let mut file = Vec::new();
    song.write_std(&mut file).expect("a vector");
    file
}
