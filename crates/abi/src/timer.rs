//! The timer part of `sound/asound.h`, as a 64-bit process lays it out.

use crate::structs::abi_struct;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Protocol version 2.0.8, that of Linux 6.12.
#[doc(alias = "SNDRV_TIMER_VERSION")]
pub const VERSION: i32 = 0x02_00_08;

/// No timer: the end of an enumeration.
#[doc(alias = "SNDRV_TIMER_CLASS_NONE")]
pub const CLASS_NONE: i32 = -1;
/// A slave: an instance that follows another.
#[doc(alias = "SNDRV_TIMER_CLASS_SLAVE")]
pub const CLASS_SLAVE: i32 = 0;
/// A system-wide timer.
#[doc(alias = "SNDRV_TIMER_CLASS_GLOBAL")]
pub const CLASS_GLOBAL: i32 = 1;
/// A sound card's own timer.
#[doc(alias = "SNDRV_TIMER_CLASS_CARD")]
pub const CLASS_CARD: i32 = 2;
/// A PCM substream's timer.
#[doc(alias = "SNDRV_TIMER_CLASS_PCM")]
pub const CLASS_PCM: i32 = 3;

/// Slave class: none.
#[doc(alias = "SNDRV_TIMER_SCLASS_NONE")]
pub const SCLASS_NONE: i32 = 0;
/// Slave class: follows a program's instance.
#[doc(alias = "SNDRV_TIMER_SCLASS_APPLICATION")]
pub const SCLASS_APPLICATION: i32 = 1;
/// Slave class: follows a sequencer queue.
#[doc(alias = "SNDRV_TIMER_SCLASS_SEQUENCER")]
pub const SCLASS_SEQUENCER: i32 = 2;
/// Slave class: follows the OSS sequencer.
#[doc(alias = "SNDRV_TIMER_SCLASS_OSS_SEQUENCER")]
pub const SCLASS_OSS_SEQUENCER: i32 = 3;

/// Global device: the jiffies timer.
#[doc(alias = "SNDRV_TIMER_GLOBAL_SYSTEM")]
pub const GLOBAL_SYSTEM: i32 = 0;
/// Global device: RTC; no longer exists.
#[doc(alias = "SNDRV_TIMER_GLOBAL_RTC")]
pub const GLOBAL_RTC: i32 = 1;
/// Global device: HPET.
#[doc(alias = "SNDRV_TIMER_GLOBAL_HPET")]
pub const GLOBAL_HPET: i32 = 2;
/// Global device: the high-resolution timer.
#[doc(alias = "SNDRV_TIMER_GLOBAL_HRTIMER")]
pub const GLOBAL_HRTIMER: i32 = 3;
/// Global device: user-driven timers (Linux 6.12 and later).
#[doc(alias = "SNDRV_TIMER_GLOBAL_UDRIVEN")]
pub const GLOBAL_UDRIVEN: i32 = 4;

/// Timer flag: cannot be programmed.
#[doc(alias = "SNDRV_TIMER_FLG_SLAVE")]
pub const FLG_SLAVE: u32 = 1 << 0;

bitflags::bitflags! {
    /// Flags of [`TimerParams`].
    #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
    pub struct ParamsFlags: u32 {
        /// Periodic; otherwise once.
        #[doc(alias = "SNDRV_TIMER_PSFLG_AUTO")]
        const AUTO = 1 << 0;
        /// No other instance may use the timer.
        #[doc(alias = "SNDRV_TIMER_PSFLG_EXCLUSIVE")]
        const EXCLUSIVE = 1 << 1;
        /// Makes one record at once after the start.
        #[doc(alias = "SNDRV_TIMER_PSFLG_EARLY_EVENT")]
        const EARLY_EVENT = 1 << 2;
        const _ = !0;
    }
}

/// What a [`TimerTread`] record reports; also the bit number in the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerEvent(pub i32);

