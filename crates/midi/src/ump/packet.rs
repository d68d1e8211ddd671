//! A packet as four words, and its fields.

use core::fmt;

/// The protocol of a UMP client or port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// MIDI 1.0 in UMP: channel messages have message type 2.
    Midi1,
    /// MIDI 2.0: channel messages have message type 4.
    Midi2,
}

/// A Universal MIDI Packet. Words that its message type does not use are zero in packets made here.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Packet(pub [u32; 4]);

impl Packet {
    /// Message type 0: utility messages, without a group.
    pub const UTILITY: u8 = 0;
    /// Message type 1: system messages other than SysEx.
    pub const SYSTEM: u8 = 1;
    /// Message type 2: MIDI 1.0 channel messages.
    pub const MIDI1: u8 = 2;
    /// Message type 3: up to 6 bytes of a 7-bit SysEx.
    pub const SYSEX7: u8 = 3;
    /// Message type 4: MIDI 2.0 channel messages.
    pub const MIDI2: u8 = 4;
    /// Message type 5: up to 13 bytes of an 8-bit SysEx, or of a mixed data set.
    pub const DATA128: u8 = 5;
    /// Message type 13: flex data.
    pub const FLEX_DATA: u8 = 13;
    /// Message type 15: messages about the endpoint, without a group.
    pub const STREAM: u8 = 15;

    /// Number of words by message type.
    const WORDS: [u8; 16] = [1, 1, 1, 2, 2, 4, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4];

    /// Returns a packet of one word.
    #[must_use]
    pub const fn one(word: u32) -> Self {
        Self([word, 0, 0, 0])
    }

    /// Returns a packet of two words.
    #[must_use]
    pub const fn two(first: u32, second: u32) -> Self {
        Self([first, second, 0, 0])
    }

    /// Returns the message type, 0 to 15.
    #[must_use]
    pub const fn message_type(&self) -> u8 {
        (self.0[0] >> 28) as u8
    }

    /// Returns the group, 0 to 15. It has no meaning if the packet [is groupless](Self::is_groupless).
    #[must_use]
    pub const fn group(&self) -> u8 {
        (self.0[0] >> 24 & 0xf) as u8
    }

    /// Returns the packet with another group, of which the low four bits count.
    #[must_use]
    pub const fn with_group(mut self, group: u8) -> Self {
        self.0[0] = self.0[0] & 0xf0ff_ffff | (group as u32 & 0xf) << 24;
        self
    }

    /// Returns whether packets of this message type have no group: utility and stream messages.
    #[must_use]
    pub const fn is_groupless(&self) -> bool {
        matches!(self.message_type(), Self::UTILITY | Self::STREAM)
    }

    /// Returns the status nibble, 0 to 15: of a channel message its kind, of a SysEx its place in the message.
    #[must_use]
    pub const fn status(&self) -> u8 {
        (self.0[0] >> 20 & 0xf) as u8
    }

    /// Returns the status byte of a system message, e.g. 0xf8.
    #[must_use]
    pub const fn system_status(&self) -> u8 {
        self.0[0].to_be_bytes()[1]
    }

    /// Returns the channel of a channel message, 0 to 15.
    #[must_use]
    pub const fn channel(&self) -> u8 {
        (self.0[0] >> 16 & 0xf) as u8
    }

    /// Returns the third byte of the first word: note, controller, bank or first data byte.
    #[must_use]
    pub const fn byte2(&self) -> u8 {
        self.0[0].to_be_bytes()[2]
    }

    /// Returns the last byte of the first word.
    #[must_use]
    pub const fn byte3(&self) -> u8 {
        self.0[0].to_be_bytes()[3]
    }

    /// Returns how many words a packet of this message type has, 1 to 4.
    #[must_use]
    pub const fn word_count(&self) -> usize {
        Self::WORDS[self.message_type() as usize] as usize
    }

    /// Returns the words that a packet of this message type has.
    #[must_use]
    pub fn words(&self) -> &[u32] {
        &self.0[..self.word_count()]
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Packet(")?;
        for (at, word) in self.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{word:08x}")?;
        }
        f.write_str(")")
    }
}

/// The status nibbles of channel messages. 2 and 3 exist in MIDI 2.0 only.
pub(super) mod status {
    pub(in super::super) const RPN: u8 = 0x2;
    pub(in super::super) const NRPN: u8 = 0x3;
    pub(in super::super) const NOTE_OFF: u8 = 0x8;
    pub(in super::super) const NOTE_ON: u8 = 0x9;
    pub(in super::super) const KEY_PRESSURE: u8 = 0xa;
    pub(in super::super) const CONTROLLER: u8 = 0xb;
    pub(in super::super) const PROGRAM: u8 = 0xc;
    pub(in super::super) const CHANNEL_PRESSURE: u8 = 0xd;
    pub(in super::super) const PITCH_BEND: u8 = 0xe;
}

/// The status nibbles of a SysEx packet: its place in the message.
pub(super) mod place {
    pub(in super::super) const SINGLE: u8 = 0;
    pub(in super::super) const START: u8 = 1;
    pub(in super::super) const CONTINUE: u8 = 2;
    pub(in super::super) const END: u8 = 3;
}

/// Builds packets for one group and channel.
#[derive(Clone, Copy)]
pub(super) struct ChannelHead {
    /// Group, 0 to 15, and channel, 0 to 15, at their places in the first word.
    bits: u32,
}

impl ChannelHead {
    /// Takes the low four bits of each.
    pub(super) const fn new(group: u8, channel: u8) -> Self {
        Self { bits: (group as u32 & 0xf) << 24 | (channel as u32 & 0xf) << 16 }
    }

    /// Returns the head of a packet.
    pub(super) const fn of(packet: &Packet) -> Self {
        Self { bits: packet.0[0] & 0x0f0f_0000 }
    }

    /// Returns a MIDI 1.0 channel message.
    pub(super) const fn midi1(self, status: u8, byte2: u8, byte3: u8) -> Packet {
        Packet::one(
            (Packet::MIDI1 as u32) << 28
                | self.bits
                | (status as u32) << 20
                | (byte2 as u32) << 8
                | byte3 as u32,
        )
    }

    /// Returns a MIDI 2.0 channel message.
    pub(super) const fn midi2(self, status: u8, byte2: u8, byte3: u8, value: u32) -> Packet {
        Packet::two(
            (Packet::MIDI2 as u32) << 28
                | self.bits
                | (status as u32) << 20
                | (byte2 as u32) << 8
                | byte3 as u32,
            value,
        )
    }
}
