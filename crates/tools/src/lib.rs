//! The commands of `aseqd` that talk to a sequencer. Each is an ordinary client, of the kernel's sequencer too.

pub mod clock;
mod complete;
pub mod connect;
pub mod demo;
pub mod devices;
mod json;
pub mod ls;
mod midi_clock;
pub mod monitor;
mod mtc;
pub mod play;
pub mod port;
mod ready;
pub mod record;
pub mod replay;
pub mod report;
pub mod rule_files;
pub mod rules;
mod select;
pub mod send;
mod time_signature;
pub mod timers;
#[cfg(feature = "top")]
pub mod top;
mod vocabulary;
pub mod wait;
mod watch;
