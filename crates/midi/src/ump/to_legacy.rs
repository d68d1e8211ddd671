//! Packets to legacy events.

use super::packet::{Packet, place, status};
use super::scale;
use aseqd_abi::event::EventData;
use aseqd_abi::{Event, EventFlags, EventType};

/// Converts a packet to legacy events, and passes each of them to `emit`, with the data of a SYSEX event.
///
/// Type, length bits of the flags, and data are set. The caller fills in tag, queue, time and addresses. Packets
/// that no event stands for make none.
///
/// # Errors
/// The first error of `emit`; what follows is not converted.
pub fn events_of<E>(
    packet: &Packet,
    mut emit: impl FnMut(Event, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let data = leftover(packet);
    let event = match packet.message_type() {
        Packet::SYSTEM => system(packet, data),
        Packet::MIDI1 => midi1(packet, data),
        Packet::MIDI2 if packet.status() == status::PROGRAM => return program(packet, data, emit),
        Packet::MIDI2 => midi2(packet, data),
        Packet::SYSEX7 => return sysex(packet, emit),
        _ => None,
    };
    event.map_or(Ok(()), |parts| emit(whole(parts), &[]))
}

/// The type and the data of an event: all that conversions set. Small enough to be returned in registers.
type Parts = (EventType, EventData);

/// Returns the event.
const fn whole((event_type, data): Parts) -> Event {
    Event { data, ..Event::direct(event_type) }
}

/// Returns the data bytes of an event before its fields are set: the kernel leaves the packet's words there.
#[inline]
fn leftover(packet: &Packet) -> EventData {
    let [a, b, c, _] = packet.0.map(u32::to_ne_bytes);
    let mut data = EventData::default();
    data.0[..4].copy_from_slice(&a);
    data.0[4..8].copy_from_slice(&b);
    data.0[8..].copy_from_slice(&c);
    data
}

/// Returns the event of a system message.
#[inline]
fn system(packet: &Packet, mut data: EventData) -> Option<Parts> {
    let event_type = match packet.system_status() {
        0xf1 => EventType::QFRAME,
        0xf2 => EventType::SONGPOS,
        0xf3 => EventType::SONGSEL,
        0xf6 => EventType::TUNE_REQUEST,
        0xf8 => EventType::CLOCK,
        0xfa => EventType::START,
        0xfb => EventType::CONTINUE,
        0xfc => EventType::STOP,
        0xfe => EventType::SENSING,
        0xff => EventType::RESET,
        _ => return None,
    };
    let (byte2, byte3) = (i32::from(packet.byte2()), i32::from(packet.byte3()));
    match event_type {
        EventType::QFRAME | EventType::SONGSEL => set_value(&mut data, byte2),
        EventType::SONGPOS => set_value(&mut data, byte3 << 7 | byte2),
        _ => {}
    }
    Some((event_type, data))
}

/// Returns the event of a MIDI 1.0 channel message. Like the kernel, it does not mask values that have more than 7 bits.
#[inline]
fn midi1(packet: &Packet, data: EventData) -> Option<Parts> {
    let (byte2, byte3) = (packet.byte2(), packet.byte3());
    let (low, high) = (i32::from(byte2), i32::from(byte3));
    Some(match packet.status() {
        status::NOTE_OFF => note(EventType::NOTEOFF, packet, data, byte2, byte3),
        status::NOTE_ON => note(EventType::NOTEON, packet, data, byte2, byte3),
        status::KEY_PRESSURE => note(EventType::KEYPRESS, packet, data, byte2, byte3),
        status::CONTROLLER => {
            parameter(EventType::CONTROLLER, packet, data, u32::from(byte2), high)
        }
        status::PROGRAM => value(EventType::PGMCHANGE, packet, data, low),
        status::CHANNEL_PRESSURE => value(EventType::CHANPRESS, packet, data, low),
        status::PITCH_BEND => value(EventType::PITCHBEND, packet, data, (high << 7 | low) - 8192),
        _ => return None,
    })
}

/// Returns the event of a MIDI 2.0 channel message other than a program change.
#[inline]
fn midi2(packet: &Packet, data: EventData) -> Option<Parts> {
    let word = packet.0[1];
    let (byte2, byte3) = (packet.byte2(), packet.byte3());
    let seven = scale::down_32_to_7(word);
    let fourteen = i32::from(scale::down_32_to_14(word));
    let number = u32::from(byte2) << 7 | u32::from(byte3);
    Some(match packet.status() {
        status::RPN => parameter(EventType::REGPARAM, packet, data, number, fourteen),
        status::NRPN => parameter(EventType::NONREGPARAM, packet, data, number, fourteen),
        status::NOTE_OFF => note(EventType::NOTEOFF, packet, data, byte2, seven),
        // Velocity 0 would be a note-off in MIDI 1.0, and is none in MIDI 2.0.
        status::NOTE_ON => note(EventType::NOTEON, packet, data, byte2, seven.max(1)),
        status::KEY_PRESSURE => note(EventType::KEYPRESS, packet, data, byte2, seven),
        status::CONTROLLER => {
            parameter(EventType::CONTROLLER, packet, data, u32::from(byte2), i32::from(seven))
        }
        status::CHANNEL_PRESSURE => value(EventType::CHANPRESS, packet, data, i32::from(seven)),
        status::PITCH_BEND => value(EventType::PITCHBEND, packet, data, fourteen - 8192),
        _ => return None,
    })
}

/// Passes on a MIDI 2.0 program change, after its bank if it has one.
fn program<E>(
    packet: &Packet,
    mut data: EventData,
    mut emit: impl FnMut(Event, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let [program, _, msb, lsb] = packet.0[1].to_be_bytes().map(i32::from);
    if packet.byte3() & 1 != 0 {
        let bank = parameter(EventType::CONTROL14, packet, data, 0, msb << 7 | lsb);
        emit(whole(bank), &[])?;
        // The kernel makes the second event of the first.
        data = bank.1;
    }
    emit(whole(value(EventType::PGMCHANGE, packet, data, program)), &[])
}

/// Passes on the bytes of one packet of a SysEx.
fn sysex<E>(packet: &Packet, mut emit: impl FnMut(Event, &[u8]) -> Result<(), E>) -> Result<(), E> {
    let [_, head, ..] = packet.0[0].to_be_bytes();
    let (at, len) = (head >> 4, head & 0xf);
    let [_, _, a, b] = (packet.0[0] & 0x7f7f).to_be_bytes();
    let [c, d, e, f] = (packet.0[1] & 0x7f7f_7f7f).to_be_bytes();
    if len > 6 {
        return Ok(());
    }
    let mut bytes = [0xf0, a, b, c, d, e, f, 0];
    let begin = u8::from(!matches!(at, place::SINGLE | place::START));
    let mut end = 1 + len;
    if matches!(at, place::SINGLE | place::END) {
        bytes[usize::from(end)] = 0xf7;
        end += 1;
    }
    let mut event = Event::direct(EventType::SYSEX);
    event.flags = EventFlags::VARIABLE;
    event.data = EventData::from_ext_len(u32::from(end - begin));
    emit(event, &bytes[usize::from(begin)..usize::from(end)])
}

/// Returns a note event of the packet's channel.
fn note(
    event_type: EventType,
    packet: &Packet,
    mut data: EventData,
    note: u8,
    velocity: u8,
) -> Parts {
    data.0[..3].copy_from_slice(&[packet.channel(), note, velocity]);
    (event_type, data)
}

/// Returns a controller-like event of the packet's channel with a number and a value.
fn parameter(
    event_type: EventType,
    packet: &Packet,
    mut data: EventData,
    number: u32,
    value: i32,
) -> Parts {
    data.0[0] = packet.channel();
    data.0[4..8].copy_from_slice(&number.to_ne_bytes());
    set_value(&mut data, value);
    (event_type, data)
}

/// Returns a controller-like event of the packet's channel with a value alone.
fn value(event_type: EventType, packet: &Packet, mut data: EventData, value: i32) -> Parts {
    data.0[0] = packet.channel();
    set_value(&mut data, value);
    (event_type, data)
}

/// Sets the value of a controller-like event.
fn set_value(data: &mut EventData, value: i32) {
    data.0[8..].copy_from_slice(&value.to_ne_bytes());
}
