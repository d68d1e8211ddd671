//! A Standard MIDI File as one stream of events in order of time.
//!
//! Nothing is unpacked ahead: the tracks are parsed as they are merged, so the first event of a
//! large file is there at once, and memory does not grow with the file. Damage ends a track, not
//! the song; what was damaged is said afterwards, by [`Song::complaints`].

use super::tempo::{DEFAULT_TEMPO_US, QueueTiming, TempoMap};
use abi::event::{Control, EventData, Note};
use abi::{Event, EventType};
use engine::midi::bytes::{Decoder, Encoder, SYSEX_PIECE, Unused};
use midly::num::u4;
use midly::{EventIter, MetaMessage, MidiMessage, TrackEventKind};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

/// Complaints kept; a file can have 65535 tracks.
const MAX_COMPLAINTS: usize = 5;

/// One event of the song and its tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timed<'a> {
    /// From the start of the song, in ticks of its queue.
    pub(crate) tick: u32,
    /// Number of the output that the track asks for, 0 if it does not.
    pub(crate) output: u8,
    pub(crate) what: What<'a>,
}

/// What happens in a song.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What<'a> {
    /// An event without data, direct and from nobody: the player addresses it.
    Event(Event),
    /// System exclusive bytes, or bytes that the file wants to be sent as they are.
    Sysex {
        /// An `F0` comes before the bytes, which the file does not repeat.
        start: bool,
        data: &'a [u8],
    },
    /// Microseconds of a quarter from here on; never 0.
    Tempo(u32),
}

/// A song that is being read.
#[derive(Clone, Debug)]
pub(crate) struct Song<'a> {
    timing: QueueTiming,
    tempo_counts: bool,
    sequential: bool,
    tracks: Vec<Track<'a>>,
    /// Tick and number of the tracks that have something next; the earliest is on top.
    heap: BinaryHeap<Reverse<(u32, usize)>>,
    /// What one packet of the file turned into, if it was more than one event.
    ready: VecDeque<Timed<'a>>,
    end: u32,
    complaints: Vec<String>,
}

#[derive(Clone, Debug)]
struct Track<'a> {
    events: EventIter<'a>,
    /// Status of the last channel message: many files let it run on behind texts and SysEx.
    status: Option<u8>,
    /// A SysEx has begun and not ended.
    in_sysex: bool,
    output: u8,
    next: Option<TrackEventKind<'a>>,
}

