//! The commands of `aseqd` that talk to a sequencer. Each is an ordinary client, of the kernel's sequencer too.

pub mod connect;
pub mod demo;
mod json;
pub mod ls;
pub mod monitor;
pub mod play;
pub mod port;
pub mod send;
pub mod timers;
pub mod wait;
