//! Turns a Standard MIDI File or a MIDI clip file into events for the sequencer, in the order of their times.
//!
//! The file is read while it is played, so the first event of a large file is available at once, and memory does not
//! grow with the file. [`Song::findings`] says afterwards what was wrong with it.

use super::tempo::{DEFAULT_TEMPO_US, QueueTiming, TempoMap};
use crate::time_signature::TimeSignature;
use aseqd_abi::event::{Control, EventData, Note};
use aseqd_abi::{Event, EventType};
use aseqd_midi::{Decoder, Encoder, SYSEX_PIECE, Unused};
use aseqd_smf::{
    ChannelMessage, Clip, ClipEvent, Division, EventKind, File, Findings, Format, Merged, Meta,
    ReadError, Source, SysEx, Voice,
};
use std::collections::VecDeque;
use std::time::Duration;

/// One step of a song, and its tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timed {
    /// From the start of the song, in ticks of its queue.
    pub(crate) tick: u32,
    /// The output that the track asks for; 0 if it asks for none.
    pub(crate) output: u8,
    pub(crate) what: What,
}

/// What a step of a song does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// An event of fixed length. The player sets its addresses and its time.
    Event(Event),
    /// The bytes of a SysEx, or bytes that the file wants sent as they are.
    Sysex {
        /// Whether an `F0` must be sent first: the file does not have it among the bytes.
        start: bool,
        data: Vec<u8>,
        /// Whether the rest of the message follows in the next step, because the reader has cut it.
        split: bool,
    },
    /// A UMP packet. The player sets its addresses and its time.
    Packet([u32; 4]),
    /// Sets the tempo: microseconds of a quarter note, never 0.
    Tempo(u32),
    /// Begins bars of another length. Nothing is sent.
    TimeSignature(TimeSignature),
    /// A text for people. Nothing is sent.
    Text {
        /// The type of its meta event: 5 for a lyric, 6 for a marker.
        kind: u8,
        text: Vec<u8>,
    },
    /// A message for every output: of a MIDI clock.
    ToAll(EventType),
    /// The start of a MIDI clock, this many sixteenth notes from the start of the song.
    Start { sixteenths: u64 },
}

/// The events of a file.
#[derive(Clone, Debug)]
enum Events {
    Tracks(Merged),
    Clip(Clip),
}

/// A song that is being read.
#[derive(Clone, Debug)]
pub(crate) struct Song {
    timing: QueueTiming,
    /// Whether the file's tempo counts: not if its ticks are parts of frames.
    tempo_counts: bool,
    /// Whether the tracks follow one another (format 2).
    sequential: bool,
    events: Events,
    /// The output that each track asks for.
    outputs: Vec<u8>,
    /// The track of the last event.
    track: Option<usize>,
    /// Steps that have been read and not yet returned. One event of the file can be several.
    ready: VecDeque<Timed>,
    /// The last tick so far.
    end: u32,
}

