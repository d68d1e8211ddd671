//! The event record: types, flags, special numbers, and views of its 12 data bytes.

mod data;
mod types;

use crate::address::Address;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub use data::{Control, EventData, Note};
pub use types::EventType;

/// The size of a legacy event record, in bytes.
pub const EVENT_SIZE: usize = size_of::<Event>();

/// Queue number for an event that goes through no queue and is delivered at once.
#[doc(alias = "SNDRV_SEQ_QUEUE_DIRECT")]
pub const QUEUE_DIRECT: u8 = 253;
/// Client or port number for an unknown one.
#[doc(alias = "SNDRV_SEQ_ADDRESS_UNKNOWN")]
pub const ADDRESS_UNKNOWN: u8 = 253;
/// Client number (or queue number) for all subscribers of the source port.
#[doc(alias = "SNDRV_SEQ_ADDRESS_SUBSCRIBERS")]
pub const ADDRESS_SUBSCRIBERS: u8 = 254;
/// Client, port or queue number for a broadcast. The interface declares it, but no kernel supports
/// it.
#[doc(alias = "SNDRV_SEQ_ADDRESS_BROADCAST")]
pub const ADDRESS_BROADCAST: u8 = 255;

/// An event as programs write and read it: 28 bytes. The data of a variable event follows it.
#[doc(alias = "snd_seq_event")]
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct Event {
    /// What happened.
    pub event_type: EventType,
    /// Says how to read time and data.
    pub flags: EventFlags,
    /// A number for the sender's own use.
    pub tag: u8,
    /// Queue number, or [`QUEUE_DIRECT`].
    pub queue: u8,
    /// When the event is due: see [`EventFlags::REAL_TIME`] and [`EventFlags::RELATIVE`].
    pub time: EventTime,
    /// The sender.
    pub source: Address,
    /// The receiver.
    pub dest: Address,
    /// What it says, depending on the type; see the views.
    pub data: EventData,
}

impl Event {
    /// Returns an event of a type for delivery at once, with everything else zero.
    #[must_use]
    pub const fn direct(event_type: EventType) -> Self {
        Self {
            event_type,
            flags: EventFlags::empty(),
            tag: 0,
            queue: QUEUE_DIRECT,
            time: EventTime { tick_or_sec: 0, nsec: 0 },
            source: Address { client: 0, port: 0 },
            dest: Address { client: 0, port: 0 },
            data: EventData([0; 12]),
        }
    }

    /// Returns whether data follows the record.
    #[must_use]
    pub const fn is_variable(&self) -> bool {
        self.flags.length().0 == EventLength::VARIABLE.0
    }
}

/// When an event is due: ticks, or seconds and nanoseconds.
#[doc(alias = "snd_seq_timestamp")]
#[repr(C)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct EventTime {
    /// Ticks, or seconds in real time.
    pub tick_or_sec: u32,
    /// Nanoseconds in real time; not used with ticks.
    pub nsec: u32,
}

impl EventTime {
    /// Returns a time in ticks.
    #[must_use]
    pub const fn tick(tick: u32) -> Self {
        Self { tick_or_sec: tick, nsec: 0 }
    }

    /// Returns a time in seconds and nanoseconds.
    #[must_use]
    pub const fn real(sec: u32, nsec: u32) -> Self {
        Self { tick_or_sec: sec, nsec }
    }
}

/// The flags byte of an event.
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct EventFlags(u8);

bitflags::bitflags! {
    impl EventFlags: u8 {
        /// The time is seconds and nanoseconds; otherwise ticks.
        #[doc(alias = "SNDRV_SEQ_TIME_STAMP_REAL")]
        const REAL_TIME = 1 << 0;
        /// The time counts from the queue's present position; otherwise from its start.
        #[doc(alias = "SNDRV_SEQ_TIME_MODE_REL")]
        const RELATIVE = 1 << 1;
        /// Length bits 01: data follows the record.
        #[doc(alias = "SNDRV_SEQ_EVENT_LENGTH_VARIABLE")]
        const VARIABLE = 1 << 2;
        /// Length bits 10: the record points to memory of the program.
        #[doc(alias = "SNDRV_SEQ_EVENT_LENGTH_VARUSR")]
        const VARUSR = 2 << 2;
        /// Goes before events of the same time.
        #[doc(alias = "SNDRV_SEQ_PRIORITY_HIGH")]
        const PRIORITY = 1 << 4;
        /// The record is a 32-byte UMP event.
        #[doc(alias = "SNDRV_SEQ_EVENT_UMP")]
        const UMP = 1 << 5;
        const _ = !0;
    }
}

/// The two length bits of the flags byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventLength(pub u8);

impl EventLength {
    /// No data follows.
    #[doc(alias = "SNDRV_SEQ_EVENT_LENGTH_FIXED")]
    pub const FIXED: Self = Self(0);
    /// `ext.len` bytes follow.
    pub const VARIABLE: Self = Self(1 << 2);
    /// `ext.len` bytes are at `ext.ptr` in the program's memory.
    pub const VARUSR: Self = Self(2 << 2);
    /// The bits that hold the length kind.
    #[doc(alias = "SNDRV_SEQ_EVENT_LENGTH_MASK")]
    pub const MASK: u8 = 3 << 2;
}

impl EventFlags {
    /// Returns the length kind. `EventLength(3 << 2)` is undefined by the interface and counts as
    /// fixed.
    #[must_use]
    pub const fn length(self) -> EventLength {
        EventLength(self.bits() & EventLength::MASK)
    }
}
