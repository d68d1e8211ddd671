//! The commands: each a client of the sequencer like any other.

pub mod connect;
pub mod demo;
pub mod ls;
pub mod monitor;
pub mod play;
pub mod timers;
pub mod wait;
