//! What a link does to the events that pass it.

use aseqd_abi::event::EventData;
use aseqd_abi::{Event, EventType};
use std::collections::BTreeMap;

/// How many channels there are.
const CHANNELS: u8 = 16;
/// The largest value of a data byte.
const MAX: i32 = 127;

/// What is done to the events of one connection. The default changes nothing.
///
/// Events without a channel, such as SysEx and clocks, pass unless the link is muted. The same event always becomes the
/// same event, so the end of a note meets its beginning.
///
/// ```
/// use aseqd_abi::event::{EventData, Note};
/// use aseqd_abi::{Event, EventType};
/// use aseqd_rules::{Transform, Velocity};
///
/// let transform = Transform {
///     to_channel: Some(9),
///     transpose: 12,
///     velocity: Velocity { scale: 0.5, ..Velocity::default() },
///     ..Transform::default()
/// };
/// let note = Note { channel: 0, note: 60, velocity: 100, ..Note::default() };
/// let event = Event { data: EventData::from_note(note), ..Event::direct(EventType::NOTEON) };
/// let sent = transform.apply(&event).expect("it passes").data.note();
/// assert_eq!((sent.channel, sent.note, sent.velocity), (9, 72, 50));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Transform {
    /// The channels that pass: bit 0 is the first.
    pub channels: u16,
    /// The channel, 0 to 15, on which everything is sent.
    pub to_channel: Option<u8>,
    /// Semitones by which notes are raised. Notes that leave the range of MIDI do not pass.
    pub transpose: i8,
    /// Whether nothing passes.
    pub mute: bool,
    /// What is done to velocities.
    pub velocity: Velocity,
    /// Which controller becomes which other one. `None` means that it does not pass.
    pub controllers: BTreeMap<u8, Option<u8>>,
}

/// What a link does to the velocity of notes: `velocity * scale + add`, then the limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Velocity {
    /// The factor, 0 to 16.
    pub scale: f32,
    /// What is added after that, -127 to 127.
    pub add: i8,
    /// The least velocity, 1 to 127: a note on of velocity 0 would be a note off.
    pub min: u8,
    /// The largest velocity, 1 to 127.
    pub max: u8,
}

impl Default for Velocity {
    fn default() -> Self {
        Self { scale: 1.0, add: 0, min: 1, max: 127 }
    }
}

impl Default for Transform {
    fn default() -> Self {
        Self {
            channels: u16::MAX,
            to_channel: None,
            transpose: 0,
            mute: false,
            velocity: Velocity::default(),
            controllers: BTreeMap::new(),
        }
    }
}

impl Transform {
    /// Returns the event that arrives in the place of this one, or `None` if it does not pass.
    #[must_use]
    pub fn apply(&self, event: &Event) -> Option<Event> {
        if self.mute {
            return None;
        }
        if !event.event_type.is_channel() {
            return Some(*event);
        }
        // Note events and controller-like ones have the channel in the same byte.
        let channel = event.data.control().channel;
        if channel < CHANNELS && self.channels >> channel & 1 == 0 {
            return None;
        }
        let channel = self.to_channel.unwrap_or(channel);
        let data = if is_note(event.event_type) {
            self.note(event, channel)?
        } else {
            self.control(event, channel)?
        };
        Some(Event { data, ..*event })
    }

    fn note(&self, event: &Event, channel: u8) -> Option<EventData> {
        let mut note = event.data.note();
        let key = i32::from(note.note) + i32::from(self.transpose);
        note.note = u8::try_from(key).ok().filter(|key| i32::from(*key) <= MAX)?;
        note.channel = channel;
        let sounds = matches!(event.event_type, EventType::NOTEON | EventType::NOTE);
        if sounds && note.velocity > 0 {
            note.velocity = self.velocity.apply(note.velocity);
        }
        Some(EventData::from_note(note))
    }

    fn control(&self, event: &Event, channel: u8) -> Option<EventData> {
        let mut control = event.data.control();
        control.channel = channel;
        let has_number = matches!(event.event_type, EventType::CONTROLLER | EventType::CONTROL14);
        if let Some(number) = u8::try_from(control.param).ok().filter(|_| has_number)
            && let Some(becomes) = self.controllers.get(&number)
        {
            control.param = u32::from((*becomes)?);
        }
        Some(EventData::from_control(control))
    }
}

impl Velocity {
    /// Returns what becomes of a velocity above 0. The result is in the limits.
    fn apply(&self, velocity: u8) -> u8 {
        let scaled = (f32::from(velocity) * self.scale).round() + f32::from(self.add);
        let limited = scaled.clamp(f32::from(self.min), f32::from(self.max.max(self.min)));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 127")]
        let byte = limited as u8;
        byte
    }
}

/// Returns whether the data of an event are those of a note.
fn is_note(event_type: EventType) -> bool {
    matches!(
        event_type,
        EventType::NOTE | EventType::NOTEON | EventType::NOTEOFF | EventType::KEYPRESS
    )
}

/// The notes that sound behind a link, to end them when the link changes or goes.
#[derive(Clone, Debug, Default)]
pub struct Sounding([u128; CHANNELS as usize]);

impl Sounding {
    /// Notes an event that the link has sent.
    pub fn sent(&mut self, event: &Event) {
        let note = event.data.note();
        let on = event.event_type == EventType::NOTEON && note.velocity > 0;
        let off = matches!(event.event_type, EventType::NOTEON | EventType::NOTEOFF);
        let Some(keys) = self.0.get_mut(usize::from(note.channel)).filter(|_| off) else { return };
        let Some(bit) = 1_u128.checked_shl(note.note.into()) else { return };
        *keys = if on { *keys | bit } else { *keys & !bit };
    }

