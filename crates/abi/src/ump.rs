//! UMP (MIDI 2.0): records and the endpoint and block descriptions, as data.

use crate::address::Address;
use crate::event::{EventFlags, EventTime, EventType};
use crate::structs::abi_struct;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

abi_struct! {
    /// An event record with a UMP packet: 32 bytes.
    #[doc(alias = "snd_seq_ump_event")]
    pub struct UmpEvent {
        /// Zero.
        pub event_type: EventType,
        /// With [`EventFlags::UMP`].
        pub flags: EventFlags,
        /// A number for the sender's own use.
        pub tag: u8,
        /// Queue number.
        pub queue: u8,
        /// When the event is due.
        pub time: EventTime,
        /// The sender.
        pub source: Address,
        /// The receiver.
        pub dest: Address,
        /// The packet; unused words are zero.
        pub ump: [u32; 4],
    }
}

/// MIDI version of a client that uses legacy events.
#[doc(alias = "SNDRV_SEQ_CLIENT_LEGACY_MIDI")]
pub const CLIENT_LEGACY_MIDI: u32 = 0;
/// MIDI version of a client that uses UMP with the MIDI 1.0 protocol.
#[doc(alias = "SNDRV_SEQ_CLIENT_UMP_MIDI_1_0")]
pub const CLIENT_UMP_MIDI_1_0: u32 = 1;
/// MIDI version of a client that uses UMP with the MIDI 2.0 protocol.
#[doc(alias = "SNDRV_SEQ_CLIENT_UMP_MIDI_2_0")]
pub const CLIENT_UMP_MIDI_2_0: u32 = 2;

/// `ClientUmpInfo` type: the endpoint.
#[doc(alias = "SNDRV_SEQ_CLIENT_UMP_INFO_ENDPOINT")]
pub const CLIENT_UMP_INFO_ENDPOINT: i32 = 0;
/// `ClientUmpInfo` type: the first block; the next ones follow.
#[doc(alias = "SNDRV_SEQ_CLIENT_UMP_INFO_BLOCK")]
pub const CLIENT_UMP_INFO_BLOCK: i32 = 1;

abi_struct! {
    /// Envelope of an endpoint or block description.
    #[doc(alias = "snd_seq_client_ump_info")]
    pub struct ClientUmpInfo {
        /// Client number.
        pub client: i32,
        /// Endpoint, or 1 + block; C: `type`.
        pub info_type: i32,
        /// [`UmpEndpointInfo`] or [`UmpBlockInfo`] and unused bytes.
        pub info: [u8; 512],
    }
}

/// A UMP endpoint's description; packed in C.
#[doc(alias = "snd_ump_endpoint_info")]
#[repr(C, packed)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct UmpEndpointInfo {
    /// Sound card.
    pub card: i32,
    /// Device.
    pub device: i32,
    /// Flags.
    pub flags: u32,
    /// Protocols it can speak.
    pub protocol_caps: u32,
    /// Protocol it speaks.
    pub protocol: u32,
    /// Number of blocks.
    pub num_blocks: u32,
    /// UMP version, major and minor.
    pub version: u16,
    /// Family.
    pub family_id: u16,
    /// Model.
    pub model_id: u16,
    /// Manufacturer.
    pub manufacturer_id: u32,
    /// Software revision.
    pub sw_revision: [u8; 4],
    /// Padding.
    pub padding: u16,
    /// Name, ended by a NUL.
    pub name: [u8; 128],
    /// Product id, ended by a NUL.
    pub product_id: [u8; 128],
    /// Zero.
    pub reserved: [u8; 32],
}

/// A UMP block's description; packed in C.
#[doc(alias = "snd_ump_block_info")]
#[repr(C, packed)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct UmpBlockInfo {
    /// Sound card.
    pub card: i32,
    /// Device.
    pub device: i32,
    /// Block number.
    pub block_id: u8,
    /// 1 input, 2 output, 3 both.
    pub direction: u8,
    /// Non-zero: active.
    pub active: u8,
    /// First group, from 0.
    pub first_group: u8,
    /// Number of groups.
    pub num_groups: u8,
    /// MIDI-CI version.
    pub midi_ci_version: u8,
    /// Number of SysEx8 streams.
    pub sysex8_streams: u8,
    /// Hint for user interfaces.
    pub ui_hint: u8,
    /// Flags.
    pub flags: u32,
    /// Name, ended by a NUL.
    pub name: [u8; 128],
    /// Zero.
    pub reserved: [u8; 32],
}
