//! What the commands of aseqd share: one style of messages, colours and durations.
//!
//! This crate is a part of aseqd, and its interface changes without notice.

pub mod color;
pub mod device;
pub mod duration;
pub mod output;

pub use clap;
pub use color::Color;
pub use device::DeviceArg;
pub use output::{is_wanted, on_stdout, print, say, say_usage};
