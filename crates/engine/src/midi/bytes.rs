//! MIDI byte stream to events and back, as raw MIDI ports of the sequencer convert.
//!
//! [`Decoder`] takes bytes in, one at a time or many, and lets events out; [`Encoder`] the other
//! way. Both keep their state between calls, accept anything, and know neither port nor time: the
//! events they make go to nobody, directly. Seen on Linux 6.12 with virmidi unless said otherwise.

use abi::event::{Control, EventData, EventLength, Note};
use abi::{Event, EventFlags, EventType};
use alloc::vec::Vec;

/// Longest piece in which virmidi and hardware clients pass on a SysEx.
pub const SYSEX_PIECE: usize = 256;
/// Bytes that virmidi grants an event other than SysEx: too few for RPN and NRPN.
pub const VIRMIDI_LIMIT: usize = 4;
/// Bytes that hardware clients grant: enough for every event.
pub const HARDWARE_LIMIT: usize = 10;

const NOTE_OFF: u8 = 0x80;
const NOTE_ON: u8 = 0x90;
const KEY_PRESSURE: u8 = 0xa0;
const CONTROL_CHANGE: u8 = 0xb0;
const PROGRAM_CHANGE: u8 = 0xc0;
const CHANNEL_PRESSURE: u8 = 0xd0;
const PITCH_BEND: u8 = 0xe0;
const SYSEX: u8 = 0xf0;
const QUARTER_FRAME: u8 = 0xf1;
const SONG_POSITION: u8 = 0xf2;
const SONG_SELECT: u8 = 0xf3;
const TUNE_REQUEST: u8 = 0xf6;
const END_OF_SYSEX: u8 = 0xf7;
/// From here on: one byte, anywhere, without effect on what is around it.
const FIRST_REAL_TIME: u8 = 0xf8;

/// What is in the data bytes of a decoded event that its type gives no meaning to.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub enum Unused {
    /// Zeros, as hardware clients do.
    #[default]
    Zero,
    /// What earlier events left there, as virmidi does. Of a SysEx the kernel leaves the address of
    /// its buffer; here zeros stand in that place.
    Stale,
}

/// An event made from bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// From 0:0 to 0:0, direct; the caller fills in who and to whom.
    pub event: Event,
    /// The bytes of a SYSEX event; `None` for every other type.
    pub sysex: Option<Vec<u8>>,
}

/// Where in a message the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing begun, and no channel message whose status would still hold.
    Idle,
    /// Inside the message of that status byte, or after it, its running status holding.
    Message { status: u8, have: usize },
    /// After `F0`.
    Sysex,
}

/// Bytes in, events out.
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
    data: [u8; 2],
    sysex: Vec<u8>,
    piece: usize,
    unused: Unused,
    last: EventData,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(SYSEX_PIECE, Unused::Zero)
    }
}

impl Decoder {
    /// A SysEx longer than `piece` bytes (at least 1) leaves as several events.
    #[must_use]
    pub fn new(piece: usize, unused: Unused) -> Self {
        Self {
            state: State::Idle,
            data: [0; 2],
            sysex: Vec::new(),
            piece: piece.max(1),
            unused,
            last: EventData::default(),
        }
    }

    /// Forgets an unfinished message and the running status.
    pub fn reset(&mut self) {
        self.state = State::Idle;
        self.sysex.clear();
    }

    /// The events that the bytes complete; bytes that the iterator was not asked for are not taken.
    pub fn decode(&mut self, bytes: &[u8]) -> impl Iterator<Item = Decoded> {
        bytes.iter().filter_map(|&byte| self.handle_byte(byte))
    }

    /// One byte; at most one event becomes complete by it.
    pub fn handle_byte(&mut self, byte: u8) -> Option<Decoded> {
        match byte {
            FIRST_REAL_TIME.. => self.real_time(byte),
            END_OF_SYSEX if self.state == State::Sysex => {
                self.state = State::Idle;
                self.sysex.push(byte);
                Some(self.take_sysex())
            }
            0x80.. => self.status(byte),
            _ => self.data_byte(byte),
        }
    }

    fn real_time(&mut self, byte: u8) -> Option<Decoded> {
        let event_type = match byte {
            0xf8 => EventType::CLOCK,
            0xfa => EventType::START,
            0xfb => EventType::CONTINUE,
            0xfc => EventType::STOP,
            0xfe => EventType::SENSING,
            0xff => EventType::RESET,
            _ => return None,
        };
        Some(self.fixed(event_type, |_| {}))
    }

