//! MIDI byte streams and UMP packets to events of the ALSA sequencer and back, as Linux converts them.
//!
//! For packets, see [`ump`]. For bytes, a [`Decoder`] takes bytes in, one at a time or many, and lets events out; an [`Encoder`] does the
//! reverse. Both keep their state between calls and accept any input. They know neither ports nor time:
//! the caller fills in the addresses and the time of an event.
//!
//! ```
//! use aseqd_midi::aseqd_abi::EventType;
//! use aseqd_midi::{Decoder, Encoded, Encoder};
//!
//! let mut decoder = Decoder::default();
//! let decoded: Vec<_> = decoder.decode(&[0x90, 60, 100, 0xf0, 1, 2, 0xf7]).collect();
//! assert_eq!(decoded[0].event.event_type, EventType::NOTEON);
//! assert_eq!(decoded[0].event.data.note().note, 60);
//! assert_eq!(decoded[1].sysex.as_deref(), Some(&[0xf0, 1, 2, 0xf7][..]));
//!
//! let mut encoder = Encoder::default();
//! let mut bytes = Vec::new();
//! for one in &decoded {
//!     let ext = one.sysex.as_deref().unwrap_or_default();
//!     assert_eq!(encoder.encode(&one.event, ext, &mut bytes), Encoded::Bytes);
//! }
//! assert_eq!(bytes, [0x90, 60, 100, 0xf0, 1, 2, 0xf7]);
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod bytes;
pub mod ump;

pub use aseqd_abi;
pub use bytes::{
    Decoded, Decoder, Encoded, Encoder, HARDWARE_LIMIT, SYSEX_PIECE, Unused, VIRMIDI_LIMIT,
};
