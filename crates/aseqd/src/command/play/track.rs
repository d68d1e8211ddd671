//! One track of a Standard MIDI File, parsed as it is played.

use super::source::{Source, Window};
use abi::event::{Control, EventData, Note};
use abi::{Event, EventType};
use midly::num::u4;
use midly::{EventIter, MetaMessage, MidiMessage, TrackEventKind};
use std::ops::Range;

/// What a track says, as far as a player is interested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A channel message.
    Event(Event),
    /// System exclusive bytes behind an `F0`.
    Sysex(Vec<u8>),
    /// Bytes to be sent as they are.
    Escape(Vec<u8>),
    /// Microseconds of a quarter from here on.
    Tempo(u32),
    /// The output for the track.
    Output(u8),
    /// The track is over.
    End,
    /// Nothing that is played.
    Other,
}

/// A track that is being read.
#[derive(Clone, Debug)]
pub(super) struct Track {
    window: Window,
    /// Status of the last channel message: many files let it run on behind texts and SysEx.
    status: Option<u8>,
    /// A SysEx has begun and not ended.
    pub(super) in_sysex: bool,
    pub(super) output: u8,
    pub(super) next: Option<Step>,
}

impl Track {
    pub(super) fn new(source: &Source, range: Range<u64>) -> Self {
        let window = Window::new(source, range);
        Self { window, status: None, in_sysex: false, output: 0, next: None }
    }

    /// The bytes that are not parsed yet.
    pub(super) fn unread(&self) -> u64 {
        self.window.unread()
    }

    /// The next step and the ticks before it.
    pub(super) fn fetch(&mut self) -> Option<(u32, Step)> {
        loop {
            let bytes = self.window.bytes();
            let there = bytes.len();
            let mut events = EventIter::new(bytes);
            *events.running_status_mut() = self.status;
            let event = events.next().and_then(Result::ok);
            let step = event.map(|event| (event.delta.as_int(), Step::of(event.kind)));
            let (left, status) = (events.unread().len(), events.running_status());
            // What needed all that is there might have needed more: midly takes a cut SysEx for a
            // short one.
            if left == 0 && self.window.grow() {
                continue;
            }
            let step = step?;
            self.status = status.or(self.status);
            self.window.consume(there - left);
            return Some(step);
        }
    }
}

impl Step {
    fn of(kind: TrackEventKind<'_>) -> Self {
        match kind {
            TrackEventKind::Midi { channel, message } => {
                Self::Event(channel_event(channel, message))
            }
            TrackEventKind::SysEx(data) => Self::Sysex(data.to_vec()),
            TrackEventKind::Escape(data) => Self::Escape(data.to_vec()),
            TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => Self::Tempo(tempo.as_int()),
            TrackEventKind::Meta(MetaMessage::MidiPort(port)) => Self::Output(port.as_int()),
            TrackEventKind::Meta(MetaMessage::EndOfTrack) => Self::End,
            TrackEventKind::Meta(_) => Self::Other,
        }
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