impl Song {
    /// Reads the header of a song in memory.
    ///
    /// # Errors
    /// A message if it is not a MIDI file or has no track.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        Self::read(&Source::memory(bytes))
    }

    /// Reads the header and finds the tracks.
    ///
    /// # Errors
    /// A message if it is not a MIDI file, has no track, or cannot be read.
    pub(crate) fn read(source: &Source) -> Result<Self, String> {
        let file = match File::read(source) {
            Err(ReadError::NotMidi(why)) => {
                return match Clip::read(source) {
                    Ok(clip) => Ok(Self::of_clip(clip)),
                    Err(_) => Err(ReadError::NotMidi(why).to_string()),
                };
            }
            read => read.map_err(|error| error.to_string())?,
        };
        let header = file.header();
        Ok(Self {
            timing: QueueTiming::of(header.division),
            tempo_counts: matches!(header.division, Division::Quarter(_)),
            sequential: header.format == Format::Sequential,
            events: Events::Tracks(file.into_merged()),
            outputs: Vec::new(),
            track: None,
            ready: VecDeque::new(),
            end: 0,
        })
    }

    fn of_clip(clip: Clip) -> Self {
        Self {
            timing: QueueTiming::of(Division::Quarter(clip.ticks_per_quarter())),
            tempo_counts: true,
            sequential: false,
            events: Events::Clip(clip),
            outputs: Vec::new(),
            track: None,
            ready: VecDeque::new(),
            end: 0,
        }
    }

    /// Returns whether the song has UMP packets, which only clients that speak UMP can send.
    pub(crate) fn is_clip(&self) -> bool {
        matches!(self.events, Events::Clip(_))
    }

    /// Returns how the queue must be set before the first event.
    pub(crate) fn timing(&self) -> QueueTiming {
        self.timing
    }

    /// Returns whether the ticks are parts of quarter notes, so that there are tempos and bars.
    pub(crate) fn has_tempo(&self) -> bool {
        self.tempo_counts
    }

    /// Puts back a step that was just taken: it comes again.
    pub(crate) fn unread(&mut self, timed: Timed) {
        self.ready.push_front(timed);
    }

    /// Returns the last tick so far: once all events were read, the song's length.
    pub(crate) fn end(&self) -> u32 {
        self.end
    }

    /// Returns what was wrong with the part of the file that was read.
    pub(crate) fn findings(&self) -> Findings {
        match &self.events {
            Events::Tracks(merged) => merged.findings(),
            Events::Clip(clip) => clip.findings().clone(),
        }
    }

    /// Reads the rest of the song. Returns its length and the number of its events, without changes of tempo.
    pub(crate) fn measure(mut self) -> (Duration, u64) {
        let mut map = TempoMap::new(self.timing);
        let mut events = 0;
        for Timed { tick, what, .. } in self.by_ref() {
            match what {
                What::Tempo(tempo_us) => map.change(tick, tempo_us),
                What::Event(_) | What::Sysex { .. } | What::Packet(_) => events += 1,
                _ => {}
            }
        }
        (map.time_of(self.end), events)
    }

    /// Returns the output that a track asks for.
    fn output(&mut self, track: usize) -> &mut u8 {
        if self.outputs.len() <= track {
            self.outputs.resize(track + 1, 0);
        }
        &mut self.outputs[track]
    }

    /// Turns a packet of a clip into steps. A tempo is for the queue, and for receivers that want to know it.
    fn take(&mut self, event: ClipEvent) {
        let ClipEvent { tick, words, .. } = event;
        self.end = self.end.max(tick);
        if let Some(tempo_10ns) = event.tempo_10ns() {
            // The queue takes whole microseconds.
            let what = What::Tempo(tempo_10ns.saturating_add(50).div_euclid(100).max(1));
            self.ready.push_back(Timed { tick, output: 0, what });
        }
        // Flex data: setup, time signature.
        if words[0] & 0xf000_ffff == 0xd000_0001 {
            let [numerator, denominator_power, ..] = words[1].to_be_bytes();
            let signature = TimeSignature { numerator: numerator.max(1), denominator_power };
            self.ready.push_back(Timed { tick, output: 0, what: What::TimeSignature(signature) });
        }
        let [kind, ..] = words[0].to_be_bytes();
        let groupless = matches!(kind >> 4, 0 | 15);
        let output = if groupless { 0 } else { kind & 15 };
        self.ready.push_back(Timed { tick, output, what: What::Packet(words) });
    }

    /// Turns an event of the file into steps. Most meta events have none.
    fn convert(&mut self, track: usize, tick: u32, kind: EventKind) {
        let output = *self.output(track);
        let what = match kind {
            EventKind::Channel(message) => What::Event(channel_event(message)),
            EventKind::SysEx(SysEx { data, start: false, .. }) if data.is_empty() => return,
            EventKind::SysEx(SysEx { start, data, split }) => What::Sysex { start, data, split },
            EventKind::Escape(data) if data.is_empty() => return,
            EventKind::Escape(data) => {
                if let Some(events) = whole_messages(&data) {
                    let events = events.into_iter().map(What::Event);
                    self.ready.extend(events.map(|what| Timed { tick, output, what }));
                    return;
                }
                What::Sysex { start: false, data, split: false }
            }
            EventKind::Meta(Meta::Tempo(tempo_us)) if self.tempo_counts && tempo_us > 0 => {
                What::Tempo(tempo_us)
            }
            EventKind::Meta(Meta::TimeSignature { numerator, denominator_power, .. }) => {
                // A bar without beats cannot be shown.
                let numerator = numerator.max(1);
                What::TimeSignature(TimeSignature { numerator, denominator_power })
            }
            EventKind::Meta(Meta::Text { kind, text }) => What::Text { kind, text },
            EventKind::Meta(Meta::Port(port)) => {
                *self.output(track) = port;
                return;
            }
            EventKind::Meta(_) => return,
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
            let merged = match &mut self.events {
                Events::Tracks(merged) => merged,
                Events::Clip(clip) => {
                    let event = clip.next()?;
                    self.take(event);
                    continue;
                }
            };
            let (track, event) = merged.next()?;
            let base = merged.base();
            // Each track of format 2 has a tempo of its own, and begins with the default.
            let last = self.track.replace(track).unwrap_or(track);
            if self.sequential && self.tempo_counts && track != last {
                let what = What::Tempo(DEFAULT_TEMPO_US);
                self.ready.push_back(Timed { tick: base, output: 0, what });
            }
            self.end = self.end.max(event.tick);
            self.convert(track, event.tick, event.kind);
        }
    }
}

fn channel_event(ChannelMessage { channel, voice }: ChannelMessage) -> Event {
    let note = |event_type, note, velocity| {
        let data = EventData::from_note(Note { channel, note, velocity, ..Note::default() });
        Event { data, ..Event::direct(event_type) }
    };
    let control = |event_type, param: u8, value: i32| {
        let param = u32::from(param);
        let data = EventData::from_control(Control { channel, param, value });
        Event { data, ..Event::direct(event_type) }
    };
    match voice {
        Voice::NoteOff { key, velocity } => note(EventType::NOTEOFF, key, velocity),
        Voice::NoteOn { key, velocity } => note(EventType::NOTEON, key, velocity),
        Voice::KeyPressure { key, pressure } => note(EventType::KEYPRESS, key, pressure),
        Voice::Control { controller, value } => {
            control(EventType::CONTROLLER, controller, value.into())
        }
        Voice::Program { program } => control(EventType::PGMCHANGE, 0, program.into()),
        Voice::ChannelPressure { pressure } => control(EventType::CHANPRESS, 0, pressure.into()),
        Voice::PitchBend { bend } => control(EventType::PITCHBEND, 0, bend.into()),
    }
}

/// Returns escaped bytes as events if they are whole messages other than SysEx, and nothing else.
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
mod tests;
