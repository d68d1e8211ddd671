//! A Standard MIDI File as one stream of events in order of time.
//!
//! Nothing is read or unpacked ahead: the tracks are read and parsed as they are merged, so the first
//! event of a large file is there at once, and memory does not grow with the file. Damage ends a track, not
//! the song; what was damaged is said afterwards, by [`Song::complaints`].

use super::source::{Chunks, Kind, Source};
use super::tempo::{DEFAULT_TEMPO_US, QueueTiming, TempoMap};
use super::track::{Step, Track};
use abi::Event;
use engine::midi::bytes::{Decoder, Encoder, SYSEX_PIECE, Unused};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

/// Complaints kept; a file can have 65535 tracks.
const MAX_COMPLAINTS: usize = 5;

/// Bytes that a MIDI file begins with: MThd and the length of its header.
const HEADER: usize = 8;

/// One event of the song and its tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timed {
    /// From the start of the song, in ticks of its queue.
    pub(crate) tick: u32,
    /// Number of the output that the track asks for, 0 if it does not.
    pub(crate) output: u8,
    pub(crate) what: What,
}

/// What happens in a song.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// An event without data, direct and from nobody: the player addresses it.
    Event(Event),
    /// System exclusive bytes, or bytes that the file wants to be sent as they are.
    Sysex {
        /// An `F0` comes before the bytes, which the file does not repeat.
        start: bool,
        data: Vec<u8>,
    },
    /// Microseconds of a quarter from here on; never 0.
    Tempo(u32),
}

/// A song that is being read.
#[derive(Clone, Debug)]
pub(crate) struct Song {
    timing: QueueTiming,
    tempo_counts: bool,
    sequential: bool,
    tracks: Vec<Track>,
    /// Tick and number of the tracks that have something next; the earliest is on top.
    heap: BinaryHeap<Reverse<(u32, usize)>>,
    /// What one packet of the file turned into, if it was more than one event.
    ready: VecDeque<Timed>,
    end: u32,
    complaints: Vec<String>,
}

