//! Queues: description, position, tempo, timer, users.

use crate::structs::abi_struct;
use crate::timer::TimerId;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

bitflags::bitflags! {
    /// Flags of a queue.
    #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
    pub struct QueueFlags: u32 {
        /// Synchronised from outside. It is stored nowhere.
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
        pub id: TimerId,
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
        /// 1 to use it, 0 not to, -1 to leave it as it is.
        pub used: i32,
        /// Zero.
        pub reserved: [u8; 64],
    }
}
