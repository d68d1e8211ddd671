//! The structs and constants of `sound/asequencer.h`, without events and UMP.

mod client;
mod port;
mod queue;
mod remove;
mod subscription;

pub use crate::address::{Address, Connect};
pub use client::{
    ClientFilter, ClientInfo, ClientPool, KERNEL_CLIENT, RunningInfo, SystemInfo, USER_CLIENT,
};
pub use port::{PortCaps, PortFlags, PortInfo, PortInfo32, PortType};
pub use queue::{
    QueueClient, QueueFlags, QueueInfo, QueueStatus, QueueTempo, QueueTimer, RealTime, TIMER_ALSA,
    TIMER_MIDI_CLOCK, TIMER_MIDI_TICK,
};
pub use remove::{RemoveEvents, RemoveMode};
pub use subscription::{
    PortSubscribe, QUERY_SUBS_READ, QUERY_SUBS_WRITE, QuerySubs, SubscriptionFlags,
};

/// Protocol version 1.0.5, which `PVERSION` answers from Linux 6.14 on.
#[doc(alias = "SNDRV_SEQ_VERSION")]
pub const VERSION: i32 = 0x01_00_05;
/// Protocol version 1.0.4, from which on `tempo_base` of a queue's tempo counts.
pub const VERSION_1_0_4: i32 = 0x01_00_04;
/// Protocol version 1.0.3, from which on `midi_version` of a client's information counts.
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
