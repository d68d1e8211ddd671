//! Subscriptions, and the queries about them.

use crate::address::Address;
use crate::structs::abi_struct;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

bitflags::bitflags! {
    /// Flags of a subscription.
    #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
    pub struct SubscriptionFlags: u32 {
        /// Excludes other subscriptions.
        #[doc(alias = "SNDRV_SEQ_PORT_SUBS_EXCLUSIVE")]
        const EXCLUSIVE = 1 << 0;
        /// Stamp events with the time of a queue.
        #[doc(alias = "SNDRV_SEQ_PORT_SUBS_TIMESTAMP")]
        const TIMESTAMP = 1 << 1;
        /// Stamp with real time instead of ticks.
        #[doc(alias = "SNDRV_SEQ_PORT_SUBS_TIME_REAL")]
        const TIME_REAL = 1 << 2;
        const _ = !0;
    }
}

abi_struct! {
    /// A subscription.
    #[doc(alias = "snd_seq_port_subscribe")]
    pub struct PortSubscribe {
        /// Where events come from.
        pub sender: Address,
        /// Where they go to.
        pub dest: Address,
        /// Number of voices; information only.
        pub voices: u32,
        /// [`SubscriptionFlags`].
        pub flags: u32,
        /// Queue that stamps events.
        pub queue: u8,
        /// Padding.
        pub pad: [u8; 3],
        /// Zero.
        pub reserved: [u8; 64],
    }
}

/// `QUERY_SUBS` type: the subscriptions that read from the port.
#[doc(alias = "SNDRV_SEQ_QUERY_SUBS_READ")]
pub const QUERY_SUBS_READ: i32 = 0;
/// `QUERY_SUBS` type: the subscriptions that write to the port.
#[doc(alias = "SNDRV_SEQ_QUERY_SUBS_WRITE")]
pub const QUERY_SUBS_WRITE: i32 = 1;

abi_struct! {
    /// One subscription of a port, by index.
    #[doc(alias = "snd_seq_query_subs")]
    pub struct QuerySubs {
        /// The port asked about.
        pub root: Address,
        /// Padding of the C compiler.
        pub pad: [u8; 2],
        /// [`QUERY_SUBS_READ`] or [`QUERY_SUBS_WRITE`]; C: `type`.
        pub query_type: i32,
        /// From 0.
        pub index: i32,
        /// Number of subscriptions.
        pub num_subs: i32,
        /// The other end.
        pub addr: Address,
        /// Queue that stamps.
        pub queue: u8,
        /// Padding of the C compiler.
        pub pad2: u8,
        /// [`SubscriptionFlags`].
        pub flags: u32,
        /// Zero.
        pub reserved: [u8; 64],
    }
}
