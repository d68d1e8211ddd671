//! What programs and the ALSA sequencer and timer agree on, as data.
//!
//! The sources are the kernel's UAPI headers `sound/asequencer.h` (sequencer protocol up to 1.0.5),
//! `sound/asound.h` (its timer and control parts; timer protocol up to 2.0.8, control protocol 2.0.9)
//! and `asm-generic/ioctl.h`. `tests/layout.rs` compiles a C program against the installed headers, and
//! compares every size, offset and number. It names those that the installed headers are too old for.
//!
//! Layouts are those of a 64-bit little-endian process. Where a 32-bit process has another one, both exist
//! ([`seq::PortInfo32`]). The structs are complete, so you can write them as literals, best with
//! `..Default::default()` at the end: later kernels give names to bytes that are reserved today.
//! Numbers that a newer kernel may extend are open newtypes with constants, never enums. Search for a
//! constant or struct by its C name. Fields that C calls `type` are named after their struct:
//! `client_type`, `event_type`.
//!
//! To add a struct, write it with the kernel's field order, add it to `tests/layout.rs`, and give every
//! constant its C name as a `doc(alias)`.
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