impl Song {
    /// A song in memory.
    ///
    /// # Errors
    /// A sentence, if it is not a MIDI file or has nothing to be played.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        Self::read(&Source::memory(bytes))
    }

    /// Reads the header and the first event of each track.
    ///
    /// # Errors
    /// A sentence about the file, if it is not a MIDI file or has nothing to be played.
    pub(crate) fn read(source: &Source) -> Result<Self, String> {
        let not_midi = |why: &str| format!("not a MIDI file: {why}");
        let cannot = |error| format!("it cannot be read: {error}");
        let mut range = 0..source.len();
        if source.first(0, 4).map_err(cannot)? == b"RIFF" {
            let none = || not_midi("no MIDI data in its RIFF");
            let kind = source.first(8, 4).map_err(cannot)?;
            let mut chunks = Chunks::new(source, Kind::Riff, 12.min(range.end)..range.end);
            let data = chunks.find(|(id, _)| kind == b"RMID" && id == b"data");
            range = data.ok_or_else(none)?.1;
        }
        let start = source.first(range.start, HEADER).map_err(cannot)?;
        if !start.starts_with(b"MThd") || range.end - range.start < 4 {
            return Err(not_midi("it does not begin with MThd"));
        }
        let mut chunks = Chunks::new(source, Kind::Midi, range);
        let header = chunks.next().map(|(_, range)| range).unwrap_or_default();
        let header = source.first(
            header.start,
            usize::try_from(header.end - header.start).unwrap_or(usize::MAX).min(6),
        );
        let Ok(&[0, format @ 0..=2, count_high, count_low, high, low]) = header.as_deref() else {
            return Err(not_midi("its header is too short or of an unknown format"));
        };
        let timing = QueueTiming::of([high, low]).map_err(|why| format!("not playable: {why}"))?;
        let announced = usize::from(u16::from_be_bytes([count_high, count_low]));
        // The header cannot announce more than that.
        let tracks: Vec<_> = chunks
            .filter(|(id, _)| id == b"MTrk")
            .take(usize::from(u16::MAX))
            .map(|(_, range)| Track::new(source, range))
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
        let unread = track.unread();
        let complaint = match track.fetch() {
            Some((delta, step)) => match tick.checked_add(delta) {
                Some(tick) => {
                    track.next = Some(step);
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
    fn convert(&mut self, number: usize, tick: u32, step: Step) {
        let track = &mut self.tracks[number];
        let output = track.output;
        let what = match step {
            Step::Event(event) => What::Event(event),
            Step::Sysex(data) => {
                track.in_sysex = data.last() != Some(&0xf7);
                What::Sysex { start: true, data }
            }
            Step::Escape(data) if data.is_empty() => return,
            Step::Escape(data) if track.in_sysex => {
                track.in_sysex = data.last() != Some(&0xf7);
                What::Sysex { start: false, data }
            }
            Step::Escape(data) => {
                if let Some(events) = whole_messages(&data) {
                    let events = events.into_iter().map(What::Event);
                    self.ready.extend(events.map(|what| Timed { tick, output, what }));
                    return;
                }
                What::Sysex { start: false, data }
            }
            Step::Tempo(_) if !self.tempo_counts => return,
            Step::Tempo(0) => {
                return self.complain(format!("the tempo of 0 at tick {tick} is left out"));
            }
            Step::Tempo(tempo_us) => What::Tempo(tempo_us),
            Step::Output(output) => {
                track.output = output;
                return;
            }
            Step::End | Step::Other => return,
        };
        self.ready.push_back(Timed { tick, output, what });
    }
}

impl Iterator for Song {
    type Item = Timed;

    fn next(&mut self) -> Option<Timed> {
        loop {
            if let Some(timed) = self.ready.pop_front() {
                return Some(timed);
            }
            let Reverse((tick, number)) = self.heap.pop()?;
            self.end = self.end.max(tick);
            let step = self.tracks[number].next.take()?;
            let ends = step == Step::End;
            self.convert(number, tick, step);
            if ends || !self.advance(number, tick) {
                self.track_is_over(number, tick);
            }
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
    use abi::EventType;
    use abi::event::{Control, EventData, Note};
    use proptest::prelude::*;
    use std::io::Write as _;

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

    /// As memory, as memory in pieces of that size, and as a file in such pieces.
    fn check_sources(bytes: &[u8], piece: usize) -> Result<(), TestCaseError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let file = Source::open(file.path()).unwrap();
        let memory = Source::memory(bytes);
        let whole = Song::read(&memory).map(listed);
        for source in [memory.in_pieces(piece), file.in_pieces(piece)] {
            match (&whole, Song::read(&source).map(listed)) {
                (Ok((events, song)), Ok((others, other))) => {
                    prop_assert_eq!(events, &others);
                    prop_assert_eq!(song.end(), other.end());
                    prop_assert_eq!(song.complaints(), other.complaints());
                }
                (Err(why), Err(other)) => prop_assert_eq!(why, &other),
                (_, other) => prop_assert!(false, "{:?}", other.map(|(events, _)| events)),
            }
        }
        Ok(())
    }

    #[test]
    fn events_longer_than_a_piece_are_whole() {
        let long: Vec<u8> = (0..20_000_u32).map(|number| number.to_le_bytes()[0] & 0x7f).collect();
        // 20001 as a variable-length number.
        let sysex = [&[0, 0xf0, 0x81, 0x9c, 0x21][..], &long, &[0xf7]].concat();
        let text = [&[0, 0xff, 1, 0x81, 0x9c, 0x20][..], &long].concat();
        let bytes = file(0, PPQ_96, &[&track(&[&sysex, &text, &[3, 0x90, 60, 1]])]);
        let (events, _) = play(&bytes);
        assert_eq!(events.len(), 2);
        assert_eq!(events[1], "3 NOTEON 0 60 1");
        for piece in [1, 7, 4096, 1 << 20] {
            check_sources(&bytes, piece).unwrap();
        }
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
            piece in 1_usize..200,
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
            check_sources(&bytes, piece)?;
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
