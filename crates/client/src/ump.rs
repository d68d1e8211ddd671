//! UMP (MIDI 2.0): what a client speaks, and packets as events.
//!
//! A client that [chose a protocol](crate::Client::set_protocol) reads every event as a packet of up to four words, with
//! [`Client::receive`](crate::Client::receive), and may send packets as well as ordinary events. The sequencer converts
//! between it and the other clients.
//!
//! ```
//! use aseqd_client::event::EventExt as _;
//! use aseqd_client::{Address, ump};
//!
//! let (port, synth) = (Address::new(128, 0), Address::new(129, 0));
//! let note = ump::note_on(0, 3, 60, 0xc000).sent_from(port).sent_to(synth);
//! assert_eq!(note.ump, [0x4093_3c00, 0xc000_0000, 0, 0]);
//! ```
//!
//! Groups and channels are 0 to 15, keys, controllers and programs 0 to 127; only as many low bits of an argument count.

use aseqd_abi::event::QUEUE_DIRECT;
use aseqd_abi::seq::{PortCaps, PortFlags, PortInfo, PortType};
use aseqd_abi::ump::{CLIENT_LEGACY_MIDI, CLIENT_UMP_MIDI_1_0, CLIENT_UMP_MIDI_2_0};
use aseqd_abi::{EventFlags, EventType};

pub use aseqd_abi::ump::{UmpBlockInfo, UmpEndpointInfo, UmpEvent};

/// What a client speaks: its MIDI version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Ordinary events. Packets that are sent to the client are converted.
    #[default]
    Legacy,
    /// Packets with the MIDI 1.0 protocol: channel messages have message type 2.
    Midi1,
    /// Packets with the MIDI 2.0 protocol: channel messages have message type 4.
    Midi2,
}

impl Protocol {
    /// Returns the protocol with this number in [`ClientInfo::midi_version`](aseqd_abi::seq::ClientInfo::midi_version);
    /// `None` for a number that is newer than this crate.
    #[must_use]
    pub const fn of(midi_version: u32) -> Option<Self> {
        match midi_version {
            CLIENT_LEGACY_MIDI => Some(Self::Legacy),
            CLIENT_UMP_MIDI_1_0 => Some(Self::Midi1),
            CLIENT_UMP_MIDI_2_0 => Some(Self::Midi2),
            _ => None,
        }
    }

    /// Returns the number of the protocol in a client's information.
    #[must_use]
    pub const fn midi_version(self) -> u32 {
        match self {
            Self::Legacy => CLIENT_LEGACY_MIDI,
            Self::Midi1 => CLIENT_UMP_MIDI_1_0,
            Self::Midi2 => CLIENT_UMP_MIDI_2_0,
        }
    }
}

/// Returns how many words packets of this message type have, 1 to 4.
#[must_use]
pub const fn words(message_type: u8) -> usize {
    match message_type & 15 {
        0..=2 | 6 | 7 => 1,
        3 | 4 | 8..=10 => 2,
        11 | 12 => 3,
        _ => 4,
    }
}

/// Returns a packet of these words as an event with everything else zero. Words beyond the fourth are left out; those
/// that are missing are zero.
#[must_use]
pub fn packet(words: &[u32]) -> UmpEvent {
    let mut ump = [0; 4];
    for (place, word) in ump.iter_mut().zip(words) {
        *place = *word;
    }
    UmpEvent {
        event_type: EventType(0),
        flags: EventFlags::UMP,
        queue: QUEUE_DIRECT,
        ump,
        ..UmpEvent::default()
    }
}

/// Returns the words of a packet, as many as its message type has.
#[must_use]
pub fn words_of(event: &UmpEvent) -> &[u32] {
    &event.ump[..words(message_type(event))]
}

/// Returns the message type of a packet, 0 to 15.
#[must_use]
pub const fn message_type(event: &UmpEvent) -> u8 {
    event.ump[0].to_be_bytes()[0] >> 4
}

/// Returns the group of a packet, 0 to 15. Utility messages and stream messages (types 0 and 15) have none.
#[must_use]
pub const fn group(event: &UmpEvent) -> Option<u8> {
    match message_type(event) {
        0 | 15 => None,
        _ => Some(event.ump[0].to_be_bytes()[0] & 15),
    }
}

/// Makes a MIDI 2.0 channel message.
fn channel_message(status: u8, (group, channel): (u8, u8), bytes: [u8; 2], value: u32) -> UmpEvent {
    let first = [4 << 4 | group & 15, status << 4 | channel & 15, bytes[0], bytes[1]];
    packet(&[u32::from_be_bytes(first), value])
}

/// Returns a note on of MIDI 2.0. Unlike in MIDI 1.0, velocity 0 is not a note off.
#[must_use]
pub fn note_on(group: u8, channel: u8, key: u8, velocity: u16) -> UmpEvent {
    channel_message(9, (group, channel), [key & 127, 0], u32::from(velocity) << 16)
}

/// Returns a note off of MIDI 2.0.
#[must_use]
pub fn note_off(group: u8, channel: u8, key: u8, velocity: u16) -> UmpEvent {
    channel_message(8, (group, channel), [key & 127, 0], u32::from(velocity) << 16)
}

