//! Events of tracks as data, for reading and for writing.

/// One event of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackEvent {
    /// When the event is due, in ticks from the start of its track.
    pub tick: u32,
    /// The position in the file of the first byte of the event's delta time.
    pub offset: u64,
    /// What happens.
    pub kind: EventKind,
}

/// The kinds of events. The standard has no others, and adds none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A message to one of the 16 channels.
    Channel(ChannelMessage),
    /// A system exclusive message or a part of one.
    SysEx(SysEx),
    /// Bytes to be sent as they are (`F7` outside of a SysEx).
    Escape(Vec<u8>),
    /// An event about the song that is not sent.
    Meta(Meta),
}

impl EventKind {
    /// Returns MIDI messages as events of a file. Each has its status byte, but for the rest of a SysEx that began earlier.
    #[must_use]
    pub fn of_messages(bytes: &[u8]) -> Vec<Self> {
        let mut kinds = Vec::new();
        let mut rest = bytes;
        while let Some(&status) = rest.first() {
            let len = match status {
                0x80..=0xbf | 0xe0..=0xef => 3,
                0xc0..=0xdf => 2,
                _ => rest.len(),
            };
            let (message, after) = rest.split_at(len.min(rest.len()));
            rest = after;
            let data = |at: usize| message.get(at).copied().unwrap_or_default();
            kinds.push(match ChannelMessage::from_bytes(status, [data(1), data(2)]) {
                Some(channel) => Self::Channel(channel),
                None if status == 0xf0 => {
                    Self::SysEx(SysEx { start: true, data: message[1..].to_vec(), split: false })
                }
                // The rest of a SysEx.
                None if status < 0x80 || status == 0xf7 => {
                    Self::SysEx(SysEx { start: false, data: message.to_vec(), split: false })
                }
                None => Self::Escape(message.to_vec()),
            });
        }
        kinds
    }
}

/// A system exclusive message or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysEx {
    /// Whether the message begins here: with an `F0`, which is not in `data`.
    pub start: bool,
    /// The bytes, including the `F7` at the message's end if the file has one.
    pub data: Vec<u8>,
    /// Whether the reader cut a long packet here: the next event goes on with the same packet.
    pub split: bool,
}

/// A message to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelMessage {
    /// The channel, from 0 to 15.
    pub channel: u8,
    /// The message.
    pub voice: Voice,
}

/// A channel message without its channel. Every number is from 0 to 127 unless stated otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named as in the MIDI specification")]
pub enum Voice {
    /// `8n`: a key is released.
    NoteOff { key: u8, velocity: u8 },
    /// `9n`: a key is pressed; released if the velocity is 0.
    NoteOn { key: u8, velocity: u8 },
    /// `An`: the pressure on one key.
    KeyPressure { key: u8, pressure: u8 },
    /// `Bn`: a controller has a new value.
    Control { controller: u8, value: u8 },
    /// `Cn`: another program (sound) is chosen.
    Program { program: u8 },
    /// `Dn`: the pressure on all keys.
    ChannelPressure { pressure: u8 },
    /// `En`: the pitch wheel has moved, to a position from -8192 to 8191; 0 is the middle.
    PitchBend { bend: i16 },
}

impl ChannelMessage {
    /// Decodes a status byte from `80` to `EF` and its data bytes. The highest bit of a
    /// data byte is ignored, and so is the second data byte of a message that has only one.
    ///
    /// Returns `None` for any other status byte.
    #[must_use]
    #[inline]
    pub fn from_bytes(status: u8, data: [u8; 2]) -> Option<Self> {
        let [first, second] = [data[0] & 0x7f, data[1] & 0x7f];
        let voice = match status >> 4 {
            0x8 => Voice::NoteOff { key: first, velocity: second },
            0x9 => Voice::NoteOn { key: first, velocity: second },
            0xa => Voice::KeyPressure { key: first, pressure: second },
            0xb => Voice::Control { controller: first, value: second },
            0xc => Voice::Program { program: first },
            0xd => Voice::ChannelPressure { pressure: first },
            0xe => Voice::PitchBend { bend: (i16::from(second) << 7 | i16::from(first)) - 8192 },
            _ => return None,
        };
        Some(Self { channel: status & 0x0f, voice })
    }