    /// Returns the events that end all notes, and forgets the notes.
    pub fn end(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for (channel, keys) in (0..CHANNELS).zip(std::mem::take(&mut self.0)) {
            for key in (0..=127).filter(|key| keys >> key & 1 == 1) {
                let note = aseqd_abi::event::Note { channel, note: key, ..Default::default() };
                let data = EventData::from_note(note);
                events.push(Event { data, ..Event::direct(EventType::NOTEOFF) });
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::event::{Control, Note};

    fn note(event_type: EventType, channel: u8, note: u8, velocity: u8) -> Event {
        let note = Note { channel, note, velocity, ..Note::default() };
        Event { data: EventData::from_note(note), ..Event::direct(event_type) }
    }

    fn control(event_type: EventType, channel: u8, param: u32, value: i32) -> Event {
        let data = EventData::from_control(Control { channel, param, value });
        Event { data, ..Event::direct(event_type) }
    }

    #[test]
    fn the_default_changes_nothing() {
        for event in [
            note(EventType::NOTEON, 0, 60, 100),
            note(EventType::NOTEOFF, 15, 0, 0),
            note(EventType::NOTEON, 3, 127, 0),
            control(EventType::CONTROLLER, 1, 7, 100),
            control(EventType::PITCHBEND, 1, 0, -8192),
            Event::direct(EventType::CLOCK),
            Event::direct(EventType::SYSEX),
        ] {
            assert_eq!(Transform::default().apply(&event), Some(event));
        }
    }

    #[test]
    fn channels_are_filtered_and_changed() {
        let transform = Transform { channels: 0b10, to_channel: Some(4), ..Transform::default() };
        assert_eq!(transform.apply(&note(EventType::NOTEON, 0, 60, 1)), None);
        let passed = transform.apply(&control(EventType::PGMCHANGE, 1, 0, 5));
        assert_eq!(passed, Some(control(EventType::PGMCHANGE, 4, 0, 5)));
        let clock = Event::direct(EventType::CLOCK);
        assert_eq!(transform.apply(&clock), Some(clock));
    }

    #[test]
    fn transposed_notes_that_leave_the_range_do_not_pass() {
        let up = Transform { transpose: 12, ..Transform::default() };
        let passed = up.apply(&note(EventType::KEYPRESS, 0, 115, 9));
        assert_eq!(passed, Some(note(EventType::KEYPRESS, 0, 127, 9)));
        assert_eq!(up.apply(&note(EventType::NOTEOFF, 0, 116, 9)), None);
        let down = Transform { transpose: -12, ..Transform::default() };
        assert_eq!(down.apply(&note(EventType::NOTEON, 0, 11, 9)), None);
    }

    #[test]
    fn velocities_stay_above_0_and_ends_of_notes_keep_theirs() {
        let velocity = Velocity { scale: 0.0, add: 0, min: 1, max: 100 };
        let quiet = Transform { velocity, ..Transform::default() };
        let velocity_of = |transform: &Transform, event: &Event| {
            transform.apply(event).expect("it passes").data.note().velocity
        };
        assert_eq!(velocity_of(&quiet, &note(EventType::NOTEON, 0, 60, 127)), 1);
        assert_eq!(velocity_of(&quiet, &note(EventType::NOTEON, 0, 60, 0)), 0);
        assert_eq!(velocity_of(&quiet, &note(EventType::NOTEOFF, 0, 60, 64)), 64);
        let velocity = Velocity { scale: 2.0, add: 5, min: 20, max: 100 };
        let loud = Transform { velocity, ..Transform::default() };
        for (given, heard) in [(1, 20), (10, 25), (40, 85), (127, 100)] {
            assert_eq!(velocity_of(&loud, &note(EventType::NOTEON, 0, 60, given)), heard);
        }
    }

    #[test]
    fn controllers_are_exchanged_or_stopped() {
        let controllers = BTreeMap::from([(1, Some(11)), (64, None)]);
        let transform = Transform { controllers, ..Transform::default() };
        let wheel = transform.apply(&control(EventType::CONTROLLER, 0, 1, 9));
        assert_eq!(wheel, Some(control(EventType::CONTROLLER, 0, 11, 9)));
        assert_eq!(transform.apply(&control(EventType::CONTROLLER, 0, 64, 9)), None);
        let program = control(EventType::PGMCHANGE, 0, 1, 9);
        assert_eq!(transform.apply(&program), Some(program));
    }

    #[test]
    fn nothing_passes_a_muted_link() {
        let mute = Transform { mute: true, ..Transform::default() };
        assert_eq!(mute.apply(&Event::direct(EventType::SYSEX)), None);
    }

    #[test]
    fn notes_that_sound_are_ended_once() {
        let mut sounding = Sounding::default();
        sounding.sent(&note(EventType::NOTEON, 0, 60, 1));
        sounding.sent(&note(EventType::NOTEON, 15, 127, 1));
        sounding.sent(&note(EventType::NOTEON, 1, 5, 1));
        sounding.sent(&note(EventType::NOTEON, 1, 5, 0));
        sounding.sent(&note(EventType::NOTEON, 16, 5, 1));
        sounding.sent(&note(EventType::NOTEON, 1, 200, 1));
        let ends = sounding.end();
        assert_eq!(
            ends,
            [note(EventType::NOTEOFF, 0, 60, 0), note(EventType::NOTEOFF, 15, 127, 0)]
        );
        assert!(sounding.end().is_empty());
    }
}
