//! The decoder and the encoder. Their behaviour was seen on Linux 6.12 with virmidi unless said otherwise.

use alloc::vec::Vec;
use aseqd_abi::event::{Control, EventData, EventLength, Note};
use aseqd_abi::{Event, EventFlags, EventType};

/// Longest piece, in bytes, in which virmidi and hardware clients pass on a SysEx.
pub const SYSEX_PIECE: usize = 256;
/// Most bytes that virmidi writes for an event other than SysEx: too few for RPN and NRPN.
pub const VIRMIDI_LIMIT: usize = 4;
/// Most bytes that hardware clients write for an event other than SysEx: enough for every one.
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
/// First of the real-time bytes, which may stand anywhere, even inside another message.
const FIRST_REAL_TIME: u8 = 0xf8;

/// What a decoder puts into the data bytes of an event that its type does not use.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unused {
    /// Zeros, as the kernel does for hardware ports.
    #[default]
    Zero,
    /// What earlier events left there, as the kernel does for virmidi ports. After a SysEx, that is the address of its
    /// buffer in the kernel; here it is zeros.
    Stale,
}

/// An event made from bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decoded {
    /// A direct event from 0:0 to 0:0: the caller fills in source and destination.
    pub event: Event,
    /// The bytes of a SYSEX event; `None` for every other type.
    pub sysex: Option<Vec<u8>>,
}

/// Where in a message the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Outside of a message, and without a running status.
    Idle,
    /// Inside the message of that status byte, or after it, while its running status holds.
    Message { status: u8, have: usize },
    /// After `F0`.
    Sysex,
}

/// Makes events of a stream of bytes.
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
    /// Makes a decoder that cuts a SysEx into events of at most `piece` bytes; 0 counts as 1.
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

    /// Returns the events that the bytes complete. A dropped iterator leaves the rest of the bytes untaken.
    pub fn decode(&mut self, bytes: &[u8]) -> impl Iterator<Item = Decoded> {
        bytes.iter().filter_map(|&byte| self.handle_byte(byte))
    }

    /// Takes one byte and returns the event that it completes.
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

    /// Takes a status byte. It drops an unfinished message, a SysEx too.
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

    /// Returns an event with the data bytes as they are now.
    fn event(&mut self, event_type: EventType) -> Event {
        let event = Event { data: self.last, ..Event::direct(event_type) };
        if self.unused == Unused::Zero {
            self.last = EventData::default();
        }
        event
    }
}

/// Returns how many data bytes follow a status byte; 0 if it begins no message.
fn data_len(status: u8) -> usize {
    match status {
        QUARTER_FRAME | SONG_SELECT => 1,
        SONG_POSITION => 2,
        SYSEX.. => 0,
        _ if matches!(status & 0xf0, PROGRAM_CHANGE | CHANNEL_PRESSURE) => 1,
        _ => 2,
    }
}

/// Returns the data of a note with the last 4 bytes of `before`, which a note does not use.
fn with_tail(mut data: EventData, before: &EventData) -> EventData {
    data.0[8..].copy_from_slice(&before.0[8..]);
    data
}

/// Sets the data of a controller. The bytes between channel and parameter stay, which it does not use.
fn set_control(data: &mut EventData, control: Control) {
    let gap = [data.0[1], data.0[2], data.0[3]];
    *data = EventData::from_control(control);
    data.0[1..4].copy_from_slice(&gap);
}

/// What [`Encoder::encode`] did with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoded {
    /// It appended the bytes of the event.
    Bytes,
    /// It appended nothing, because the event has no bytes: a NOTE, a TEMPO or an ECHO, for example.
    Nothing,
    /// It appended nothing, because the event has more bytes than the limit. The running status stays.
    TooLong,
}

/// Makes bytes of events.
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
    /// Makes an encoder. With `running_status` it leaves out a status byte that repeats the last one;
    /// an event other than SysEx that would take more than `limit` bytes is [`Encoded::TooLong`].
    #[must_use]
    pub const fn new(running_status: bool, limit: usize) -> Self {
        Self { running_status, limit, status: None }
    }

    /// Forgets the running status. A caller that lost bytes on their way out must do so.
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

    /// Writes a message and returns the running status after it.
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

/// The bytes of an event without regard to the running status. All data bytes are below 0x80.
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
mod tests;
