//! The songs of this folder, as they were written: `etude.mid` and `scale.mid` are what the two
//! functions here return.
//!
//! The étude is a canon in D minor over a ground of four chords. The second voice sings what the
//! first one sang two bars before, an octave lower; the ground makes everything fit to everything.
//! It also wants to be useful to a sequencer: six tracks, tempo changes, running status, a SysEx in
//! one piece and one in three, programs, controllers, pitch bend, channel and key pressure, texts,
//! key and time signature. No packet escapes anything: every event of the file is one event for the
//! sequencer, except that the texts stay here.
//!
//! `crates/aseqd/tests/songs.rs` compares the files with this source, and writes them.

/// Ticks of a quarter.
const PPQ: u32 = 480;
const BAR: u32 = 4 * PPQ;

const FLUTE: u8 = 73;
const CLARINET: u8 = 71;
const PIZZICATO: u8 = 45;
const STRINGS: u8 = 48;
/// Percussion is always on this channel.
const DRUMS: u8 = 9;

/// Two bars each, over the ground D minor, A minor, B flat, C.
const THEME: [&str; 5] = [
    "f5/2 e5/2 | d5/4 f5/4 e5/2",
    "d5/4 a4/4 c5/4 e5/8 d5/8 | d5/4 bb4/8 c5/8 g4/4 c5/4",
    "a5/8 f5/8 d5/8 f5/8 e5/8 c5/8 a4/8 c5/8 | d5/8 f5/8 bb5/8 f5/8 g5/8 e5/8 c5/8 e5/8",
    "r/8 f5/4 a5/8 r/8 e5/4 c5/8 | r/8 d5/4 f5/8 r/8 g5/4 e5/8",
    "d5/16 e5/16 f5/16 g5/16 a5/8 f5/8 e5/16 d5/16 c5/16 b4/16 a4/8 c5/8 \
     | bb4/16 c5/16 d5/16 e5/16 f5/8 d5/8 c5/16 d5/16 e5/16 f5/16 g5/8 e5/8",
];
const GROUND: &str = "d3/4 a2/4 a2/4 e3/4 | bb2/4 f3/4 c3/4 g2/4";
const CHORDS: [[&str; 3]; 4] =
    [["f4", "a4", "d4"], ["e4", "a4", "c4"], ["f4", "bb4", "d4"], ["e4", "g4", "c4"]];
const BLOCKS: u32 = 6;

/// About 30 seconds, format 1.
pub(crate) fn etude() -> Vec<u8> {
    let end = BLOCKS * 2 * BAR;
    let mut tracks = vec![conductor(end)];

    let mut leader = Track::named("Leader", 0, FLUTE);
    leader.controller(0, 0, 10, 44);
    for (block, phrase) in (0..).zip(THEME) {
        leader.melody(block * 2 * BAR, 0, 0, 84, phrase);
    }
    leader.melody(5 * 2 * BAR, 0, 0, 76, THEME[0]);
    // The last long note before the end leans upwards, and comes back.
    for (step, bend) in (0..).zip([0_i16, 400, 800, 1200, 800, 400, 0]) {
        leader.bend(end - BAR / 2 + step * 60, 0, bend);
    }
    leader.melody(end, 0, 0, 80, "d5/1");
    tracks.push(leader);

    let mut follower = Track::named("Follower", 1, CLARINET);
    follower.controller(0, 1, 10, 84);
    for (block, phrase) in (1..).zip(THEME) {
        follower.melody(block * 2 * BAR, 1, -12, 78, phrase);
    }
    follower.melody(end, 1, 0, 76, "a4/1");
    tracks.push(follower);

    let mut bass = Track::named("Ground", 2, PIZZICATO);
    for block in 0..BLOCKS {
        bass.melody(block * 2 * BAR, 2, 0, 90, GROUND);
    }
    bass.melody(end, 2, 0, 96, "d2/1");
    tracks.push(bass);

    let mut strings = Track::named("Strings", 3, STRINGS);
    for step in 0..BLOCKS * 4 {
        for note in CHORDS[step as usize % CHORDS.len()] {
            strings.melody(step * BAR / 2, 3, 0, 52, &format!("{note}/2"));
        }
        // Each chord swells with expression, and the second half of the piece with pressure too.
        for part in 0..8 {
            let at = step * BAR / 2 + part * BAR / 16;
            let swell = low7(4 * part);
            strings.controller(at, 3, 11, 80 + swell);
            if step >= BLOCKS * 2 {
                strings.event(at, &[0xd3, swell]);
            }
        }
    }
    // D major in the end.
    for note in ["f#4", "a4", "d4"] {
        strings.melody(end, 3, 0, 60, &format!("{note}/1"));
    }
    // A little more pressure on the third alone.
    strings.event(end + BAR / 2, &[0xa3, key("f#4"), 40]);
    tracks.push(strings);

    let mut drums = Track::named("Triangle", DRUMS, 0);
    for beat in 4..BLOCKS * 8 {
        let (key, velocity) = if beat % 8 == 4 { (81, 60) } else { (80, 30 + low7(beat % 3) * 8) };
        drums.note(beat * PPQ, PPQ / 4, DRUMS, key, velocity);
    }
    tracks.push(drums);

    file(1, tracks)
}