impl<'a> Song<'a> {
    /// Reads the header and the first event of each track.
    ///
    /// # Errors
    /// A sentence about the file, if it is not a MIDI file or has nothing to be played.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let not_midi = |why: &str| format!("not a MIDI file: {why}");
        let bytes = match bytes.strip_prefix(b"RIFF") {
            Some(riff) => riff_data(riff).ok_or_else(|| not_midi("no MIDI data in its RIFF"))?,
            None => bytes,
        };
        if !bytes.starts_with(b"MThd") {
            return Err(not_midi("it does not begin with MThd"));
        }
        let mut chunks = Chunks(bytes);
        let Some((_, &[0, format @ 0..=2, count_high, count_low, high, low, ..])) = chunks.next()
        else {
            return Err(not_midi("its header is too short or of an unknown format"));
        };
        let timing = QueueTiming::of([high, low]).map_err(|why| format!("not playable: {why}"))?;
        let announced = usize::from(u16::from_be_bytes([count_high, count_low]));
        // The header cannot announce more than that.
        let tracks: Vec<_> = chunks
            .filter(|(id, _)| *id == b"MTrk")
            .take(usize::from(u16::MAX))
            .map(|(_, bytes)| Track::new(bytes))
            .collect();
        if tracks.is_empty() {
            return Err("not playable: it has no tracks".to_owned());
        }
        let mut song = Self {
            timing,
            tempo_counts: high < 0x80,
            sequential: format == 2,
            tracks,
            heap: BinaryHeap::new(),
            ready: VecDeque::new(),
            end: 0,
            complaints: Vec::new(),
        };
        if song.tracks.len() < announced {
            let found = song.tracks.len();
            song.complain(format!("{announced} tracks are announced, {found} are there"));
        }
        if song.sequential {
            let _any = (0..song.tracks.len()).any(|number| song.advance(number, 0));
        } else {
            for number in 0..song.tracks.len() {
                song.advance(number, 0);
            }
        }
        Ok(song)
    }

    /// How the queue must be set before the first event.
    pub(crate) fn timing(&self) -> QueueTiming {
        self.timing
    }

    /// The last tick seen: when the stream has ended, the song's length.
    pub(crate) fn end(&self) -> u32 {
        self.end
    }

    /// What was wrong with the part of the file that was read.
    pub(crate) fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// Reads the rest and says how long the song is. The second figure is the number of events.
    pub(crate) fn measure(mut self) -> (Duration, u64) {
        let mut map = TempoMap::new(self.timing);
        let mut events = 0;
        for Timed { tick, what, .. } in self.by_ref() {
            match what {
                What::Tempo(tempo_us) => map.change(tick, tempo_us),
                What::Event(_) | What::Sysex { .. } => events += 1,
            }
        }
        (map.time_of(self.end), events)
    }

    /// Fetches the next event of a track, whose last one was at `tick`. False: there is none.
    fn advance(&mut self, number: usize, tick: u32) -> bool {
        let track = &mut self.tracks[number];
        let unread = track.events.unread().len();
        let complaint = match track.fetch() {
            Some((delta, kind)) => match tick.checked_add(delta) {
                Some(tick) => {
                    track.next = Some(kind);
                    self.heap.push(Reverse((tick, number)));
                    return true;
                }
                None => format!("track {} goes beyond tick 2^32", number + 1),
            },
            None if unread > 0 => {
                format!("track {} is damaged, its last {unread} bytes are left out", number + 1)
            }
            None => format!("track {} does not say that it ends", number + 1),
        };
        self.complain(complaint);
        false
    }

    /// The tracks of format 2 follow one another, each with a tempo of its own.
    fn track_is_over(&mut self, number: usize, tick: u32) {
        if !self.sequential {
            return;
        }
        let more = (number + 1..self.tracks.len()).any(|next| self.advance(next, tick));
        if more && self.tempo_counts {
            let what = What::Tempo(DEFAULT_TEMPO_US);
            self.ready.push_back(Timed { tick, output: 0, what });
        }
    }

    fn complain(&mut self, complaint: String) {
        if self.complaints.len() < MAX_COMPLAINTS {
            self.complaints.push(complaint);
        }
    }

    /// Makes what the player needs of an event of the file; much of it is of no interest.
    fn convert(&mut self, number: usize, tick: u32, kind: TrackEventKind<'a>) {
        let track = &mut self.tracks[number];
        let output = track.output;
        let what = match kind {
            TrackEventKind::Midi { channel, message } => {
                What::Event(channel_event(channel, message))
            }
            TrackEventKind::SysEx(data) => {
                track.in_sysex = data.last() != Some(&0xf7);
                What::Sysex { start: true, data }
            }
            TrackEventKind::Escape([]) => return,
            TrackEventKind::Escape(data) if track.in_sysex => {
                track.in_sysex = data.last() != Some(&0xf7);
                What::Sysex { start: false, data }
            }
            TrackEventKind::Escape(data) => {
                if let Some(events) = whole_messages(data) {
                    let events = events.into_iter().map(What::Event);
                    self.ready.extend(events.map(|what| Timed { tick, output, what }));
                    return;
                }
                What::Sysex { start: false, data }
            }
            TrackEventKind::Meta(MetaMessage::Tempo(tempo)) if self.tempo_counts => {
                match tempo.as_int() {
                    0 => {
                        return self.complain(format!("the tempo of 0 at tick {tick} is left out"));
                    }
                    tempo_us => What::Tempo(tempo_us),
                }
            }
            TrackEventKind::Meta(MetaMessage::MidiPort(port)) => {
                track.output = port.as_int();
                return;
            }
            TrackEventKind::Meta(_) => return,
        };
        self.ready.push_back(Timed { tick, output, what });
    }
}

impl<'a> Iterator for Song<'a> {
    type Item = Timed<'a>;

    fn next(&mut self) -> Option<Timed<'a>> {
        loop {
            if let Some(timed) = self.ready.pop_front() {
                return Some(timed);
            }
            let Reverse((tick, number)) = self.heap.pop()?;
            self.end = self.end.max(tick);
            let kind = self.tracks[number].next.take()?;
            self.convert(number, tick, kind);
            let ends = kind == TrackEventKind::Meta(MetaMessage::EndOfTrack);
            if ends || !self.advance(number, tick) {
                self.track_is_over(number, tick);
            }
        }
    }
}