    /// Returns the message's bytes. A program change and a channel pressure have two of them: the third
    /// is 0. Values out of range are cut to their bits.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 3] {
        let (status, first, second) = match self.voice {
            Voice::NoteOff { key, velocity } => (0x80, key, velocity),
            Voice::NoteOn { key, velocity } => (0x90, key, velocity),
            Voice::KeyPressure { key, pressure } => (0xa0, key, pressure),
            Voice::Control { controller, value } => (0xb0, controller, value),
            Voice::Program { program } => (0xc0, program, 0),
            Voice::ChannelPressure { pressure } => (0xd0, pressure, 0),
            Voice::PitchBend { bend } => {
                let [high, low] = bend.saturating_add(8192).to_be_bytes();
                (0xe0, low, high << 1 | low >> 7)
            }
        };
        [status | self.channel & 0x0f, first & 0x7f, second & 0x7f]
    }
}

/// Returns how many data bytes follow a status byte from `80` to `EF`.
#[must_use]
#[inline]
pub(crate) fn data_len(status: u8) -> usize {
    match status >> 4 {
        0xc | 0xd => 1,
        _ => 2,
    }
}

/// An event about the song that is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named as in the specification of the files")]
pub enum Meta {
    /// `00`: the number of the sequence.
    SequenceNumber(u16),
    /// `01` to `0F`: a text; `kind` 1 is any text, 2 a copyright, 3 a track's name, 4 an instrument,
    /// 5 a lyric, 6 a marker, 7 a cue point. The file does not say how its letters are encoded.
    Text { kind: u8, text: Vec<u8> },
    /// `20`: the channel that the next texts are about.
    ChannelPrefix(u8),
    /// `21`: the output that the track is for.
    Port(u8),
    /// `2F`: the track ends.
    EndOfTrack,
    /// `51`: microseconds of a quarter from here on; 24 bits, and 0 in a damaged file.
    Tempo(u32),
    /// `54`: the time at which the track starts, and the frame rate in `hours`, as in the file.
    SmpteOffset { hours: u8, minutes: u8, seconds: u8, frames: u8, hundredths: u8 },
    /// `58`: the time signature; the denominator is a power of two.
    TimeSignature { numerator: u8, denominator_power: u8, clocks_per_click: u8, notated_32nds: u8 },
    /// `59`: the key; from 7 flats (-7) to 7 sharps.
    KeySignature { sharps: i8, minor: bool },
    /// `7F`: bytes for one program.
    SequencerSpecific(Vec<u8>),
    /// Any other event, and those above if their length or a value breaks the standard.
    Other { kind: u8, data: Vec<u8> },
}

impl Meta {
    /// Decodes an event from its type and its data. Data that breaks the standard makes it an
    /// [`Other`](Self::Other).
    #[must_use]
    pub fn from_data(kind: u8, data: Vec<u8>) -> Self {
        match (kind, data.as_slice()) {
            (0x00, &[high, low]) => Self::SequenceNumber(u16::from_be_bytes([high, low])),
            (0x01..=0x0f, _) => Self::Text { kind, text: data },
            (0x20, &[channel @ 0..=15]) => Self::ChannelPrefix(channel),
            (0x21, &[port @ 0..=127]) => Self::Port(port),
            (0x2f, &[]) => Self::EndOfTrack,
            (0x51, &[a, b, c]) => Self::Tempo(u32::from_be_bytes([0, a, b, c])),
            // Bits 5 and 6 of the hours are the frame rate.
            (
                0x54,
                &[hours, minutes @ 0..=59, seconds @ 0..=59, frames @ 0..=29, hundredths @ 0..=99],
            ) if hours & 0x80 == 0 && hours & 0x1f < 24 => {
                Self::SmpteOffset { hours, minutes, seconds, frames, hundredths }
            }
            (0x58, &[numerator, denominator_power, clocks_per_click, notated_32nds]) => {
                Self::TimeSignature {
                    numerator,
                    denominator_power,
                    clocks_per_click,
                    notated_32nds,
                }
            }
            (0x59, &[sharps, minor @ 0..=1]) if (-7..=7).contains(&sharps.cast_signed()) => {
                Self::KeySignature { sharps: sharps.cast_signed(), minor: minor == 1 }
            }
            (0x7f, _) => Self::SequencerSpecific(data),
            _ => Self::Other { kind, data },
        }
    }