    /// A status byte: whatever was unfinished is lost, SysEx too.
    fn status(&mut self, byte: u8) -> Option<Decoded> {
        self.sysex.clear();
        self.state = match byte {
            SYSEX => {
                self.sysex.push(byte);
                State::Sysex
            }
            _ if data_len(byte) > 0 => State::Message { status: byte, have: 0 },
            _ => State::Idle,
        };
        if byte == TUNE_REQUEST {
            return Some(self.fixed(EventType::TUNE_REQUEST, |_| {}));
        }
        // A piece of one byte is full with the F0.
        self.full_piece()
    }

    fn data_byte(&mut self, byte: u8) -> Option<Decoded> {
        match self.state {
            State::Idle => None,
            State::Sysex => {
                self.sysex.push(byte);
                self.full_piece()
            }
            State::Message { status, have } => {
                self.data[have] = byte;
                if have + 1 < data_len(status) {
                    self.state = State::Message { status, have: have + 1 };
                    return None;
                }
                self.state = match status {
                    SYSEX.. => State::Idle,
                    _ => State::Message { status, have: 0 },
                };
                Some(self.message(status))
            }
        }
    }

    fn full_piece(&mut self) -> Option<Decoded> {
        (self.state == State::Sysex && self.sysex.len() >= self.piece).then(|| self.take_sysex())
    }

    fn take_sysex(&mut self) -> Decoded {
        let bytes = core::mem::take(&mut self.sysex);
        // At most `piece` long, and no piece is larger than the interface can carry.
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.last = EventData::from_ext_len(len);
        let event = Event { flags: EventFlags::VARIABLE, ..self.event(EventType::SYSEX) };
        Decoded { event, sysex: Some(bytes) }
    }

    fn message(&mut self, status: u8) -> Decoded {
        let channel = status & 0x0f;
        let [first, second] = self.data;
        let value14 = i32::from(first) | (i32::from(second) << 7);
        let note = |data: &mut EventData| {
            let before = data.note();
            let note = Note { channel, note: first, velocity: second, ..before };
            *data = with_tail(EventData::from_note(note), data);
        };
        let value = |value: i32| {
            move |data: &mut EventData| {
                set_control(data, Control { value, ..data.control() });
            }
        };
        let channel_value = |value: i32| {
            move |data: &mut EventData| {
                set_control(data, Control { channel, value, ..data.control() });
            }
        };
        match status {
            QUARTER_FRAME => self.fixed(EventType::QFRAME, value(i32::from(first))),
            SONG_POSITION => self.fixed(EventType::SONGPOS, value(value14)),
            SONG_SELECT => self.fixed(EventType::SONGSEL, value(i32::from(first))),
            _ => match status & 0xf0 {
                NOTE_OFF => self.fixed(EventType::NOTEOFF, note),
                NOTE_ON => self.fixed(EventType::NOTEON, note),
                KEY_PRESSURE => self.fixed(EventType::KEYPRESS, note),
                CONTROL_CHANGE => self.fixed(EventType::CONTROLLER, |data| {
                    let (param, value) = (u32::from(first), i32::from(second));
                    set_control(data, Control { channel, param, value });
                }),
                PROGRAM_CHANGE => self.fixed(EventType::PGMCHANGE, channel_value(i32::from(first))),
                CHANNEL_PRESSURE => {
                    self.fixed(EventType::CHANPRESS, channel_value(i32::from(first)))
                }
                _ => self.fixed(EventType::PITCHBEND, channel_value(value14 - 8192)),
            },
        }
    }

    fn fixed(&mut self, event_type: EventType, fill: impl FnOnce(&mut EventData)) -> Decoded {
        fill(&mut self.last);
        Decoded { event: self.event(event_type), sysex: None }
    }

    /// An event with the data bytes as they are now.
    fn event(&mut self, event_type: EventType) -> Event {
        let event = Event { data: self.last, ..Event::direct(event_type) };
        if self.unused == Unused::Zero {
            self.last = EventData::default();
        }
        event
    }
}

/// Data bytes that follow a status byte; 0 too for those that begin nothing.
fn data_len(status: u8) -> usize {
    match status {
        QUARTER_FRAME | SONG_SELECT => 1,
        SONG_POSITION => 2,
        SYSEX.. => 0,
        _ if matches!(status & 0xf0, PROGRAM_CHANGE | CHANNEL_PRESSURE) => 1,
        _ => 2,
    }
}

/// A note has no more than 8 bytes: the last 4 stay.
fn with_tail(mut data: EventData, before: &EventData) -> EventData {
    data.0[8..].copy_from_slice(&before.0[8..]);
    data
}

