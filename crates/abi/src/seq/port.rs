//! Ports.

use crate::address::Address;
use crate::structs::abi_struct;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

bitflags::bitflags! {
    /// What a port allows.
    #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
    pub struct PortCaps: u32 {
        /// Can be read from.
        #[doc(alias = "SNDRV_SEQ_PORT_CAP_READ")]
        const READ = 1 << 0;
        /// Can be written to.
        #[doc(alias = "SNDRV_SEQ_PORT_CAP_WRITE")]
        const WRITE = 1 << 1;
        /// Information only.
        #[doc(alias = "SNDRV_SEQ_PORT_CAP_SYNC_READ")]
        const SYNC_READ = 1 << 2;
        /// Information only.
        #[doc(alias = "SNDRV_SEQ_PORT_CAP_SYNC_WRITE")]
        const SYNC_WRITE = 1 << 3;
        /// Both directions belong together.
        #[doc(alias = "SNDRV_SEQ_PORT_CAP_DUPLEX")]
        const DUPLEX = 1 << 4;
        /// Others may subscribe to read.
        #[doc(alias = "SNDRV_SEQ_PORT_CAP_SUBS_READ")]
        const SUBS_READ = 1 << 5;
        /// Others may subscribe to write.
        #[doc(alias = "SNDRV_SEQ_PORT_CAP_SUBS_WRITE")]
        const SUBS_WRITE = 1 << 6;
        /// Third parties may not connect it.
        #[doc(alias = "SNDRV_SEQ_PORT_CAP_NO_EXPORT")]
        const NO_EXPORT = 1 << 7;
        /// Left out of enumerations (Linux 6.5 and later).
        #[doc(alias = "SNDRV_SEQ_PORT_CAP_INACTIVE")]
        const INACTIVE = 1 << 8;
        /// The UMP endpoint of its client (Linux 6.5 and later).
        #[doc(alias = "SNDRV_SEQ_PORT_CAP_UMP_ENDPOINT")]
        const UMP_ENDPOINT = 1 << 9;
        const _ = !0;
    }
}

bitflags::bitflags! {
    /// What a port is. Only information for people and programs.
    #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
    pub struct PortType: u32 {
        /// Hardware specific.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_SPECIFIC")]
        const SPECIFIC = 1 << 0;
        /// Generic MIDI.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_MIDI_GENERIC")]
        const MIDI_GENERIC = 1 << 1;
        /// General MIDI.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_MIDI_GM")]
        const MIDI_GM = 1 << 2;
        /// Roland GS.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_MIDI_GS")]
        const MIDI_GS = 1 << 3;
        /// Yamaha XG.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_MIDI_XG")]
        const MIDI_XG = 1 << 4;
        /// Roland MT-32.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_MIDI_MT32")]
        const MIDI_MT32 = 1 << 5;
        /// General MIDI 2.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_MIDI_GM2")]
        const MIDI_GM2 = 1 << 6;
        /// UMP.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_MIDI_UMP")]
        const MIDI_UMP = 1 << 7;
        /// Synth device.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_SYNTH")]
        const SYNTH = 1 << 10;
        /// Samples can be downloaded to it directly.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_DIRECT_SAMPLE")]
        const DIRECT_SAMPLE = 1 << 11;
        /// Samples can be downloaded to it.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_SAMPLE")]
        const SAMPLE = 1 << 12;
        /// Implemented in hardware.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_HARDWARE")]
        const HARDWARE = 1 << 16;
        /// Implemented in software.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_SOFTWARE")]
        const SOFTWARE = 1 << 17;
        /// Generates sound.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_SYNTHESIZER")]
        const SYNTHESIZER = 1 << 18;
        /// Connects to other devices.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_PORT")]
        const PORT = 1 << 19;
        /// A program.
        #[doc(alias = "SNDRV_SEQ_PORT_TYPE_APPLICATION")]
        const APPLICATION = 1 << 20;
        const _ = !0;
    }
}

bitflags::bitflags! {
    /// Flags of a port.
    #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
    pub struct PortFlags: u32 {
        /// In `CREATE_PORT`: the number is given.
        #[doc(alias = "SNDRV_SEQ_PORT_FLG_GIVEN_PORT")]
        const GIVEN_PORT = 1 << 0;
        /// Stamp events that arrive.
        #[doc(alias = "SNDRV_SEQ_PORT_FLG_TIMESTAMP")]
        const TIMESTAMP = 1 << 1;
        /// Stamp with real time instead of ticks.
        #[doc(alias = "SNDRV_SEQ_PORT_FLG_TIME_REAL")]
        const TIME_REAL = 1 << 2;
        /// Keeps the MIDI 1.0 protocol in a MIDI 2.0 client (Linux 6.10 and later).
        #[doc(alias = "SNDRV_SEQ_PORT_FLG_IS_MIDI1")]
        const IS_MIDI1 = 1 << 3;
        const _ = !0;
    }
}

abi_struct! {
    /// A port's description, as a 64-bit process lays it out.
    #[doc(alias = "snd_seq_port_info")]
    pub struct PortInfo {
        /// Client and port.
        pub addr: Address,
        /// Name, ended by a NUL.
        pub name: [u8; 64],
        /// Padding of the C compiler.
        pub pad: [u8; 2],
        /// [`PortCaps`].
        pub capability: u32,
        /// [`PortType`]; C: `type`.
        pub port_type: u32,
        /// Channels.
        pub midi_channels: i32,
        /// Voices of MIDI.
        pub midi_voices: i32,
        /// Voices of the synthesizer.
        pub synth_voices: i32,
        /// Subscriptions with this port as sender.
        pub read_use: i32,
        /// Subscriptions with this port as destination.
        pub write_use: i32,
        /// For the kernel only: must be zero.
        pub kernel: u64,
        /// [`PortFlags`].
        pub flags: u32,
        /// Queue that stamps arriving events.
        pub time_queue: u8,
        /// Bit 0 input, bit 1 output (Linux 6.5 and later).
        pub direction: u8,
        /// UMP group, 0 for none (Linux 6.5 and later).
        pub ump_group: u8,
        /// Zero.
        pub reserved: [u8; 57],
    }
}

abi_struct! {
    /// A port's description, as a 32-bit process lays it out. From Linux 6.5 on the kernel puts
    /// direction and UMP group at the byte positions of the 64-bit struct here too.
    pub struct PortInfo32 {
        /// Client and port.
        pub addr: Address,
        /// Name, ended by a NUL.
        pub name: [u8; 64],
        /// Padding of the C compiler.
        pub pad: [u8; 2],
        /// [`PortCaps`].
        pub capability: u32,
        /// [`PortType`]; C: `type`.
        pub port_type: u32,
        /// Channels.
        pub midi_channels: i32,
        /// Voices of MIDI.
        pub midi_voices: i32,
        /// Voices of the synthesizer.
        pub synth_voices: i32,
        /// Subscriptions with this port as sender.
        pub read_use: i32,
        /// Subscriptions with this port as destination.
        pub write_use: i32,
        /// Ignored, returned as zero.
        pub kernel: u32,
        /// [`PortFlags`].
        pub flags: u32,
        /// Queue that stamps arriving events.
        pub time_queue: u8,
        /// Bytes 105 to 107.
        pub reserved: [u8; 3],
        /// Byte 108 repeats `time_queue` in answers.
        pub time_queue_again: u8,
        /// Byte 109.
        pub direction: u8,
        /// Byte 110.
        pub ump_group: u8,
        /// The rest.
        pub reserved2: [u8; 53],
    }
}
