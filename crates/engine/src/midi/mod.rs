//! MIDI data formats.

pub mod bytes;