/// The bytes between channel and parameter stay.
fn set_control(data: &mut EventData, control: Control) {
    let gap = [data.0[1], data.0[2], data.0[3]];
    *data = EventData::from_control(control);
    data.0[1..4].copy_from_slice(&gap);
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// Its bytes were appended.
    Bytes,
    /// It has no bytes: a NOTE, a TEMPO, an ECHO and the like.
    Nothing,
    /// It has more bytes than the limit; nothing was appended, the running status stays.
    TooLong,
}

/// Events in, bytes out.
#[derive(Clone, Debug)]
pub struct Encoder {
    running_status: bool,
    limit: usize,
    status: Option<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new(true, HARDWARE_LIMIT)
    }
}

impl Encoder {
    /// `running_status`: leave out a status byte that repeats the last one. `limit`: the most bytes
    /// that an event other than SysEx may become.
    #[must_use]
    pub const fn new(running_status: bool, limit: usize) -> Self {
        Self { running_status, limit, status: None }
    }

    /// Forgets the running status, as a client must that lost bytes on their way out.
    pub fn reset(&mut self) {
        self.status = None;
    }

    /// Appends the bytes of an event to `out`; `ext` is the data of a variable event.
    pub fn encode(&mut self, event: &Event, ext: &[u8], out: &mut Vec<u8>) -> Encoded {
        if event.event_type == EventType::SYSEX {
            if event.flags.length() != EventLength::VARIABLE {
                return Encoded::Nothing;
            }
            self.status = None;
            out.extend_from_slice(ext);
            return if ext.is_empty() { Encoded::Nothing } else { Encoded::Bytes };
        }
        let Some(message) = Message::of(event) else { return Encoded::Nothing };
        let start = out.len();
        let status = self.write(&message, out);
        if out.len() - start > self.limit {
            out.truncate(start);
            return Encoded::TooLong;
        }
        self.status = status;
        Encoded::Bytes
    }

    /// Writes it in full and says which status is the running one then.
    fn write(&self, message: &Message, out: &mut Vec<u8>) -> Option<u8> {
        match *message {
            Message::System { status, ref data, len } => {
                out.push(status);
                out.extend_from_slice(&data[..len]);
                None
            }
            Message::Channel { status, ref groups, count, len } => {
                let mut running = self.status;
                for group in &groups[..count] {
                    if running != Some(status) {
                        out.push(status);
                    }
                    out.extend_from_slice(&group[..len]);
                    running = self.running_status.then_some(status);
                }
                running
            }
        }
    }
}

/// The bytes of an event before running status: all data bytes are below 0x80.
enum Message {
    System { status: u8, data: [u8; 2], len: usize },
    Channel { status: u8, groups: [[u8; 2]; 4], count: usize, len: usize },
}

impl Message {
    fn of(event: &Event) -> Option<Self> {
        let note = event.data.note();
        let Control { channel, param, value } = event.data.control();
        let value = value.cast_unsigned();
        // NOTEON and its like: channel is the same byte in both views.
        let channel = channel & 0x0f;
        let note = |status| {
            Self::channel(status | channel, &[[low7(note.note.into()), low7(note.velocity.into())]])
        };
        let control = |groups: &[[u8; 2]]| Self::channel(CONTROL_CHANGE | channel, groups);
        let single = |status| Self::Channel {
            status: status | channel,
            groups: [[low7(value), 0], [0; 2], [0; 2], [0; 2]],
            count: 1,
            len: 1,
        };
        let parameter = |msb, lsb| {
            control(&[
                [msb, high7(param)],
                [lsb, low7(param)],
                [6, high7(value)],
                [38, low7(value)],
            ])
        };
        let system = |status, data, len| Self::System { status, data, len };
        Some(match event.event_type {
            EventType::NOTEOFF => note(NOTE_OFF),
            EventType::NOTEON => note(NOTE_ON),
            EventType::KEYPRESS => note(KEY_PRESSURE),
            EventType::CONTROLLER => control(&[[low7(param), low7(value)]]),
            EventType::PGMCHANGE => single(PROGRAM_CHANGE),
            EventType::CHANPRESS => single(CHANNEL_PRESSURE),
            EventType::PITCHBEND => {
                // Not clamped: 9000 becomes 28 06.
                let value = value.wrapping_add(8192);
                Self::channel(PITCH_BEND | channel, &[[low7(value), high7(value)]])
            }
            EventType::CONTROL14 if param < 32 => {
                let lsb = low7(param + 32);
                control(&[[low7(param), high7(value)], [lsb, low7(value)]])
            }
            EventType::CONTROL14 => control(&[[low7(param), low7(value)]]),
            EventType::NONREGPARAM => parameter(99, 98),
            EventType::REGPARAM => parameter(101, 100),
            EventType::SONGPOS => system(SONG_POSITION, [low7(value), high7(value)], 2),
            EventType::QFRAME => system(QUARTER_FRAME, [low7(value), 0], 1),
            EventType::SONGSEL => system(SONG_SELECT, [low7(value), 0], 1),
            EventType::TUNE_REQUEST => system(TUNE_REQUEST, [0; 2], 0),
            EventType::CLOCK => system(0xf8, [0; 2], 0),
            EventType::START => system(0xfa, [0; 2], 0),
            EventType::CONTINUE => system(0xfb, [0; 2], 0),
            EventType::STOP => system(0xfc, [0; 2], 0),
            EventType::SENSING => system(0xfe, [0; 2], 0),
            EventType::RESET => system(0xff, [0; 2], 0),
            _ => return None,
        })
    }

