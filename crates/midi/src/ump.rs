//! Universal MIDI Packets to events of the ALSA sequencer and back, and MIDI 1.0 packets to MIDI 2.0
//! packets and back, as Linux converts them on the way to a client of another form.
//!
//! All of it is pure and allocates nothing. The functions pass each packet or event that they make to a
//! closure, and stop at its first error. The behaviour was seen on Linux 6.12 and 7.3 with UMP built in.
//!
//! ```
//! use aseqd_midi::aseqd_abi::event::{EventData, Note};
//! use aseqd_midi::aseqd_abi::{Event, EventType};
//! use aseqd_midi::ump::{self, Memory, Packet, Protocol};
//! use core::convert::Infallible;
//!
//! let mut event = Event::direct(EventType::NOTEON);
//! event.data = EventData::from_note(Note { channel: 2, note: 60, velocity: 64, ..Note::default() });
//! let mut packets = Vec::new();
//! let converted = ump::packets_of(&event, &[], 1, Protocol::Midi2, &mut Memory::default(), |packet| {
//!     packets.push(packet);
//!     Ok::<(), Infallible>(())
//! });
//! assert_eq!(converted, Ok(true));
//! assert_eq!(packets, [Packet([0x4092_3c00, 0x8000_0000, 0, 0])]);
//! ```

mod from_legacy;
mod memory;
mod packet;
mod protocols;
pub mod scale;
mod to_legacy;

pub use from_legacy::packets_of;
pub use memory::Memory;
pub use packet::{Packet, Protocol};
pub use protocols::{to_midi1, to_midi2};
pub use to_legacy::events_of;

#[cfg(test)]
mod tests;