    /// Returns the event's type byte and its data.
    #[must_use]
    pub fn to_data(&self) -> (u8, Vec<u8>) {
        match self {
            Self::SequenceNumber(number) => (0x00, number.to_be_bytes().into()),
            Self::Text { kind, text } => (*kind, text.clone()),
            Self::ChannelPrefix(channel) => (0x20, vec![*channel]),
            Self::Port(port) => (0x21, vec![*port]),
            Self::EndOfTrack => (0x2f, Vec::new()),
            Self::Tempo(tempo_us) => (0x51, tempo_us.to_be_bytes()[1..].into()),
            Self::SmpteOffset { hours, minutes, seconds, frames, hundredths } => {
                (0x54, vec![*hours, *minutes, *seconds, *frames, *hundredths])
            }
            Self::TimeSignature {
                numerator,
                denominator_power,
                clocks_per_click,
                notated_32nds,
            } => (0x58, vec![*numerator, *denominator_power, *clocks_per_click, *notated_32nds]),
            Self::KeySignature { sharps, minor } => {
                (0x59, vec![sharps.cast_unsigned(), u8::from(*minor)])
            }
            Self::SequencerSpecific(data) => (0x7f, data.clone()),
            Self::Other { kind, data } => (*kind, data.clone()),
        }
    }

    /// Returns the length that the standard fixes for an event of this type, if it does.
    #[must_use]
    pub(crate) fn standard_len(kind: u8) -> Option<usize> {
        match kind {
            0x00 | 0x59 => Some(2),
            0x20 | 0x21 => Some(1),
            0x2f => Some(0),
            0x51 => Some(3),
            0x54 => Some(5),
            0x58 => Some(4),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_messages_are_the_same_after_a_round_trip() {
        for status in 0x80..=0xef_u8 {
            for data in [[0, 0], [127, 1], [64, 127], [1, 64]] {
                let message = ChannelMessage::from_bytes(status, data).expect("a status byte");
                let second = if data_len(status) == 2 { data[1] } else { 0 };
                assert_eq!(message.to_bytes(), [status, data[0], second]);
            }
        }
        assert_eq!(ChannelMessage::from_bytes(0x7f, [0, 0]), None);
        assert_eq!(ChannelMessage::from_bytes(0xf0, [0, 0]), None);
    }

    #[test]
    fn pitch_bends_reach_both_ends() {
        for (bend, low, high) in [(-8192, 0, 0), (0, 0, 64), (8191, 127, 127), (-1, 127, 63)] {
            let message = ChannelMessage { channel: 3, voice: Voice::PitchBend { bend } };
            assert_eq!(message.to_bytes(), [0xe3, low, high]);
            assert_eq!(ChannelMessage::from_bytes(0xe3, [low, high]), Some(message));
        }
    }

    #[test]
    fn meta_events_are_the_same_after_a_round_trip() {
        for kind in 0..=255 {
            for data in
                [&[][..], &[1], &[0, 0], &[7, 1], &[1, 2, 3], &[4, 2, 24, 8], &[96, 0, 3, 0, 0]]
            {
                let meta = Meta::from_data(kind, data.into());
                assert_eq!(meta.to_data(), (kind, data.to_vec()), "{meta:?}");
            }
        }
    }

    #[test]
    fn values_out_of_range_stay_as_they_are() {
        for (kind, data) in [
            (0x59, &[8, 0][..]),
            (0x59, &[0xf8, 0]),
            (0x59, &[0, 2]),
            (0x59, &[]),
            (0x54, &[24, 0, 0, 0, 0]),
            (0x54, &[0, 60, 0, 0, 0]),
            (0x51, &[1, 2]),
            (0x21, &[128]),
        ] {
            let data = data.to_vec();
            assert_eq!(Meta::from_data(kind, data.clone()), Meta::Other { kind, data });
        }
    }
}
