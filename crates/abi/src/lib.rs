//! What programs and the ALSA sequencer and timer agree on, as data.
//!
//! The source is the kernel's UAPI headers `sound/asequencer.h` (sequencer protocol up to 1.0.5),
//! the timer and control parts of `sound/asound.h` (timer protocol up to 2.0.8, control protocol 2.0.9) and `asm-generic/ioctl.h`.
//! `tests/layout.rs` compiles a C program against the installed headers and compares every size,
//! offset and number given here; what the installed headers are too old for is skipped by name.
//!
//! To add a struct: write it here with the kernel's field order, add it to `tests/layout.rs`, and
//! give every constant its C name as a `doc(alias)`. Numbers that a newer kernel may extend are open
//! newtypes with constants, never enums. Layouts are those of a 64-bit little-endian process; where
//! a 32-bit process differs ([`seq::PortInfo32`]) both exist.
//!
//! Fields that C calls `type` are named after their struct here: `client_type`, `event_type`.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod address;
pub mod control;
pub mod errno;
pub mod event;
pub mod ioctl;
pub mod seq;
mod structs;
pub mod timer;
pub mod ump;

/// The crate that makes the types of flags.
pub use bitflags;
/// The crate whose traits turn the structs into bytes and back.
pub use zerocopy;

pub use address::Address;
pub use errno::Errno;
pub use event::{Event, EventFlags, EventType};