/// Tempo, metre, texts and SysEx.
fn conductor(end: u32) -> Track {
    let mut track = Track::default();
    track.text(0, 0x03, "Canon over four chords");
    track.text(0, 0x02, "The aseqd developers, MIT OR Apache-2.0");
    track.text(0, 0x01, "Written for aseqd; see compose.rs");
    track.meta(0, 0x58, &[4, 2, 24, 8]);
    // One flat, minor.
    track.meta(0, 0x59, &[0xff, 1]);
    track.tempo(0, 104);
    // General MIDI on, in one piece.
    track.event(0, &[0xf0, 5, 0x7e, 0x7f, 0x09, 0x01, 0xf7]);
    // Master volume, in three: the two others follow an eighth apart.
    track.event(PPQ / 2, &[0xf0, 3, 0x7f, 0x7f, 0x04]);
    track.event(PPQ, &[0xf7, 2, 0x01, 0x00]);
    track.event(PPQ * 3 / 2, &[0xf7, 2, 0x70, 0xf7]);
    for (block, mark) in (0..).zip(["first voice", "second voice", "eighths", "off beat", "runs"]) {
        track.text(block * 2 * BAR, 0x06, mark);
    }
    track.tempo(2 * 2 * BAR, 112);
    track.tempo(4 * 2 * BAR, 120);
    // Slower, beat by beat, in the last bar before the chord.
    for (beat, bpm) in (0..).zip([112, 104, 96, 84]) {
        track.tempo(end - BAR + beat * PPQ, bpm);
    }
    track.tempo(end, 72);
    track
}

/// Four seconds, format 0: a scale up and down on two channels, with one change of tempo.
pub(crate) fn scale() -> Vec<u8> {
    let mut track = Track::named("Scale", 0, 11);
    track.meta(0, 0x58, &[4, 2, 24, 8]);
    track.tempo(0, 120);
    track.event(0, &[0xf0, 5, 0x7e, 0x7f, 0x09, 0x01, 0xf7]);
    track.event(0, &[0xc1, 32]);
    track.controller(0, 0, 7, 100);
    track.melody(0, 0, 0, 90, "c5/8 d5/8 e5/8 f5/8 g5/8 a5/8 b5/8 c6/8");
    track.melody(BAR, 0, 0, 80, "c6/8 b5/8 a5/8 g5/8 f5/8 e5/8 d5/8 c5/8");
    track.melody(0, 1, 0, 70, "c3/4 g3/4 c3/4 g3/4 | c3/4 g3/4 c3/4 g3/4");
    track.bend(BAR + PPQ, 0, -8192);
    track.bend(BAR + 2 * PPQ, 0, 0);
    track.tempo(BAR, 150);
    track.melody(2 * BAR, 0, 0, 100, "c5/8");
    file(0, vec![track])
}

/// A track on the way: events with their ticks, in any order.
#[derive(Default)]
struct Track {
    /// Tick, rank among those of one tick, bytes.
    events: Vec<(u32, u8, Vec<u8>)>,
}

impl Track {
    fn named(name: &str, channel: u8, program: u8) -> Self {
        let mut track = Self::default();
        track.text(0, 0x03, name);
        track.event(0, &[0xc0 | channel, program]);
        track
    }

    fn event(&mut self, tick: u32, bytes: &[u8]) {
        // Note-offs before everything else of their tick, note-ons behind it.
        let rank = match bytes {
            [0x90..=0x9f, _, 0] | [0x80..=0x8f, ..] => 0,
            [0x90..=0x9f, ..] => 2,
            _ => 1,
        };
        self.events.push((tick, rank, bytes.to_vec()));
    }