    fn channel(status: u8, pairs: &[[u8; 2]]) -> Self {
        let mut groups = [[0; 2]; 4];
        groups[..pairs.len()].copy_from_slice(pairs);
        Self::Channel { status, groups, count: pairs.len(), len: 2 }
    }
}

fn low7(value: u32) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

fn high7(value: u32) -> u8 {
    low7(value >> 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn event(event_type: EventType, data: EventData) -> Event {
        Event { data, ..Event::direct(event_type) }
    }

    fn note(event_type: EventType, channel: u8, note: u8, velocity: u8) -> Event {
        let data = Note { channel, note, velocity, ..Note::default() };
        event(event_type, EventData::from_note(data))
    }

    fn control(event_type: EventType, channel: u8, param: u32, value: i32) -> Event {
        event(event_type, EventData::from_control(Control { channel, param, value }))
    }

    fn bare(event_type: EventType) -> Event {
        Event::direct(event_type)
    }

    fn sysex(len: usize) -> Event {
        let data = EventData::from_ext_len(u32::try_from(len).unwrap());
        Event { flags: EventFlags::VARIABLE, ..event(EventType::SYSEX, data) }
    }

    fn decode(bytes: &[u8]) -> Vec<Event> {
        Decoder::default().decode(bytes).map(|decoded| decoded.event).collect()
    }

    fn decode_sysex(piece: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut decoder = Decoder::new(piece, Unused::Zero);
        decoder.decode(bytes).filter_map(|decoded| decoded.sysex).collect()
    }

    fn encode_each(encoder: &mut Encoder, events: &[Event]) -> Vec<Vec<u8>> {
        events
            .iter()
            .map(|event| {
                let mut out = Vec::new();
                encoder.encode(event, &[], &mut out);
                out
            })
            .collect()
    }

    fn encode(event: &Event) -> Vec<u8> {
        encode_each(&mut Encoder::default(), &[*event]).remove(0)
    }

    #[test]
    fn channel_messages_become_events() {
        let cases: &[(&[u8], Event)] = &[
            (&[0x83, 60, 64], note(EventType::NOTEOFF, 3, 60, 64)),
            (&[0x9f, 60, 64], note(EventType::NOTEON, 15, 60, 64)),
            (&[0x90, 60, 0], note(EventType::NOTEON, 0, 60, 0)),
            (&[0xa1, 60, 64], note(EventType::KEYPRESS, 1, 60, 64)),
            (&[0xb2, 7, 100], control(EventType::CONTROLLER, 2, 7, 100)),
            (&[0xc4, 5], control(EventType::PGMCHANGE, 4, 0, 5)),
            (&[0xd5, 127], control(EventType::CHANPRESS, 5, 0, 127)),
            (&[0xe6, 0, 0], control(EventType::PITCHBEND, 6, 0, -8192)),
            (&[0xe6, 0, 64], control(EventType::PITCHBEND, 6, 0, 0)),
            (&[0xe6, 127, 127], control(EventType::PITCHBEND, 6, 0, 8191)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(decode(bytes), [*expected], "{bytes:02x?}");
        }
    }

    #[test]
    fn controllers_are_not_assembled() {
        let bytes = [0xb0, 101, 0, 100, 0, 6, 2, 38, 0];
        let types: Vec<_> = decode(&bytes).iter().map(|event| event.event_type).collect();
        assert_eq!(types, [EventType::CONTROLLER; 4]);
    }

    #[test]
    fn system_messages_become_events() {
        let cases: &[(&[u8], Event)] = &[
            (&[0xf1, 0x35], control(EventType::QFRAME, 0, 0, 0x35)),
            (&[0xf2, 1, 2], control(EventType::SONGPOS, 0, 0, 257)),
            (&[0xf3, 9], control(EventType::SONGSEL, 0, 0, 9)),
            (&[0xf6], bare(EventType::TUNE_REQUEST)),
            (&[0xf8], bare(EventType::CLOCK)),
            (&[0xfa], bare(EventType::START)),
            (&[0xfb], bare(EventType::CONTINUE)),
            (&[0xfc], bare(EventType::STOP)),
            (&[0xfe], bare(EventType::SENSING)),
            (&[0xff], bare(EventType::RESET)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(decode(bytes), [*expected], "{bytes:02x?}");
        }
        for ignored in [0xf4, 0xf5, 0xf7, 0xf9, 0xfd] {
            assert_eq!(decode(&[ignored]), [], "{ignored:02x}");
        }
    }

    #[test]
    fn running_status_holds_for_channel_messages() {
        let on = |key| note(EventType::NOTEON, 0, key, 1);
        assert_eq!(decode(&[0x90, 60, 1, 61, 1, 62, 1]), [on(60), on(61), on(62)]);
        assert_eq!(decode(&[0xc0, 1, 2, 3]).len(), 3);
    }

    #[test]
    fn system_messages_cancel_running_status() {
        let cases: &[&[u8]] = &[
            &[0xf1, 1],
            &[0xf2, 1, 2],
            &[0xf3, 1],
            &[0xf4],
            &[0xf5],
            &[0xf6],
            &[0xf7],
            &[0xf0, 0xf7],
        ];
        for between in cases {
            let bytes = [&[0x90, 60, 1], *between, &[61, 1, 62, 1]].concat();
            let notes = decode(&bytes);
            let notes = notes.iter().filter(|event| event.event_type == EventType::NOTEON);
            assert_eq!(notes.count(), 1, "{between:02x?}");
        }
    }

    #[test]
    fn real_time_bytes_disturb_nothing() {
        let clock = bare(EventType::CLOCK);
        let on = |key| note(EventType::NOTEON, 0, key, 1);
        assert_eq!(decode(&[0x90, 60, 0xf8, 1, 0xf8, 61, 1]), [clock, on(60), clock, on(61)]);
        let sysexes = decode_sysex(256, &[0xf0, 1, 0xf8, 2, 0xf9, 0xfd, 0xf7]);
        assert_eq!(sysexes, [[0xf0, 1, 2, 0xf7]]);
    }

    #[test]
    fn a_status_byte_discards_what_is_unfinished() {
        assert_eq!(decode(&[0x90, 60, 0x80, 61, 2]), [note(EventType::NOTEOFF, 0, 61, 2)]);
        assert_eq!(decode(&[0x90, 60, 0xf6, 1]), [bare(EventType::TUNE_REQUEST)]);
        assert_eq!(decode(&[0x90, 60, 0xf7, 1, 2]), []);
        assert_eq!(decode(&[0xf0, 1, 2, 0x90, 60, 1]), [note(EventType::NOTEON, 0, 60, 1)]);
        assert_eq!(decode_sysex(256, &[0xf0, 1, 0xf0, 2, 0xf7]), [[0xf0, 2, 0xf7]]);
        assert_eq!(decode(&[0x90, 0x90, 60, 1]).len(), 1);
    }

    #[test]
    fn data_without_status_is_ignored() {
        assert_eq!(decode(&[1, 2, 3]), []);
        assert_eq!(decode(&[0xf1, 1, 2, 3]).len(), 1);
    }

    #[test]
    fn a_long_sysex_comes_in_pieces() {
        let pieces = |len: usize| {
            let bytes = [&[0xf0], vec![1; len - 2].as_slice(), &[0xf7]].concat();
            let pieces = decode_sysex(256, &bytes);
            assert_eq!(pieces.concat(), bytes);
            pieces.iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(pieces(600), [256, 256, 88]);
        assert_eq!(pieces(255), [255]);
        assert_eq!(pieces(256), [256]);
        assert_eq!(pieces(257), [256, 1]);
        assert_eq!(pieces(512), [256, 256]);
        assert_eq!(pieces(513), [256, 256, 1]);
        assert_eq!(decode_sysex(0, &[0xf0, 1, 0xf7]), [[0xf0], [1], [0xf7]]);
    }

    #[test]
    fn a_piece_that_is_out_stays_out() {
        let mut bytes = vec![1; 301];
        bytes[0] = 0xf0;
        bytes.extend([0x90, 60, 1]);
        let events = decode(&bytes);
        assert_eq!(events, [sysex(256), note(EventType::NOTEON, 0, 60, 1)]);
    }

    #[test]
    fn header_is_that_of_a_direct_event() {
        let mut decoder = Decoder::default();
        let decoded = decoder.decode(&[0xf0, 1, 0xf7]).next().unwrap();
        assert_eq!(decoded.event, sysex(3));
        assert_eq!(decoded.event.queue, abi::event::QUEUE_DIRECT);
        assert_eq!(decoded.event.flags, EventFlags::VARIABLE);
        assert_eq!(decode(&[0x90, 1, 2])[0].flags, EventFlags::empty());
    }

    /// The data bytes as read from virmidi on Linux 6.12, but for the address in place of a SysEx.
    #[test]
    fn virmidi_leaves_old_bytes_in_place() {
        let mut decoder = Decoder::new(SYSEX_PIECE, Unused::Stale);
        let steps: &[(&[u8], [u8; 12])] = &[
            (&[0x92, 0x3c, 0x40], [2, 0x3c, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            (&[0xe1, 0x01, 0x02], [1, 0x3c, 0x40, 0, 0, 0, 0, 0, 0x01, 0xe1, 0xff, 0xff]),
            (&[0x93, 0x10, 0x20], [3, 0x10, 0x20, 0, 0, 0, 0, 0, 0x01, 0xe1, 0xff, 0xff]),
            (&[0xb4, 0x07, 0x55], [4, 0x10, 0x20, 0, 7, 0, 0, 0, 0x55, 0, 0, 0]),
            (&[0xc5, 0x11], [5, 0x10, 0x20, 0, 7, 0, 0, 0, 0x11, 0, 0, 0]),
            (&[0xb6, 0x01, 0x02], [6, 0x10, 0x20, 0, 1, 0, 0, 0, 2, 0, 0, 0]),
            (&[0xd1, 0x33], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 0x33, 0, 0, 0]),
            (&[0xf2, 0x01, 0x02], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 1, 1, 0, 0]),
            (&[0xf3, 0x05], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 5, 0, 0, 0]),
            (&[0xf1, 0x07], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 7, 0, 0, 0]),
            (&[0xf6], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 7, 0, 0, 0]),
            (&[0xff], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 7, 0, 0, 0]),
            (&[0xa7, 0x01, 0x02], [7, 1, 2, 0, 1, 0, 0, 0, 7, 0, 0, 0]),
            (&[0xf0, 1, 2, 0xf7], [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            (&[0xc1, 0x09], [1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0]),
        ];
        for (bytes, expected) in steps {
            let events: Vec<_> = decoder.decode(bytes).collect();
            assert_eq!(events.len(), 1);
            assert_eq!(events[0].event.data.0, *expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn events_become_messages() {
        let cases: &[(Event, &[u8])] = &[
            (note(EventType::NOTEON, 17, 200, 255), &[0x91, 0x48, 0x7f]),
            (note(EventType::NOTEOFF, 0, 60, 64), &[0x80, 60, 64]),
            (note(EventType::KEYPRESS, 255, 255, 128), &[0xaf, 0x7f, 0]),
            (control(EventType::CONTROLLER, 3, 300, 400), &[0xb3, 0x2c, 0x10]),
            (control(EventType::PGMCHANGE, 3, 0, -1), &[0xc3, 0x7f]),
            (control(EventType::CHANPRESS, 3, 0, 130), &[0xd3, 2]),
            (control(EventType::PITCHBEND, 0, 0, 9000), &[0xe0, 0x28, 0x06]),
            (control(EventType::PITCHBEND, 0, 0, -9000), &[0xe0, 0x58, 0x79]),
            (control(EventType::PITCHBEND, 0, 0, -8192), &[0xe0, 0, 0]),
            (control(EventType::PITCHBEND, 0, 0, i32::MAX), &[0xe0, 0x7f, 0x3f]),
            (control(EventType::SONGPOS, 0, 0, 16388), &[0xf2, 4, 0]),
            (control(EventType::QFRAME, 0, 0, 200), &[0xf1, 0x48]),
            (control(EventType::SONGSEL, 0, 0, 200), &[0xf3, 0x48]),
            (bare(EventType::TUNE_REQUEST), &[0xf6]),
            (bare(EventType::CLOCK), &[0xf8]),
            (bare(EventType::START), &[0xfa]),
            (bare(EventType::CONTINUE), &[0xfb]),
            (bare(EventType::STOP), &[0xfc]),
            (bare(EventType::SENSING), &[0xfe]),
            (bare(EventType::RESET), &[0xff]),
            (control(EventType::CONTROL14, 1, 7, 300), &[0xb1, 7, 2, 39, 0x2c]),
            (control(EventType::CONTROL14, 2, 40, 300), &[0xb2, 40, 0x2c]),
            (control(EventType::CONTROL14, 2, 140, 300), &[0xb2, 12, 0x2c]),
            (control(EventType::CONTROL14, 3, 7, -1), &[0xb3, 7, 0x7f, 39, 0x7f]),
            (
                control(EventType::NONREGPARAM, 2, 300, 301),
                &[0xb2, 99, 2, 98, 0x2c, 6, 2, 38, 0x2d],
            ),
            (control(EventType::REGPARAM, 2, 300, 301), &[0xb2, 101, 2, 100, 0x2c, 6, 2, 38, 0x2d]),
        ];
        for (event, expected) in cases {
            assert_eq!(encode(event), *expected, "{event:?}");
        }
    }

    #[test]
    fn other_events_have_no_bytes_and_keep_running_status() {
        let silent = [
            EventType::NOTE,
            EventType::TEMPO,
            EventType::TICK,
            EventType::TIMESIGN,
            EventType::KEYSIGN,
            EventType::ECHO,
            EventType::USR0,
            EventType::USR_VAR0,
            EventType::SETPOS_TICK,
            EventType::NONE,
            EventType(2),
        ];
        let on = note(EventType::NOTEON, 0, 60, 64);
        let mut encoder = Encoder::default();
        encode_each(&mut encoder, &[on]);
        for event_type in silent {
            let mut out = Vec::new();
            assert_eq!(encoder.encode(&bare(event_type), &[1, 2], &mut out), Encoded::Nothing);
            assert_eq!(encode_each(&mut encoder, &[on]), [[60, 64]], "{event_type:?}");
        }
        // A SysEx must be variable.
        assert_eq!(
            encoder.encode(&bare(EventType::SYSEX), &[1], &mut Vec::new()),
            Encoded::Nothing
        );
        assert_eq!(encode_each(&mut encoder, &[on]), [[60, 64]]);
    }

    #[test]
    fn running_status_on_output() {
        let on = note(EventType::NOTEON, 0, 60, 64);
        let off = note(EventType::NOTEOFF, 0, 60, 64);
        let clock = bare(EventType::CLOCK);
        let frame = control(EventType::QFRAME, 0, 0, 3);
        let expected: &[&[u8]] = &[
            &[0x90, 60, 64],
            &[60, 64],
            &[0x80, 60, 64],
            &[0x90, 60, 64],
            &[0xf8],
            &[0x90, 60, 64],
            &[0xf1, 3],
            &[0xf1, 3],
        ];
        let events = [on, on, off, on, clock, on, frame, frame];
        assert_eq!(encode_each(&mut Encoder::default(), &events), expected);
        let mut encoder = Encoder::default();
        encode_each(&mut encoder, &[on]);
        encoder.reset();
        assert_eq!(encode_each(&mut encoder, &[on]), [[0x90, 60, 64]]);
    }

    #[test]
    fn without_running_status_every_message_is_whole() {
        let mut encoder = Encoder::new(false, 12);
        let on = note(EventType::NOTEON, 0, 60, 64);
        assert_eq!(encode_each(&mut encoder, &[on, on]), [[0x90, 60, 64]; 2]);
        let nrpn = control(EventType::NONREGPARAM, 0, 300, 301);
        let expected = [0xb0, 99, 2, 0xb0, 98, 0x2c, 0xb0, 6, 2, 0xb0, 38, 0x2d];
        assert_eq!(encode_each(&mut encoder, &[nrpn]), [expected]);
    }

    #[test]
    fn sysex_goes_out_as_it_is_and_breaks_running_status() {
        let mut encoder = Encoder::new(true, VIRMIDI_LIMIT);
        let on = note(EventType::NOTEON, 0, 60, 64);
        for data in [&[0xf0, 1, 2, 3, 4, 5, 0xf7][..], &[1, 0x90, 2], &[]] {
            encode_each(&mut encoder, &[on]);
            let mut out = Vec::new();
            let encoded = encoder.encode(&sysex(data.len()), data, &mut out);
            assert_eq!(out, data);
            assert_eq!(encoded == Encoded::Nothing, data.is_empty());
            assert_eq!(encode_each(&mut encoder, &[on]), [[0x90, 60, 64]]);
        }
    }

    #[test]
    fn virmidi_drops_what_exceeds_four_bytes() {
        let mut encoder = Encoder::new(true, VIRMIDI_LIMIT);
        let controller = |channel| control(EventType::CONTROLLER, channel, 1, 2);
        let control14 = |channel| control(EventType::CONTROL14, channel, 7, 300);
        let expected: &[&[u8]] = &[
            &[],
            &[0xb0, 1, 2],
            &[7, 2, 39, 0x2c],
            &[7, 2, 39, 0x2c],
            &[],
            &[1, 2],
            &[],
            &[1, 2],
            &[],
            &[0xb3, 1, 2],
        ];
        let events = [
            control14(0),
            controller(0),
            control14(0),
            control14(0),
            control14(1),
            controller(0),
            control(EventType::NONREGPARAM, 0, 300, 300),
            controller(0),
            control(EventType::REGPARAM, 3, 300, 300),
            controller(3),
        ];
        assert_eq!(encode_each(&mut encoder, &events), expected);
        let mut out = vec![9];
        assert_eq!(encoder.encode(&control14(5), &[], &mut out), Encoded::TooLong);
        assert_eq!(out, [9]);
    }

    /// A message in full, with data bytes of the right number.
    fn any_message() -> impl Strategy<Value = Vec<u8>> {
        let data = prop::collection::vec(0_u8..0x80, 2);
        let short = (0x80_u8.., data).prop_filter_map("a message", |(status, data)| {
            let known = !matches!(status, 0xf0 | 0xf4 | 0xf5 | 0xf7 | 0xf9 | 0xfd);
            known.then(|| [&[status], &data[..data_len(status)]].concat())
        });
        let sysex = prop::collection::vec(0_u8..0x80, 0..600)
            .prop_map(|data| [&[0xf0], data.as_slice(), &[0xf7]].concat());
        prop_oneof![8 => short, 1 => sysex]
    }

    fn there_and_back(decoder: &mut Decoder, encoder: &mut Encoder, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for decoded in decoder.decode(bytes) {
            let ext = decoded.sysex.unwrap_or_default();
            encoder.encode(&decoded.event, &ext, &mut out);
        }
        out
    }

    proptest! {
        #[test]
        fn whole_messages_come_back(messages in prop::collection::vec(any_message(), 0..60)) {
            let bytes = messages.concat();
            for unused in [Unused::Zero, Unused::Stale] {
                let mut decoder = Decoder::new(SYSEX_PIECE, unused);
                let mut encoder = Encoder::new(false, VIRMIDI_LIMIT);
                prop_assert_eq!(&there_and_back(&mut decoder, &mut encoder, &bytes), &bytes);
            }
        }

        #[test]
        fn running_status_comes_back(messages in prop::collection::vec(any_message(), 0..60)) {
            let mut running = Vec::new();
            let mut encoder = Encoder::default();
            let whole = there_and_back(&mut Decoder::default(), &mut encoder, &messages.concat());
            running.extend(whole);
            let again = there_and_back(&mut Decoder::default(), &mut Encoder::default(), &running);
            prop_assert_eq!(again, running);
        }

        #[test]
        fn any_bytes_are_accepted(
            bytes in prop::collection::vec(any::<u8>(), 0..3000),
            piece in 0_usize..300,
        ) {
            let mut decoder = Decoder::new(piece, Unused::Stale);
            for decoded in decoder.decode(&bytes) {
                let is_sysex = decoded.event.event_type == EventType::SYSEX;
                prop_assert_eq!(decoded.sysex.is_some(), is_sysex);
                if let Some(data) = decoded.sysex {
                    prop_assert!(!data.is_empty() && data.len() <= piece.max(1));
                    prop_assert_eq!(data.len(), decoded.event.data.ext_len() as usize);
                }
            }
        }

        #[test]
        fn any_event_is_accepted(
            event_type: u8, flags: u8, data: [u8; 12], limit in 0_usize..20, running: bool,
        ) {
            let event = Event {
                flags: EventFlags::from_bits_retain(flags),
                ..event(EventType(event_type), EventData(data))
            };
            let mut encoder = Encoder::new(running, limit);
            let mut out = Vec::new();
            let encoded = encoder.encode(&event, &[1, 2, 3], &mut out);
            prop_assert_eq!(encoded == Encoded::Bytes, !out.is_empty());
            if event.event_type != EventType::SYSEX {
                prop_assert!(out.len() <= limit);
                prop_assert!(out.iter().skip(1).all(|&byte| byte < 0x80) || !running);
            }
        }
    }
}
