//! The structs of a card's control device, `/dev/snd/controlC0`, as far as a card without elements and
//! devices looks into them.

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

/// Full power, as `POWER_STATE` tells it.
#[doc(alias = "SNDRV_CTL_POWER_D0")]
pub const POWER_D0: i32 = 0;

abi_struct! {
    /// What a card is.
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
        /// Its name with what tells it from others.
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
    /// Which element.
    #[doc(alias = "snd_ctl_elem_id")]
    pub struct ElemId {
        /// Its number; 0 if the rest says which.
        pub numid: u32,
        /// Its interface.
        pub iface: i32,
        /// Device.
        pub device: u32,
        /// Subdevice.
        pub subdevice: u32,
        /// Its name.
        pub name: [u8; 44],
        /// Which of several of that name.
        pub index: u32,
    }
}

abi_struct! {
    /// A list of elements to be filled, in a process of 64 bits.
    #[doc(alias = "snd_ctl_elem_list")]
    pub struct ElemList {
        /// The first to tell.
        pub offset: u32,
        /// How many there is room for.
        pub space: u32,
        /// How many were told.
        pub used: u32,
        /// How many there are.
        pub count: u32,
        /// Where the list is, an address of the program's.
        pub pids: u64,
        /// Reserved.
        pub reserved: [u8; 50],
        /// Padding of the C compiler.
        pub pad: [u8; 6],
    }
}

abi_struct! {
    /// The same in a process of 32 bits.
    #[doc(alias = "snd_ctl_elem_list32")]
    pub struct ElemList32 {
        /// The first to tell.
        pub offset: u32,
        /// How many there is room for.
        pub space: u32,
        /// How many were told.
        pub used: u32,
        /// How many there are.
        pub count: u32,
        /// Where the list is, an address of the program's.
        pub pids: u32,
        /// Reserved.
        pub reserved: [u8; 50],
        /// Padding of the C compiler.
        pub pad: [u8; 2],
    }
}

abi_struct! {
    /// What an element is.
    #[doc(alias = "snd_ctl_elem_info")]
    pub struct ElemInfo {
        /// Which.
        pub id: ElemId,
        /// The type of its values.
        pub elem_type: i32,
        /// What may be done with it.
        pub access: u32,
        /// How many values it has.
        pub count: u32,
        /// Who has locked it.
        pub owner: i32,
        /// The range of its values.
        pub value: [u8; 128],
        /// Reserved.
        pub reserved: [u8; 64],
    }
}

abi_struct! {
    /// What begins a request for metadata of an element.
    #[doc(alias = "snd_ctl_tlv")]
    pub struct Tlv {
        /// Which element.
        pub numid: u32,
        /// How many bytes follow.
        pub length: u32,
    }
}

abi_struct! {
    /// What a PCM is.
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

/// The values of an element, which nobody looks into here.
#[doc(alias = "snd_ctl_elem_value")]
pub type ElemValue = [u8; 1224];
/// What a hardware-dependent device is.
#[doc(alias = "snd_hwdep_info")]
pub type HwdepInfo = [u8; 220];

abi_struct! {
    /// What a raw MIDI device is.
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
