//! The structs of a card's control device, `/dev/snd/controlC0`, as far as a card without elements
//! and devices uses them.

use crate::structs::abi_struct;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Protocol version, 2.0.9.
#[doc(alias = "SNDRV_CTL_VERSION")]
pub const VERSION: i32 = 0x02_00_09;

/// The first type of an element that holds a value.
#[doc(alias = "SNDRV_CTL_ELEM_TYPE_BOOLEAN")]
pub const ELEM_TYPE_BOOLEAN: i32 = 1;
/// The last type of an element.
#[doc(alias = "SNDRV_CTL_ELEM_TYPE_INTEGER64")]
pub const ELEM_TYPE_INTEGER64: i32 = 6;

/// The last direction of a PCM.
#[doc(alias = "SNDRV_PCM_STREAM_CAPTURE")]
pub const PCM_STREAM_CAPTURE: i32 = 1;

/// Full power, as `POWER_STATE` reports it.
#[doc(alias = "SNDRV_CTL_POWER_D0")]
pub const POWER_D0: i32 = 0;

abi_struct! {
    /// A card's description.
    #[doc(alias = "snd_ctl_card_info")]
    pub struct CardInfo {
        /// Its number.
        pub card: i32,
        /// Padding.
        pub pad: i32,
        /// Its id, by which `hw:CARD=` finds it.
        pub id: [u8; 16],
        /// Its driver.
        pub driver: [u8; 16],
        /// Its name.
        pub name: [u8; 32],
        /// Its name, long enough to tell it from others.
        pub longname: [u8; 80],
        /// Zero.
        pub reserved: [u8; 16],
        /// The name of its mixer.
        pub mixername: [u8; 80],
        /// Its parts.
        pub components: [u8; 128],
    }
}

abi_struct! {
    /// The identity of an element.
    #[doc(alias = "snd_ctl_elem_id")]
    pub struct ElemId {
        /// Its number; 0 if the other fields say which.
        pub numid: u32,
        /// Its interface.
        pub iface: i32,
        /// Device.
        pub device: u32,
        /// Subdevice.
        pub subdevice: u32,
        /// Its name.
        pub name: [u8; 44],
        /// Which of several elements of that name.
        pub index: u32,
    }
}

abi_struct! {
    /// A list of elements to fill, as a 64-bit process lays it out.
    #[doc(alias = "snd_ctl_elem_list")]
    pub struct ElemList {
        /// The index of the first element wanted.
        pub offset: u32,
        /// The number of elements that there is room for.
        pub space: u32,
        /// The number of elements that were filled in.
        pub used: u32,
        /// The number of elements of the card.
        pub count: u32,
        /// The address of the list in the program.
        pub pids: u64,
        /// Reserved.
        pub reserved: [u8; 50],
        /// Padding of the C compiler.
        pub pad: [u8; 6],
    }
}

abi_struct! {
    /// A list of elements to fill, as a 32-bit process lays it out.
    #[doc(alias = "snd_ctl_elem_list32")]
    pub struct ElemList32 {
        /// The index of the first element wanted.
        pub offset: u32,
        /// The number of elements that there is room for.
        pub space: u32,
        /// The number of elements that were filled in.
        pub used: u32,
        /// The number of elements of the card.
        pub count: u32,
        /// The address of the list in the program.
        pub pids: u32,
        /// Reserved.
        pub reserved: [u8; 50],
        /// Padding of the C compiler.
        pub pad: [u8; 2],
    }
}

abi_struct! {
    /// An element's description.
    #[doc(alias = "snd_ctl_elem_info")]
    pub struct ElemInfo {
        /// Its identity.
        pub id: ElemId,
        /// The type of its values.
        pub elem_type: i32,
        /// What programs may do with it.
        pub access: u32,
        /// The number of its values.
        pub count: u32,
        /// The process that has locked it.
        pub owner: i32,
        /// The range of its values.
        pub value: [u8; 128],
        /// Reserved.
        pub reserved: [u8; 64],
    }
}

abi_struct! {
    /// The head of a request for metadata of an element.
    #[doc(alias = "snd_ctl_tlv")]
    pub struct Tlv {
        /// Which element.
        pub numid: u32,
        /// The number of bytes that follow.
        pub length: u32,
    }
}

abi_struct! {
    /// A PCM's description.
    #[doc(alias = "snd_pcm_info")]
    pub struct PcmInfo {
        /// Device.
        pub device: u32,
        /// Subdevice.
        pub subdevice: u32,
        /// Direction.
        pub stream: i32,
        /// The rest.
        pub rest: [u8; 276],
    }
}

/// The values of an element, as bytes that are not read here.
#[doc(alias = "snd_ctl_elem_value")]
pub type ElemValue = [u8; 1224];
/// A hardware-dependent device's description.
#[doc(alias = "snd_hwdep_info")]
pub type HwdepInfo = [u8; 220];

abi_struct! {
    /// A raw MIDI device's description.
    #[doc(alias = "snd_rawmidi_info")]
    pub struct RawmidiInfo {
        /// Device.
        pub device: u32,
        /// Subdevice.
        pub subdevice: u32,
        /// Direction.
        pub stream: i32,
        /// The rest.
        pub rest: [u8; 256],
    }
}

/// The bytes of an event that `read` brings.
#[doc(alias = "snd_ctl_event")]
pub const EVENT_SIZE: usize = 72;
