//! The data bytes of an event, and views of them.

use crate::address::{Address, Connect};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The 12 data bytes of an event. Methods read and build them as views. Offsets count from the
/// start of the C union.
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct EventData(pub [u8; 12]);

/// The data of a note event.
#[doc(alias = "snd_seq_ev_note")]
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Note {
    /// MIDI channel.
    pub channel: u8,
    /// Key number.
    pub note: u8,
    /// Velocity; pressure of KEYPRESS.
    pub velocity: u8,
    /// Release velocity, of NOTE only.
    pub off_velocity: u8,
    /// Ticks, or milliseconds in real time; of NOTE only.
    pub duration: u32,
}

/// The data of a controller-like event.
#[doc(alias = "snd_seq_ev_ctrl")]
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Control {
    /// MIDI channel.
    pub channel: u8,
    /// Controller or parameter number.
    pub param: u32,
    /// Value.
    pub value: i32,
}

impl EventData {
    fn word(&self, at: usize) -> u32 {
        u32::from_ne_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }

    fn set_word(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }

    /// Returns the data of a note event, or of KEYPRESS.
    #[must_use]
    pub fn note(&self) -> Note {
        let [channel, note, velocity, off_velocity, ..] = self.0;
        Note { channel, note, velocity, off_velocity, duration: self.word(4) }
    }

    /// Returns the data bytes of a note event.
    #[must_use]
    pub fn from_note(note: Note) -> Self {
        let mut data = Self::default();
        data.0[..4].copy_from_slice(&[note.channel, note.note, note.velocity, note.off_velocity]);
        data.set_word(4, note.duration);
        data
    }

    /// Returns the data of a controller, program, pressure, pitch bend or song event.
    #[must_use]
    pub fn control(&self) -> Control {
        Control { channel: self.0[0], param: self.word(4), value: self.word(8).cast_signed() }
    }

    /// Returns the data bytes of a controller-like event.
    #[must_use]
    pub fn from_control(control: Control) -> Self {
        let mut data = Self::default();
        data.0[0] = control.channel;
        data.set_word(4, control.param);
        data.set_word(8, control.value.cast_unsigned());
        data
    }

    /// Returns the length field of a variable event, top bits included.
    #[must_use]
    pub fn ext_len(&self) -> u32 {
        self.word(0)
    }

    /// Returns the pointer field of a variable event (8 bytes, unaligned in the record).
    #[must_use]
    pub fn ext_ptr(&self) -> u64 {
        u64::from(self.word(4)) | (u64::from(self.word(8)) << 32)
    }

    /// Returns the data bytes of a variable event: a length and no pointer.
    #[must_use]
    pub fn from_ext_len(len: u32) -> Self {
        let mut data = Self::default();
        data.set_word(0, len);
        data
    }

    /// Returns the queue that a queue-control event is about.
    #[must_use]
    pub fn queue(&self) -> u8 {
        self.0[0]
    }

    /// Returns the first parameter of a queue-control event: value, tick, seconds or skew.
    #[must_use]
    pub fn queue_param(&self) -> u32 {
        self.word(4)
    }

    /// Returns the second parameter of a queue-control event: nanoseconds or skew base.
    #[must_use]
    pub fn queue_param2(&self) -> u32 {
        self.word(8)
    }

    /// Returns the data bytes of a queue-control event.
    #[must_use]
    pub fn from_queue(queue: u8, param: u32, param2: u32) -> Self {
        let mut data = Self::default();
        data.0[0] = queue;
        data.set_word(4, param);
        data.set_word(8, param2);
        data
    }

    /// Returns the client and port of an announcement of these.
    #[must_use]
    pub fn address(&self) -> Address {
        Address { client: self.0[0], port: self.0[1] }
    }

    /// Returns the data bytes of an announcement of a client or port.
    #[must_use]
    pub fn from_address(address: Address) -> Self {
        let mut data = Self::default();
        data.0[..2].copy_from_slice(&[address.client, address.port]);
        data
    }

    /// Returns both ends of an announced subscription.
    #[must_use]
    pub fn connect(&self) -> Connect {
        Connect {
            sender: Address { client: self.0[0], port: self.0[1] },
            dest: Address { client: self.0[2], port: self.0[3] },
        }
    }

    /// Returns the data bytes of an announcement of a subscription.
    #[must_use]
    pub fn from_connect(connect: Connect) -> Self {
        let mut data = Self::default();
        let Connect { sender, dest } = connect;
        data.0[..4].copy_from_slice(&[sender.client, sender.port, dest.client, dest.port]);
        data
    }

    /// Returns the event and the result of SYSTEM and RESULT.
    #[must_use]
    pub fn result(&self) -> (i32, i32) {
        (self.word(0).cast_signed(), self.word(4).cast_signed())
    }
}
