//! The structs and constants of `sound/asequencer.h`, events and UMP apart.

use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Protocol version 1.0.4, that of Linux 6.12: what `PVERSION` answers.
#[doc(alias = "SNDRV_SEQ_VERSION")]
pub const VERSION: i32 = 0x01_00_04;
/// Protocol version 1.0.3: a program that declares it is asked for `midi_version`.
pub const VERSION_1_0_3: i32 = 0x01_00_03;

/// Client number of the system client.
#[doc(alias = "SNDRV_SEQ_CLIENT_SYSTEM")]
pub const CLIENT_SYSTEM: u8 = 0;
/// Client number of Midi Through.
#[doc(alias = "SNDRV_SEQ_CLIENT_DUMMY")]
pub const CLIENT_DUMMY: u8 = 14;
/// Client number of the OSS sequencer emulation.
#[doc(alias = "SNDRV_SEQ_CLIENT_OSS")]
pub const CLIENT_OSS: u8 = 15;
/// Port of the system client that controls queues.
#[doc(alias = "SNDRV_SEQ_PORT_SYSTEM_TIMER")]
pub const PORT_SYSTEM_TIMER: u8 = 0;
/// Port of the system client that announces changes.
#[doc(alias = "SNDRV_SEQ_PORT_SYSTEM_ANNOUNCE")]
pub const PORT_SYSTEM_ANNOUNCE: u8 = 1;

/// A client and one of its ports.
#[doc(alias = "snd_seq_addr")]
#[repr(C)]
#[derive(
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    KnownLayout,
    Immutable,
)]
pub struct Address {
    /// Client number.
    pub client: u8,
    /// Port number.
    pub port: u8,
}

impl Address {
    /// `client:port`.
    #[must_use]
    pub const fn new(client: u8, port: u8) -> Self {
        Self { client, port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.client, self.port)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! abi_struct {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty,)* }

        impl Default for $name {
            /// All bytes zero.
            fn default() -> Self {
                zerocopy::FromZeros::new_zeroed()
            }
        }
    };
}
pub(crate) use abi_struct;

abi_struct! {
    /// Sender and destination of a connection.
    #[doc(alias = "snd_seq_connect")]
    pub struct Connect {
        /// Where events come from.
        pub sender: Address,
        /// Where they go to.
        pub dest: Address,
    }
}

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
    /// How wide a client's pointers are.
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
        /// UMP groups not wanted, one bit each; bit 0 groupless.
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
        /// Free cells at which a writer is woken and the descriptor is writable.
        pub output_room: i32,
        /// Free cells of the output pool.
        pub output_free: i32,
        /// Free cells of the input pool.
        pub input_free: i32,
        /// Zero.
        pub reserved: [u8; 64],
    }
}

bitflags::bitflags! {
    /// What `REMOVE_EVENTS` shall remove.
    #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
    pub struct RemoveMode: u32 {
        /// Unread events of the own client.
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
        pub time: crate::event::EventTime,
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
        /// Both directions are one thing.
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
    /// What a port is; information for people and programs.
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
        /// `CREATE_PORT`: the number is given.
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
        /// Not for user space: must be zero.
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
    /// A port's description, as a 32-bit process lays it out. A 6.5 or later kernel puts direction
    /// and UMP group at the byte positions of the 64-bit struct here too.
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

bitflags::bitflags! {
    /// Flags of a queue.
    #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
    pub struct QueueFlags: u32 {
        /// Synchronised from outside; stored nowhere.
        #[doc(alias = "SNDRV_SEQ_QUEUE_FLG_SYNC")]
        const SYNC = 1 << 0;
        const _ = !0;
    }
}

abi_struct! {
    /// A queue's description.
    #[doc(alias = "snd_seq_queue_info")]
    pub struct QueueInfo {
        /// Queue number.
        pub queue: i32,
        /// Owning client.
        pub owner: i32,
        /// Bit 0: only the owner may control it.
        pub locked: u8,
        /// Name, ended by a NUL.
        pub name: [u8; 64],
        /// Padding of the C compiler.
        pub pad: [u8; 3],
        /// [`QueueFlags`].
        pub flags: u32,
        /// Zero.
        pub reserved: [u8; 60],
    }
}

abi_struct! {
    /// Seconds and nanoseconds.
    #[doc(alias = "snd_seq_real_time")]
    pub struct RealTime {
        /// Seconds.
        pub tv_sec: u32,
        /// Nanoseconds.
        pub tv_nsec: u32,
    }
}

abi_struct! {
    /// A queue's position.
    #[doc(alias = "snd_seq_queue_status")]
    pub struct QueueStatus {
        /// Queue number.
        pub queue: i32,
        /// Waiting events.
        pub events: i32,
        /// Tick now.
        pub tick: u32,
        /// Time now.
        pub time: RealTime,
        /// 1 while running.
        pub running: i32,
        /// Zero.
        pub flags: i32,
        /// Zero.
        pub reserved: [u8; 64],
    }
}

abi_struct! {
    /// A queue's tempo.
    #[doc(alias = "snd_seq_queue_tempo")]
    pub struct QueueTempo {
        /// Queue number.
        pub queue: i32,
        /// Length of a quarter in units of `tempo_base`.
        pub tempo: u32,
        /// Ticks per quarter.
        pub ppq: i32,
        /// Skew.
        pub skew_value: u32,
        /// Skew base: 0x10000.
        pub skew_base: u32,
        /// Nanoseconds per unit of tempo: 1000 or 10; 0 means 1000 (protocol 1.0.4).
        pub tempo_base: u16,
        /// Zero.
        pub reserved: [u8; 22],
    }
}

/// Queue timer type: an ALSA timer.
#[doc(alias = "SNDRV_SEQ_TIMER_ALSA")]
pub const TIMER_ALSA: i32 = 0;
/// Queue timer type: MIDI clock; refused.
#[doc(alias = "SNDRV_SEQ_TIMER_MIDI_CLOCK")]
pub const TIMER_MIDI_CLOCK: i32 = 1;
/// Queue timer type: MIDI tick; refused.
#[doc(alias = "SNDRV_SEQ_TIMER_MIDI_TICK")]
pub const TIMER_MIDI_TICK: i32 = 2;

abi_struct! {
    /// The timer that drives a queue.
    #[doc(alias = "snd_seq_queue_timer")]
    pub struct QueueTimer {
        /// Queue number.
        pub queue: i32,
        /// [`TIMER_ALSA`]; C: `type`.
        pub timer_type: i32,
        /// Which timer; C: `u.alsa.id`.
        pub id: crate::timer::TimerId,
        /// Wanted frequency in Hz, 0 for the default; C: `u.alsa.resolution`.
        pub resolution: u32,
        /// Zero.
        pub reserved: [u8; 64],
    }
}

abi_struct! {
    /// Whether a client uses a queue.
    #[doc(alias = "snd_seq_queue_client")]
    pub struct QueueClient {
        /// Queue number.
        pub queue: i32,
        /// Client number.
        pub client: i32,
        /// 1 used, 0 not, -1 leave.
        pub used: i32,
        /// Zero.
        pub reserved: [u8; 64],
    }
}

bitflags::bitflags! {
    /// Flags of a subscription.
    #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
    pub struct SubscriptionFlags: u32 {
        /// No other subscription may exist beside it.
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
