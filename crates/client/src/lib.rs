//! A client of any sequencer that serves `/dev/snd/seq`: ours or a kernel's. Written against the ABI
//! alone.

pub mod ioctl;
pub mod proc_text;
pub mod timer;

mod client;
mod error;
mod find;
mod name;
mod open;
mod port;

pub use client::Client;
pub use error::{Device, Error, Result, describe};
pub use name::{name_field, printable, text};
pub use port::Port;

/// Where programs look for the sequencer.
pub const DEVICE: &str = "/dev/snd/seq";
