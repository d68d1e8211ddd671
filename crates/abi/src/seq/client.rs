//! Clients, their memory pools, and the limits of the sequencer.

use crate::structs::abi_struct;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

abi_struct! {
    /// Limits and counts of the whole sequencer.
    #[doc(alias = "snd_seq_system_info")]
    pub struct SystemInfo {
        /// Maximum queues.
        pub queues: i32,
        /// Maximum clients.
        pub clients: i32,
        /// Maximum ports per client.
        pub ports: i32,
        /// Maximum channels per port.
        pub channels: i32,
        /// Clients now.
        pub cur_clients: i32,
        /// Queues now.
        pub cur_queues: i32,
        /// Zero.
        pub reserved: [u8; 24],
    }
}

abi_struct! {
    /// The width of a client's pointers.
    #[doc(alias = "snd_seq_running_info")]
    pub struct RunningInfo {
        /// Client number.
        pub client: u8,
        /// Non-zero: big-endian.
        pub big_endian: u8,
        /// Size of a pointer, in bytes.
        pub cpu_mode: u8,
        /// Padding.
        pub pad: u8,
        /// Zero.
        pub reserved: [u8; 12],
    }
}

/// Client type: user space.
pub const USER_CLIENT: i32 = 1;
/// Client type: kernel.
pub const KERNEL_CLIENT: i32 = 2;

bitflags::bitflags! {
    /// What a client wants to receive.
    #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
    pub struct ClientFilter: u32 {
        /// Broadcast events; stored, without effect.
        #[doc(alias = "SNDRV_SEQ_FILTER_BROADCAST")]
        const BROADCAST = 1 << 0;
        /// Multicast events; stored, without effect.
        #[doc(alias = "SNDRV_SEQ_FILTER_MULTICAST")]
        const MULTICAST = 1 << 1;
        /// Bounces of its own queued events that failed.
        #[doc(alias = "SNDRV_SEQ_FILTER_BOUNCE")]
        const BOUNCE = 1 << 2;
        /// Events are not converted between UMP and legacy.
        #[doc(alias = "SNDRV_SEQ_FILTER_NO_CONVERT")]
        const NO_CONVERT = 1 << 30;
        /// Only types whose bit is set in `event_filter`.
        #[doc(alias = "SNDRV_SEQ_FILTER_USE_EVENT")]
        const USE_EVENT = 1 << 31;
        const _ = !0;
    }
}

abi_struct! {
    /// A client's description.
    #[doc(alias = "snd_seq_client_info")]
    pub struct ClientInfo {
        /// Client number.
        pub client: i32,
        /// [`USER_CLIENT`] or [`KERNEL_CLIENT`]; C: `type`.
        pub client_type: i32,
        /// Name, ended by a NUL.
        pub name: [u8; 64],
        /// [`ClientFilter`].
        pub filter: u32,
        /// Unused.
        pub multicast_filter: [u8; 8],
        /// One bit per event type.
        pub event_filter: [u8; 32],
        /// Number of ports.
        pub num_ports: i32,
        /// Events lost: bounces that could not be delivered.
        pub event_lost: i32,
        /// Sound card, or -1.
        pub card: i32,
        /// Process, or -1.
        pub pid: i32,
        /// 0 legacy, 1 UMP MIDI 1.0, 2 UMP MIDI 2.0.
        pub midi_version: u32,
        /// UMP groups that are filtered out, one bit each; bit 0 for messages without a group.
        pub group_filter: u32,
        /// Zero.
        pub reserved: [u8; 48],
    }
}

abi_struct! {
    /// A client's memory pools.
    #[doc(alias = "snd_seq_client_pool")]
    pub struct ClientPool {
        /// Client number.
        pub client: i32,
        /// Cells of the output pool.
        pub output_pool: i32,
        /// Cells of the input pool.
        pub input_pool: i32,
        /// The number of free cells at which a writer is woken and the descriptor is writable.
        pub output_room: i32,
        /// Free cells of the output pool.
        pub output_free: i32,
        /// Free cells of the input pool.
        pub input_free: i32,
        /// Zero.
        pub reserved: [u8; 64],
    }
}