macro_rules! timer_events {
    ($($(#[doc = $doc:literal])* $c:literal $name:ident = $value:literal;)*) => {
        impl TimerEvent {
            $(
                $(#[doc = $doc])*
                #[doc(alias = $c)]
                pub const $name: Self = Self($value);
            )*
            /// All events, ascending.
            pub const ALL: &[(&str, Self)] = &[$((stringify!($name), Self($value))),*];
        }
    };
}

timer_events! {
    /// The resolution changed; value in nanoseconds.
    "SNDRV_TIMER_EVENT_RESOLUTION" RESOLUTION = 0;
    /// Ticks passed; value is their number.
    "SNDRV_TIMER_EVENT_TICK" TICK = 1;
    /// Started; value is the resolution.
    "SNDRV_TIMER_EVENT_START" START = 2;
    /// Stopped.
    "SNDRV_TIMER_EVENT_STOP" STOP = 3;
    /// Continued; value is the resolution.
    "SNDRV_TIMER_EVENT_CONTINUE" CONTINUE = 4;
    /// Paused.
    "SNDRV_TIMER_EVENT_PAUSE" PAUSE = 5;
    /// The early record.
    "SNDRV_TIMER_EVENT_EARLY" EARLY = 6;
    /// Suspended.
    "SNDRV_TIMER_EVENT_SUSPEND" SUSPEND = 7;
    /// Resumed; value is the resolution.
    "SNDRV_TIMER_EVENT_RESUME" RESUME = 8;
    /// The master started.
    "SNDRV_TIMER_EVENT_MSTART" MSTART = 12;
    /// The master stopped.
    "SNDRV_TIMER_EVENT_MSTOP" MSTOP = 13;
    /// The master continued.
    "SNDRV_TIMER_EVENT_MCONTINUE" MCONTINUE = 14;
    /// The master paused.
    "SNDRV_TIMER_EVENT_MPAUSE" MPAUSE = 15;
    /// The master was suspended.
    "SNDRV_TIMER_EVENT_MSUSPEND" MSUSPEND = 17;
    /// The master was resumed.
    "SNDRV_TIMER_EVENT_MRESUME" MRESUME = 18;
}

abi_struct! {
    /// The identity of a timer.
    #[doc(alias = "snd_timer_id")]
    pub struct TimerId {
        /// One of the `CLASS_` numbers.
        pub dev_class: i32,
        /// One of the `SCLASS_` numbers.
        pub dev_sclass: i32,
        /// Sound card, or -1.
        pub card: i32,
        /// Device.
        pub device: i32,
        /// Subdevice.
        pub subdevice: i32,
    }
}

abi_struct! {
    /// A timer's description, by id.
    #[doc(alias = "snd_timer_ginfo")]
    pub struct TimerGinfo {
        /// Which timer.
        pub tid: TimerId,
        /// [`FLG_SLAVE`].
        pub flags: u32,
        /// Sound card, or -1.
        pub card: i32,
        /// Identification, ended by a NUL.
        pub id: [u8; 64],
        /// Name, ended by a NUL.
        pub name: [u8; 80],
        /// Padding of the C compiler.
        pub pad: u32,
        /// Zero.
        pub reserved0: u64,
        /// Period in nanoseconds.
        pub resolution: u64,
        /// Smallest period, or 0.
        pub resolution_min: u64,
        /// Largest period, or 0.
        pub resolution_max: u64,
        /// Bound instances.
        pub clients: u32,
        /// Zero.
        pub reserved: [u8; 32],
        /// Padding of the C compiler.
        pub pad2: u32,
    }
}

abi_struct! {
    /// A wanted period, by id.
    #[doc(alias = "snd_timer_gparams")]
    pub struct TimerGparams {
        /// Which timer.
        pub tid: TimerId,
        /// Padding of the C compiler.
        pub pad: u32,
        /// Numerator, in seconds.
        pub period_num: u64,
        /// Denominator.
        pub period_den: u64,
        /// Zero.
        pub reserved: [u8; 32],
    }
}

abi_struct! {
    /// A timer's period, by id.
    #[doc(alias = "snd_timer_gstatus")]
    pub struct TimerGstatus {
        /// Which timer.
        pub tid: TimerId,
        /// Padding of the C compiler.
        pub pad: u32,
        /// Period in nanoseconds.
        pub resolution: u64,
        /// Exact period: numerator, in seconds.
        pub resolution_num: u64,
        /// Exact period: denominator.
        pub resolution_den: u64,
        /// Zero.
        pub reserved: [u8; 32],
    }
}

abi_struct! {
    /// A choice of a timer to bind to.
    #[doc(alias = "snd_timer_select")]
    pub struct TimerSelect {
        /// Which timer.
        pub id: TimerId,
        /// Zero.
        pub reserved: [u8; 32],
    }
}

abi_struct! {
    /// The bound timer's description.
    #[doc(alias = "snd_timer_info")]
    pub struct TimerInfo {
        /// [`FLG_SLAVE`].
        pub flags: u32,
        /// Sound card, or -1.
        pub card: i32,
        /// Identification, ended by a NUL.
        pub id: [u8; 64],
        /// Name, ended by a NUL.
        pub name: [u8; 80],
        /// Zero.
        pub reserved0: u64,
        /// Period in nanoseconds.
        pub resolution: u64,
        /// Zero.
        pub reserved: [u8; 64],
    }
}

abi_struct! {
    /// How the bound timer ticks.
    #[doc(alias = "snd_timer_params")]
    pub struct TimerParams {
        /// [`ParamsFlags`].
        pub flags: u32,
        /// Ticks of the timer per record.
        pub ticks: u32,
        /// Records kept, 32 to 1024.
        pub queue_size: u32,
        /// Zero.
        pub reserved0: u32,
        /// One bit per [`TimerEvent`].
        pub filter: u32,
        /// Zero.
        pub reserved: [u8; 60],
    }
}

abi_struct! {
    /// State of the bound timer.
    #[doc(alias = "snd_timer_status")]
    pub struct TimerStatus {
        /// Last update: seconds.
        pub tv_sec: i64,
        /// Last update: nanoseconds.
        pub tv_nsec: i64,
        /// Period in nanoseconds.
        pub resolution: u32,
        /// Ticks lost by the master.
        pub lost: u32,
        /// Records lost.
        pub overrun: u32,
        /// Records waiting.
        pub queue: u32,
        /// Zero.
        pub reserved: [u8; 64],
    }
}

abi_struct! {
    /// A user-driven timer (Linux 6.12 and later).
    #[doc(alias = "snd_timer_uinfo")]
    pub struct TimerUinfo {
        /// Period in nanoseconds.
        pub resolution: u64,
        /// Descriptor of the timer.
        pub fd: i32,
        /// Number of the timer.
        pub id: u32,
        /// Zero.
        pub reserved: [u8; 16],
    }
}

abi_struct! {
    /// A plain record.
    #[doc(alias = "snd_timer_read")]
    pub struct TimerRead {
        /// Period in nanoseconds.
        pub resolution: u32,
        /// Ticks that passed.
        pub ticks: u32,
    }
}

abi_struct! {
    /// A record with an event and 64-bit time.
    #[doc(alias = "snd_timer_tread")]
    pub struct TimerTread {
        /// [`TimerEvent`].
        pub event: i32,
        /// Padding.
        pub pad1: u32,
        /// Seconds.
        pub tv_sec: i64,
        /// Nanoseconds.
        pub tv_nsec: i64,
        /// Depends on the event.
        pub val: u32,
        /// Padding.
        pub pad2: u32,
    }
}

abi_struct! {
    /// The state of the bound timer with 32-bit time, for 32-bit processes and for 64-bit ones that
    /// ask by its code.
    #[doc(alias = "snd_timer_status")]
    pub struct TimerStatus32 {
        /// Last update: seconds.
        pub tv_sec: i32,
        /// Last update: nanoseconds.
        pub tv_nsec: i32,
        /// Period in nanoseconds.
        pub resolution: u32,
        /// Ticks lost by the master.
        pub lost: u32,
        /// Records lost.
        pub overrun: u32,
        /// Records waiting.
        pub queue: u32,
        /// Zero.
        pub reserved: [u8; 64],
    }
}

abi_struct! {
    /// A record with an event and 32-bit time, for 32-bit processes.
    #[doc(alias = "snd_timer_tread")]
    pub struct TimerTread32 {
        /// [`TimerEvent`].
        pub event: i32,
        /// Seconds.
        pub tv_sec: i32,
        /// Nanoseconds.
        pub tv_nsec: i32,
        /// Depends on the event.
        pub val: u32,
    }
}

abi_struct! {
    /// A wanted period, by id, as a 32-bit process lays it out.
    #[doc(alias = "snd_timer_gparams")]
    pub struct TimerGparams32 {
        /// Which timer.
        pub tid: TimerId,
        /// Numerator, in seconds.
        pub period_num: u32,
        /// Denominator.
        pub period_den: u32,
        /// Zero.
        pub reserved: [u8; 32],
    }
}

abi_struct! {
    /// The bound timer's description, as a 32-bit process lays it out.
    #[doc(alias = "snd_timer_info")]
    pub struct TimerInfo32 {
        /// [`FLG_SLAVE`].
        pub flags: u32,
        /// Sound card, or -1.
        pub card: i32,
        /// Identification, ended by a NUL.
        pub id: [u8; 64],
        /// Name, ended by a NUL.
        pub name: [u8; 80],
        /// Zero.
        pub reserved0: u32,
        /// Period in nanoseconds.
        pub resolution: u32,
        /// Zero.
        pub reserved: [u8; 64],
    }
}