    fn meta(&mut self, tick: u32, kind: u8, data: &[u8]) {
        let len = u8::try_from(data.len()).ok().filter(|len| *len < 0x80).expect("a short text");
        self.event(tick, &[&[0xff, kind, len], data].concat());
    }

    fn text(&mut self, tick: u32, kind: u8, text: &str) {
        self.meta(tick, kind, text.as_bytes());
    }

    fn tempo(&mut self, tick: u32, beats_per_minute: u32) {
        self.meta(tick, 0x51, &(60_000_000 / beats_per_minute).to_be_bytes()[1..]);
    }

    fn controller(&mut self, tick: u32, channel: u8, controller: u8, value: u8) {
        self.event(tick, &[0xb0 | channel, controller, value]);
    }

    fn bend(&mut self, tick: u32, channel: u8, bend: i16) {
        let value = u32::try_from(i32::from(bend) + 8192).expect("-8192 to 8191");
        self.event(tick, &[0xe0 | channel, low7(value), low7(value >> 7)]);
    }

    /// The end of the note is a note-on of velocity 0, so that running status lasts.
    fn note(&mut self, tick: u32, length: u32, channel: u8, key: u8, velocity: u8) {
        self.event(tick, &[0x90 | channel, key, velocity]);
        self.event(tick + length, &[0x90 | channel, key, 0]);
    }

    /// `name octave / part of a whole`, `r` for a rest, bars for the reader.
    fn melody(&mut self, tick: u32, channel: u8, transpose: i8, velocity: u8, notes: &str) {
        let mut tick = tick;
        for word in notes.split_whitespace().filter(|word| *word != "|") {
            let (name, part) = word.split_once('/').expect("note/part");
            let length = BAR / part.parse::<u32>().expect("a part of a whole");
            if name != "r" {
                let key = key(name).checked_add_signed(transpose).expect("a key");
                // Not quite to the next note.
                self.note(tick, length - length / 16, channel, key, velocity);
            }
            tick += length;
        }
    }

    fn bytes(mut self) -> Vec<u8> {
        self.events.sort_by_key(|(tick, rank, _)| (*tick, *rank));
        let last = self.events.last().map_or(0, |(tick, ..)| *tick);
        self.events.push((last, 3, vec![0xff, 0x2f, 0]));
        let (mut out, mut now, mut running) = (Vec::new(), 0, 0);
        for (tick, _, bytes) in self.events {
            write_length(&mut out, tick - now);
            now = tick;
            let status = bytes[0];
            let repeated = status == running && status < 0xf0;
            out.extend_from_slice(if repeated { &bytes[1..] } else { &bytes });
            // SysEx and texts end it.
            running = if status < 0xf0 { status } else { 0 };
        }
        out
    }
}

fn file(format: u8, tracks: Vec<Track>) -> Vec<u8> {
    let count = u8::try_from(tracks.len()).expect("few tracks");
    let [.., high, low] = PPQ.to_be_bytes();
    let mut out = b"MThd\0\0\0\x06".to_vec();
    out.extend([0, format, 0, count, high, low]);
    for track in tracks {
        let bytes = track.bytes();
        out.extend(b"MTrk");
        out.extend(u32::try_from(bytes.len()).expect("a short track").to_be_bytes());
        out.extend(bytes);
    }
    out
}

/// A number in groups of 7 bits, the highest first.
fn write_length(out: &mut Vec<u8>, value: u32) {
    for shift in [21, 14, 7] {
        if value >> shift != 0 {
            out.push(0x80 | low7(value >> shift));
        }
    }
    out.push(low7(value));
}

fn low7(value: u32) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

/// `c4` is 60; `#` and `b` after the letter.
fn key(name: &str) -> u8 {
    let (letter, rest) = name.split_at(1);
    let step: i32 = match letter {
        "c" => 0,
        "d" => 2,
        "e" => 4,
        "f" => 5,
        "g" => 7,
        "a" => 9,
        "b" => 11,
        _ => panic!("no note: {name}"),
    };
    let (shift, octave) = match rest.split_at(1) {
        ("#", octave) => (1, octave),
        ("b", octave) => (-1, octave),
        _ => (0, rest),
    };
    let octave: i32 = octave.parse().expect("an octave");
    u8::try_from(12 * (octave + 1) + step + shift).expect("a key")
}