/// Returns a control change of MIDI 2.0.
#[must_use]
pub fn controller(group: u8, channel: u8, controller: u8, value: u32) -> UmpEvent {
    channel_message(11, (group, channel), [controller & 127, 0], value)
}

/// Returns a registered per-note controller, which changes one sounding note.
#[must_use]
pub fn per_note_controller(
    group: u8,
    channel: u8,
    key: u8,
    controller: u8,
    value: u32,
) -> UmpEvent {
    channel_message(0, (group, channel), [key & 127, controller], value)
}

/// Returns a pitch bend of MIDI 2.0: 0x8000_0000 is none.
#[must_use]
pub fn pitch_bend(group: u8, channel: u8, bend: u32) -> UmpEvent {
    channel_message(14, (group, channel), [0, 0], bend)
}

/// Returns a pitch bend of one note: 0x8000_0000 is none.
#[must_use]
pub fn per_note_pitch_bend(group: u8, channel: u8, key: u8, bend: u32) -> UmpEvent {
    channel_message(6, (group, channel), [key & 127, 0], bend)
}

/// Returns a program change of MIDI 2.0, with a bank of 14 bits or without one.
#[must_use]
pub fn program_change(group: u8, channel: u8, program: u8, bank: Option<u16>) -> UmpEvent {
    let [high, low] = bank
        .map_or([0, 0], |bank| [(bank << 1).to_be_bytes()[0] & 127, bank.to_be_bytes()[1] & 127]);
    let value = u32::from_be_bytes([program & 127, 0, high, low]);
    channel_message(12, (group, channel), [0, u8::from(bank.is_some())], value)
}

/// Returns the description of an endpoint port, for [`Client::create_port_from`](crate::Client::create_port_from): a
/// port for packets of all groups. A client has at most one, mostly as its first port.
#[must_use]
pub fn endpoint_port(name: &str, caps: PortCaps) -> PortInfo {
    let caps = caps | PortCaps::UMP_ENDPOINT;
    PortInfo { ump_group: 0, ..port(name, caps, PortType::MIDI_UMP) }
}

/// Returns the description of a port for the packets of one group, 0 to 15, for
/// [`Client::create_port_from`](crate::Client::create_port_from).
#[must_use]
pub fn group_port(name: &str, group: u8, caps: PortCaps) -> PortInfo {
    let port = port(name, caps, PortType::MIDI_GENERIC | PortType::MIDI_UMP);
    // 0 stands for no group.
    PortInfo { ump_group: (group & 15) + 1, ..port }
}

fn port(name: &str, caps: PortCaps, port_type: PortType) -> PortInfo {
    let direction = |cap, bit| if caps.contains(cap) { bit } else { 0 };
    PortInfo {
        name: crate::name_field(name),
        capability: caps.bits(),
        port_type: (port_type | PortType::APPLICATION).bits(),
        midi_channels: 16,
        flags: PortFlags::empty().bits(),
        direction: direction(PortCaps::WRITE, 1) | direction(PortCaps::READ, 2),
        ..PortInfo::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_messages_have_their_fields_where_the_specification_has_them() {
        let cases = [
            (note_on(1, 2, 60, 0x1234), [0x4192_3c00, 0x1234_0000]),
            (note_off(1, 2, 60, 0xffff), [0x4182_3c00, 0xffff_0000]),
            (controller(15, 15, 7, 0x8000_0001), [0x4fbf_0700, 0x8000_0001]),
            (per_note_controller(0, 1, 60, 3, 5), [0x4001_3c03, 5]),
            (pitch_bend(0, 0, 0x8000_0000), [0x40e0_0000, 0x8000_0000]),
            (per_note_pitch_bend(0, 0, 61, 9), [0x4060_3d00, 9]),
            (program_change(0, 4, 5, None), [0x40c4_0000, 0x0500_0000]),
            (program_change(0, 4, 5, Some(0x81)), [0x40c4_0001, 0x0500_0101]),
            // Bits that do not belong to a field are left out.
            (note_on(0x2f, 0x3f, 0xff, 1), [0x4f9f_7f00, 0x0001_0000]),
        ];
        for (made, wanted) in cases {
            assert_eq!(words_of(&made), wanted);
            assert_eq!((made.flags, made.queue), (EventFlags::UMP, QUEUE_DIRECT));
        }
    }

    #[test]
    fn a_packet_has_the_words_of_its_type_and_a_group() {
        let counts: Vec<_> = (0..16).map(words).collect();
        assert_eq!(counts, [1, 1, 1, 2, 2, 4, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4]);
        assert_eq!(words_of(&packet(&[0x2590_3c40, 1, 2, 3, 4])), [0x2590_3c40]);
        assert_eq!(group(&packet(&[0x2590_3c40])), Some(5));
        for groupless in [0x0530_0000, 0xf500_0000] {
            assert_eq!(group(&packet(&[groupless])), None);
        }
    }

    #[test]
    fn ports_say_their_direction_and_group() {
        let endpoint = endpoint_port("all", PortCaps::READ | PortCaps::WRITE);
        assert_eq!((endpoint.direction, endpoint.ump_group), (3, 0));
        assert!(PortCaps::from_bits_retain(endpoint.capability).contains(PortCaps::UMP_ENDPOINT));
        let group = group_port("first", 0, PortCaps::WRITE);
        assert_eq!((group.direction, group.ump_group), (1, 1));
    }
}
