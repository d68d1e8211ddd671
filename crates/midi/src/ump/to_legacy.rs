//! Packets to legacy events.

use super::packet::{Packet, place, status};
use super::scale;
use aseqd_abi::event::{Control, EventData, Note};
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
    let event = match packet.message_type() {
        Packet::SYSTEM => system(packet),
        Packet::MIDI1 => midi1(packet),
        Packet::MIDI2 if packet.status() == status::PROGRAM => {
            let value = packet.0[1];
            if packet.byte3() & 1 != 0 {
                let bank =
                    i32::from((value >> 8 & 0x7f) as u8) << 7 | i32::from((value & 0x7f) as u8);
                emit(control(EventType::CONTROL14, packet.channel(), 0, bank), &[])?;
            }
            let program = i32::from((value >> 24 & 0x7f) as u8);
            Some(control(EventType::PGMCHANGE, packet.channel(), 0, program))
        }
        Packet::MIDI2 => midi2(packet),
        Packet::SYSEX7 => return sysex(packet, emit),
        _ => None,
    };
    event.map_or(Ok(()), |event| emit(event, &[]))
}

/// Returns the event of a system message.
fn system(packet: &Packet) -> Option<Event> {
    let (byte2, byte3) = (packet.byte2() & 0x7f, packet.byte3() & 0x7f);
    let value = i32::from(byte2);
    Some(match packet.system_status() {
        0xf1 => control(EventType::QFRAME, 0, 0, value),
        0xf2 => control(EventType::SONGPOS, 0, 0, i32::from(byte3) << 7 | value),
        0xf3 => control(EventType::SONGSEL, 0, 0, value),
        0xf6 => Event::direct(EventType::TUNE_REQUEST),
        0xf8 => Event::direct(EventType::CLOCK),
        0xfa => Event::direct(EventType::START),
        0xfb => Event::direct(EventType::CONTINUE),
        0xfc => Event::direct(EventType::STOP),
        0xfe => Event::direct(EventType::SENSING),
        0xff => Event::direct(EventType::RESET),
        _ => return None,
    })
}

/// Returns the event of a MIDI 1.0 channel message.
fn midi1(packet: &Packet) -> Option<Event> {
    let channel = packet.channel();
    let (byte2, byte3) = (packet.byte2() & 0x7f, packet.byte3() & 0x7f);
    Some(match packet.status() {
        status::NOTE_OFF => note(EventType::NOTEOFF, channel, byte2, byte3),
        status::NOTE_ON => note(EventType::NOTEON, channel, byte2, byte3),
        status::KEY_PRESSURE => note(EventType::KEYPRESS, channel, byte2, byte3),
        status::CONTROLLER => {
            control(EventType::CONTROLLER, channel, u32::from(byte2), i32::from(byte3))
        }
        status::PROGRAM => control(EventType::PGMCHANGE, channel, 0, i32::from(byte2)),
        status::CHANNEL_PRESSURE => control(EventType::CHANPRESS, channel, 0, i32::from(byte2)),
        status::PITCH_BEND => {
            let bend = (i32::from(byte3) << 7 | i32::from(byte2)) - 8192;
            control(EventType::PITCHBEND, channel, 0, bend)
        }
        _ => return None,
    })
}

/// Returns the event of a MIDI 2.0 channel message other than a program change.
fn midi2(packet: &Packet) -> Option<Event> {
    let channel = packet.channel();
    let value = packet.0[1];
    let byte2 = packet.byte2() & 0x7f;
    let seven = i32::from(scale::down_32_to_7(value));
    let fourteen = i32::from(scale::down_32_to_14(value));
    let parameter = u32::from(byte2) << 7 | u32::from(packet.byte3() & 0x7f);
    Some(match packet.status() {
        status::RPN => control(EventType::REGPARAM, channel, parameter, fourteen),
        status::NRPN => control(EventType::NONREGPARAM, channel, parameter, fourteen),
        status::NOTE_OFF => note(EventType::NOTEOFF, channel, byte2, scale::down_32_to_7(value)),
        status::NOTE_ON => {
            note(EventType::NOTEON, channel, byte2, scale::down_32_to_7(value).max(1))
        }
        status::KEY_PRESSURE => {
            note(EventType::KEYPRESS, channel, byte2, scale::down_32_to_7(value))
        }
        status::CONTROLLER => control(EventType::CONTROLLER, channel, u32::from(byte2), seven),
        status::CHANNEL_PRESSURE => control(EventType::CHANPRESS, channel, 0, seven),
        status::PITCH_BEND => control(EventType::PITCHBEND, channel, 0, fourteen - 8192),
        _ => return None,
    })
}

/// Passes on the bytes of one packet of a SysEx.
fn sysex<E>(packet: &Packet, mut emit: impl FnMut(Event, &[u8]) -> Result<(), E>) -> Result<(), E> {
    let [_, head, a, b] = packet.0[0].to_be_bytes();
    let [c, d, e, f] = packet.0[1].to_be_bytes();
    let (at, len) = (head >> 4, head & 0xf);
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

/// Returns a note event.
fn note(event_type: EventType, channel: u8, note: u8, velocity: u8) -> Event {
    let data = EventData::from_note(Note { channel, note, velocity, ..Note::default() });
    Event { data, ..Event::direct(event_type) }
}

/// Returns a controller-like event.
fn control(event_type: EventType, channel: u8, param: u32, value: i32) -> Event {
    let data = EventData::from_control(Control { channel, param, value });
    Event { data, ..Event::direct(event_type) }
}
