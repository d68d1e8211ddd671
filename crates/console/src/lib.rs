//! What the commands of aseqd share: one style of messages, colours and durations.

pub mod color;
pub mod device;
pub mod duration;
pub mod output;

pub use color::Color;
pub use device::DeviceArg;
pub use output::{is_wanted, print, say, say_usage};
