//! Turns what arrives into what a file has.

use super::take::Item;
use aseqd_abi::event::EventLength;
use aseqd_abi::{Event, EventType};
use aseqd_midi::ump::{Memory, Packet, Protocol, packets_of};
use aseqd_midi::{Encoded, Encoder};
use aseqd_smf::{EventKind, SysEx};
use std::convert::Infallible;

/// Returns whether an event is a real-time message, or one of a clock that has many of them: a recording has these only
/// if it is asked for them.
pub(super) fn is_real_time(event_type: EventType) -> bool {
    matches!(
        event_type,
        EventType::CLOCK
            | EventType::TICK
            | EventType::START
            | EventType::CONTINUE
            | EventType::STOP
            | EventType::SENSING
            | EventType::RESET
            | EventType::QFRAME
    )
}

/// Returns the real-time message that a packet is.
pub(super) fn real_time(words: [u32; 4]) -> Option<EventType> {
    let packet = Packet(words);
    if packet.message_type() != Packet::SYSTEM {
        return None;
    }
    Some(match packet.system_status() {
        0xf1 => EventType::QFRAME,
        0xf8 => EventType::CLOCK,
        0xfa => EventType::START,
        0xfb => EventType::CONTINUE,
        0xfc => EventType::STOP,
        0xfe => EventType::SENSING,
        0xff => EventType::RESET,
        _ => return None,
    })
}

/// Returns an event with its data as events of a Standard MIDI File: none if it has no MIDI bytes, several for a
/// registered parameter. A piece of a SysEx stays one.
pub(super) fn items(event: &Event, data: &[u8]) -> Vec<Item> {
    let mut bytes = Vec::new();
    // A parameter has four controllers of three bytes each.
    let mut encoder = Encoder::new(false, usize::MAX);
    if encoder.encode(event, data, &mut bytes) != Encoded::Bytes {
        return Vec::new();
    }
    let kinds = match event.event_type {
        EventType::SYSEX => vec![piece(bytes)],
        _ => EventKind::of_messages(&bytes),
    };
    kinds.into_iter().map(Item::Event).collect()
}

/// Returns bytes of a SysEx as they stand in a file.
fn piece(mut bytes: Vec<u8>) -> EventKind {
    if bytes[0] == 0xf0 {
        bytes.remove(0);
        return EventKind::SysEx(SysEx { start: true, data: bytes, split: false });
    }
    EventKind::SysEx(SysEx { start: false, data: bytes, split: false })
}

/// Returns an event with its data as packets, for a clip from a sequencer without UMP. `memory` belongs to the port that
/// it came from.
pub(super) fn packets(event: &Event, data: &[u8], memory: &mut Memory) -> Vec<Item> {
    let mut items = Vec::new();
    if event.event_type == EventType::SYSEX && event.flags.length() != EventLength::VARIABLE {
        return items;
    }
    let converted = packets_of(event, data, 0, Protocol::Midi1, memory, |packet| {
        items.push(Item::Packet(packet.0));
        Ok::<(), Infallible>(())
    });
    let Ok(_known) = converted;
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::event::{Control, EventData};
    use aseqd_abi::{Event, EventFlags};
    use aseqd_client::event::note_on;
    use aseqd_smf::{ChannelMessage, Voice};

    fn control(event_type: EventType, param: u32, value: i32) -> Event {
        let data = EventData::from_control(Control { channel: 2, param, value });
        Event { data, ..Event::direct(event_type) }
    }

    #[test]
    fn a_parameter_is_four_controllers() {
        let found = items(&control(EventType::REGPARAM, 0x81, 0x102), &[]);
        let wanted = [(101, 1), (100, 1), (6, 2), (38, 2)].map(|(controller, value)| {
            let voice = Voice::Control { controller, value };
            Item::Event(EventKind::Channel(ChannelMessage { channel: 2, voice }))
        });
        assert_eq!(found, wanted);
    }

    #[test]
    fn messages_of_the_system_are_escaped() {
        let found = items(&control(EventType::SONGPOS, 0, 0x81), &[]);
        assert_eq!(found, [Item::Event(EventKind::Escape(vec![0xf2, 1, 1]))]);
        assert_eq!(items(&Event::direct(EventType::ECHO), &[]), []);
    }

    #[test]
    fn a_piece_of_a_sysex_stays_one() {
        let sysex = Event { flags: EventFlags::VARIABLE, ..Event::direct(EventType::SYSEX) };
        let of = |bytes: &[u8]| items(&sysex, bytes);
        let piece = |start, data: &[u8]| {
            [Item::Event(EventKind::SysEx(SysEx { start, data: data.to_vec(), split: false }))]
        };
        assert_eq!(of(&[0xf0, 1, 2]), piece(true, &[1, 2]));
        assert_eq!(of(&[3, 0xf7]), piece(false, &[3, 0xf7]));
        assert_eq!(of(&[]), []);
    }

    #[test]
    fn events_become_packets_for_a_clip() {
        let found = packets(&note_on(3, 60, 100), &[], &mut Memory::default());
        assert_eq!(found, [Item::Packet([0x2093_3c64, 0, 0, 0])]);
        assert_eq!(real_time([0x10f8_0000, 0, 0, 0]), Some(EventType::CLOCK));
        assert_eq!(real_time([0x10f2_0000, 0, 0, 0]), None);
    }
}
