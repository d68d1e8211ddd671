//! Requests to remove events.

use crate::address::Address;
use crate::event::EventTime;
use crate::structs::abi_struct;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

bitflags::bitflags! {
    /// What `REMOVE_EVENTS` removes.
    #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
    pub struct RemoveMode: u32 {
        /// Unread events of the calling client.
        #[doc(alias = "SNDRV_SEQ_REMOVE_INPUT")]
        const INPUT = 1 << 0;
        /// Events waiting in queues.
        #[doc(alias = "SNDRV_SEQ_REMOVE_OUTPUT")]
        const OUTPUT = 1 << 1;
        /// Only to this queue and destination.
        #[doc(alias = "SNDRV_SEQ_REMOVE_DEST")]
        const DEST = 1 << 2;
        /// Only of this channel.
        #[doc(alias = "SNDRV_SEQ_REMOVE_DEST_CHANNEL")]
        const DEST_CHANNEL = 1 << 3;
        /// Only before the time.
        #[doc(alias = "SNDRV_SEQ_REMOVE_TIME_BEFORE")]
        const TIME_BEFORE = 1 << 4;
        /// Only at the time or later.
        #[doc(alias = "SNDRV_SEQ_REMOVE_TIME_AFTER")]
        const TIME_AFTER = 1 << 5;
        /// The time is in ticks.
        #[doc(alias = "SNDRV_SEQ_REMOVE_TIME_TICK")]
        const TIME_TICK = 1 << 6;
        /// Only of this type.
        #[doc(alias = "SNDRV_SEQ_REMOVE_EVENT_TYPE")]
        const EVENT_TYPE = 1 << 7;
        /// Not note-offs.
        #[doc(alias = "SNDRV_SEQ_REMOVE_IGNORE_OFF")]
        const IGNORE_OFF = 1 << 8;
        /// Only with this tag.
        #[doc(alias = "SNDRV_SEQ_REMOVE_TAG_MATCH")]
        const TAG_MATCH = 1 << 9;
        const _ = !0;
    }
}

abi_struct! {
    /// Which events to remove.
    #[doc(alias = "snd_seq_remove_events")]
    pub struct RemoveEvents {
        /// [`RemoveMode`].
        pub remove_mode: u32,
        /// Ticks, or seconds and nanoseconds.
        pub time: EventTime,
        /// Queue, with DEST.
        pub queue: u8,
        /// Destination, with DEST.
        pub dest: Address,
        /// Channel, with `DEST_CHANNEL`.
        pub channel: u8,
        /// Type, with `EVENT_TYPE`; C: `type`.
        pub event_type: i32,
        /// Tag, with `TAG_MATCH`.
        pub tag: u8,
        /// Padding of the C compiler.
        pub pad: [u8; 3],
        /// Zero.
        pub reserved: [i32; 10],
    }
}