impl<'a> Track<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { events: EventIter::new(bytes), status: None, in_sysex: false, output: 0, next: None }
    }

    /// The next event and the ticks before it.
    fn fetch(&mut self) -> Option<(u32, TrackEventKind<'a>)> {
        let running = self.events.running_status_mut();
        if running.is_none() {
            *running = self.status;
        }
        let event = self.events.next()?.ok()?;
        self.status = self.events.running_status().or(self.status);
        Some((event.delta.as_int(), event.kind))
    }
}

/// The chunks of a file: four letters, a length, the bytes; the last one may be cut off. Walked
/// here because midly 0.5 panics over a frame rate of 128.
#[derive(Clone)]
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (id, rest) = self.0.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let len = usize::try_from(u32::from_be_bytes(*len)).ok()?.min(rest.len());
        let (bytes, rest) = rest.split_at(len);
        self.0 = rest;
        Some((id, bytes))
    }
}

/// The MIDI file inside a RIFF file, of which the first four letters are read.
fn riff_data(bytes: &[u8]) -> Option<&[u8]> {
    let (_len, rest) = bytes.split_first_chunk::<4>()?;
    let mut rest = rest.strip_prefix(b"RMID")?;
    loop {
        let (id, after) = rest.split_first_chunk::<4>()?;
        let (len, after) = after.split_first_chunk()?;
        let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
        if id == b"data" {
            return Some(&after[..len.min(after.len())]);
        }
        // Chunks are padded to even lengths.
        rest = after.get(len.checked_next_multiple_of(2)?..)?;
    }
}

fn channel_event(channel: u4, message: MidiMessage) -> Event {
    let channel = channel.as_int();
    let note = |event_type, key: midly::num::u7, velocity: midly::num::u7| {
        let (note, velocity) = (key.as_int(), velocity.as_int());
        let data = EventData::from_note(Note { channel, note, velocity, ..Note::default() });
        Event { data, ..Event::direct(event_type) }
    };
    let control = |event_type, param: u8, value: i32| {
        let param = u32::from(param);
        let data = EventData::from_control(Control { channel, param, value });
        Event { data, ..Event::direct(event_type) }
    };
    match message {
        MidiMessage::NoteOff { key, vel } => note(EventType::NOTEOFF, key, vel),
        MidiMessage::NoteOn { key, vel } => note(EventType::NOTEON, key, vel),
        MidiMessage::Aftertouch { key, vel } => note(EventType::KEYPRESS, key, vel),
        MidiMessage::Controller { controller, value } => {
            control(EventType::CONTROLLER, controller.as_int(), i32::from(value.as_int()))
        }
        MidiMessage::ProgramChange { program } => {
            control(EventType::PGMCHANGE, 0, i32::from(program.as_int()))
        }
        MidiMessage::ChannelAftertouch { vel } => {
            control(EventType::CHANPRESS, 0, i32::from(vel.as_int()))
        }
        MidiMessage::PitchBend { bend } => {
            control(EventType::PITCHBEND, 0, i32::from(bend.as_int()))
        }
    }
}

/// Escaped bytes as events, if they are exactly whole messages other than SysEx.
fn whole_messages(bytes: &[u8]) -> Option<Vec<Event>> {
    let mut decoder = Decoder::new(SYSEX_PIECE, Unused::Zero);
    let mut encoder = Encoder::new(false, usize::MAX);
    let mut again = Vec::new();
    let mut events = Vec::new();
    for decoded in decoder.decode(bytes) {
        encoder.encode(&decoded.event, &[], &mut again);
        events.push(decoded.event);
    }
    (!events.is_empty() && again == bytes).then_some(events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ETUDE: &[u8] = include_bytes!("../../../../../songs/etude.mid");
    const SCALE: &[u8] = include_bytes!("../../../../../songs/scale.mid");

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

    fn play(bytes: &[u8]) -> (Vec<String>, Song<'_>) {
        let mut song = Song::parse(bytes).unwrap();
        let mut out = Vec::new();
        for Timed { tick, what, .. } in song.by_ref() {
            out.push(match what {
                What::Event(event) => {
                    let data = &event.data.0;
                    format!("{tick} {:?} {} {} {}", event.event_type, data[0], data[1], data[2])
                }
                What::Sysex { start, data } => format!("{tick} sysex {start} {data:02x?}"),
                What::Tempo(tempo) => format!("{tick} tempo {tempo}"),
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

    fn play_owned(bytes: &[u8]) -> (Vec<String>, (u32, Vec<String>)) {
        let (events, song) = play(bytes);
        (events, (song.end(), song.complaints().to_vec()))
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
        assert_eq!(complaints, ["the tempo of 0 at tick 0 is left out"]);
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
        let one = track(&[]);
        assert_eq!(refused(b""), "not a MIDI file: it does not begin with MThd");
        assert_eq!(refused(b"#!/bin/sh"), "not a MIDI file: it does not begin with MThd");
        let header = "not a MIDI file: its header is too short or of an unknown format";
        assert_eq!(refused(b"MThd"), header);
        assert_eq!(refused(b"MThd\0\0\0\x06\0\x07\0\x01\0\x60"), header);
        assert_eq!(refused(b"RIFF\0\0\0\0WAVE"), "not a MIDI file: no MIDI data in its RIFF");
        let frames = "not playable: its header speaks of 128 frames a second";
        assert_eq!(refused(&file(0, [0x80, 4], &[&one])), frames);
        assert_eq!(refused(&file(1, PPQ_96, &[])), "not playable: it has no tracks");
        let zero = "not playable: its header says that a quarter or a frame has 0 ticks";
        assert_eq!(refused(&file(0, [0, 0], &[&one])), zero);
        assert_eq!(refused(&file(0, [0xe8, 0], &[&one])), zero);
    }

    #[test]
    fn damage_ends_a_track_and_is_said() {
        let good = track(&[&[0, 0xc0, 1], &[9, 0xc0, 2]]);
        let bad = [&[0, 0xc1, 1][..], &[1, 0xf4], &[0, 0xc1, 2]].concat();
        let (events, (_, complaints)) = play_owned(&file(1, PPQ_96, &[&bad, &good]));
        assert_eq!(events, ["0 PGMCHANGE 1 0 0", "0 PGMCHANGE 0 0 0", "9 PGMCHANGE 0 0 0"]);
        assert_eq!(complaints, ["track 1 is damaged, its last 5 bytes are left out"]);
        let mut short = file(1, PPQ_96, &[&good, &good]);
        short.truncate(short.len() - good.len() - 8);
        let (events, (_, complaints)) = play_owned(&short);
        assert_eq!(events.len(), 2);
        assert_eq!(complaints, ["2 tracks are announced, 1 are there"]);
        let (_, (_, complaints)) = play_owned(&file(0, PPQ_96, &[&[0, 0xc0, 1]]));
        assert_eq!(complaints, ["track 1 does not say that it ends"]);
    }

    #[test]
    fn a_song_beyond_the_last_tick_ends_there() {
        let long = [0xff, 0xff, 0xff, 0x7f, 0xc0, 1];
        let (events, (end, complaints)) = play_owned(&file(0, PPQ_96, &[&long.repeat(17)]));
        assert_eq!(events.len(), 16);
        assert_eq!(end, 16 * 0x0fff_ffff);
        assert_eq!(complaints, ["track 1 goes beyond tick 2^32"]);
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
            assert!(song.complaints().is_empty(), "{:?}", song.complaints());
            assert!(events.len() > 50);
            let (length, _) = Song::parse(bytes).unwrap().measure();
            assert!(seconds.contains(&length.as_secs()), "{length:?}");
        }
    }

    /// Ticks never go back, tempos are never 0, and it ends.
    fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
        let Ok(mut song) = Song::parse(bytes) else { return Ok(()) };
        let _length = song.clone().measure();
        let mut last = 0;
        for Timed { tick, what, .. } in song.by_ref() {
            prop_assert!(tick >= last);
            prop_assert!(what != What::Tempo(0));
            last = tick;
        }
        prop_assert!(song.next().is_none());
        prop_assert!(song.end() >= last);
        prop_assert!(song.complaints().len() <= MAX_COMPLAINTS);
        Ok(())
    }

    proptest! {
        #[test]
        fn a_mutated_song_never_panics(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
            cut in any::<prop::sample::Index>(),
            cut_it: bool,
        ) {
            let mut bytes = ETUDE.to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if cut_it {
                bytes.truncate(cut.index(bytes.len()));
            }
            check(&bytes)?;
        }

        #[test]
        fn any_tracks_never_panic(
            format in 0_u8..3,
            division: [u8; 2],
            tracks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..6),
        ) {
            let tracks: Vec<_> = tracks.iter().map(Vec::as_slice).collect();
            check(&file(format, division, &tracks))?;
        }

        #[test]
        fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            check(&bytes)?;
            check(&[b"MThd\0\0\0\x06\0\x01\0\x02\0\x60MTrk", bytes.as_slice()].concat())?;
            check(&[b"RIFF\xff\0\0\0RMIDdata", bytes.as_slice()].concat())?;
        }
    }
}
