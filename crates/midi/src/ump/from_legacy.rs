//! Legacy events to packets.

use super::memory::{Halves, Memory};
use super::packet::{ChannelHead, Packet, Protocol, place, status};
use super::scale;
use aseqd_abi::event::{Control, Note};
use aseqd_abi::{Event, EventType};

/// Converts a legacy event to the packets of a protocol, and passes each of them to `emit`.
///
/// `data` is the data of a SYSEX event. `group` is the UMP group of the destination port, 1 to 16, or 0 for none.
/// `memory` belongs to that port.
///
/// Returns whether packets stand for events of this type, even if this one makes none, as a bank select does. If not,
/// a UMP client gets the event as it is.
///
/// # Errors
/// The first error of `emit`; what follows is not converted.
pub fn packets_of<E>(
    event: &Event,
    data: &[u8],
    group: u8,
    protocol: Protocol,
    memory: &mut Memory,
    mut emit: impl FnMut(Packet) -> Result<(), E>,
) -> Result<bool, E> {
    let group = group.saturating_sub(1);
    let channel = event.data.0[0];
    let head = ChannelHead::new(group, channel);
    let Control { param, value, .. } = event.data.control();
    match event.event_type {
        EventType::NOTEON | EventType::NOTEOFF | EventType::KEYPRESS => {
            emit(note(event.event_type, head, event.data.note(), protocol))?;
        }
        EventType::CONTROLLER => match protocol {
            Protocol::Midi1 => {
                emit(head.midi1(status::CONTROLLER, low8(param), low8(value.cast_unsigned())))?
            }
            Protocol::Midi2 => {
                let (index, value) = (low7(param), low7(value.cast_unsigned()));
                if let Some(packet) = memory.channel(channel).control_change(head, index, value) {
                    emit(packet)?;
                }
            }
        },
        EventType::PGMCHANGE => {
            let program = low7(value.cast_unsigned());
            emit(match protocol {
                Protocol::Midi1 => head.midi1(status::PROGRAM, program, 0),
                Protocol::Midi2 => memory.channel(channel).program(head, program),
            })?;
        }
        EventType::CHANPRESS => {
            let pressure = low7(value.cast_unsigned());
            emit(match protocol {
                Protocol::Midi1 => head.midi1(status::CHANNEL_PRESSURE, pressure, 0),
                Protocol::Midi2 => {
                    head.midi2(status::CHANNEL_PRESSURE, 0, 0, scale::up_7_to_32(pressure))
                }
            })?;
        }
        EventType::PITCHBEND => {
            let bend = Halves::new(value.wrapping_add(8192).clamp(0, 16383).cast_unsigned());
            emit(match protocol {
                Protocol::Midi1 => head.midi1(status::PITCH_BEND, bend.lsb, bend.msb),
                Protocol::Midi2 => {
                    head.midi2(status::PITCH_BEND, 0, 0, scale::up_14_to_32(bend.number()))
                }
            })?;
        }
        EventType::CONTROL14 => {
            let value = Halves::new(value.cast_unsigned());
            let index = low7(param);
            if protocol == Protocol::Midi2
                && let Some(packet) = memory.channel(channel).control14(head, index, value)
            {
                return packet.map_or(Ok(()), emit).map(|()| true);
            }
            if param < 32 {
                emit(plain_controller(head, protocol, index, value.msb))?;
                emit(plain_controller(head, protocol, index + 32, value.lsb))?;
            } else {
                emit(plain_controller(head, protocol, index, value.lsb))?;
            }
        }
        EventType::NONREGPARAM | EventType::REGPARAM => {
            let registered = event.event_type == EventType::REGPARAM;
            let (number, value) = (Halves::new(param), Halves::new(value.cast_unsigned()));
            match protocol {
                Protocol::Midi1 => {
                    let (msb, lsb) = if registered { (101, 100) } else { (99, 98) };
                    emit(plain_controller(head, protocol, msb, number.msb))?;
                    emit(plain_controller(head, protocol, lsb, number.lsb))?;
                    emit(plain_controller(head, protocol, 6, value.msb))?;
                    emit(plain_controller(head, protocol, 38, value.lsb))?;
                }
                Protocol::Midi2 => {
                    let status = if registered { status::RPN } else { status::NRPN };
                    let value = scale::up_14_to_32(value.number());
                    emit(head.midi2(status, number.msb, number.lsb, value))?;
                }
            }
        }
        EventType::QFRAME => emit(system(group, 0xf1, low7(value.cast_unsigned()), 0))?,
        EventType::SONGPOS => {
            let position = Halves::new(value.cast_unsigned());
            emit(system(group, 0xf2, position.lsb, position.msb))?;
        }
        EventType::SONGSEL => emit(system(group, 0xf3, low7(value.cast_unsigned()), 0))?,
        EventType::TUNE_REQUEST => emit(system(group, 0xf6, 0, 0))?,
        EventType::CLOCK => emit(system(group, 0xf8, 0, 0))?,
        EventType::START => emit(system(group, 0xfa, 0, 0))?,
        EventType::CONTINUE => emit(system(group, 0xfb, 0, 0))?,
        EventType::STOP => emit(system(group, 0xfc, 0, 0))?,
        EventType::SENSING => emit(system(group, 0xfe, 0, 0))?,
        EventType::RESET => emit(system(group, 0xff, 0, 0))?,
        EventType::SYSEX => sysex(data, group, emit)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Returns the low 7 bits.
const fn low7(value: u32) -> u8 {
    (value & 0x7f) as u8
}

/// Returns the low 8 bits.
const fn low8(value: u32) -> u8 {
    (value & 0xff) as u8
}

/// Returns the packet of a note or of key pressure.
fn note(event_type: EventType, head: ChannelHead, note: Note, protocol: Protocol) -> Packet {
    let event_velocity = note.velocity;
    let (note, velocity) = (note.note & 0x7f, note.velocity & 0x7f);
    if event_type == EventType::KEYPRESS && protocol == Protocol::Midi2 {
        return head.midi2(status::KEY_PRESSURE, note, 0, scale::up_7_to_32(velocity));
    }
    // Key pressure 0 becomes a note-off too, but in MIDI 1.0 only: so does the kernel.
    let status = match event_type {
        _ if event_velocity == 0 => status::NOTE_OFF,
        EventType::NOTEON => status::NOTE_ON,
        EventType::NOTEOFF => status::NOTE_OFF,
        _ => status::KEY_PRESSURE,
    };
    match protocol {
        Protocol::Midi1 => head.midi1(status, note, velocity),
        Protocol::Midi2 => {
            head.midi2(status, note, 0, u32::from(scale::up_7_to_16(velocity)) << 16)
        }
    }
}

/// Returns the packet of a controller without a meaning of its own, both bytes below 128.
fn plain_controller(head: ChannelHead, protocol: Protocol, index: u8, value: u8) -> Packet {
    match protocol {
        Protocol::Midi1 => head.midi1(status::CONTROLLER, index, value),
        Protocol::Midi2 => head.midi2(status::CONTROLLER, index, 0, scale::up_7_to_32(value)),
    }
}

/// Returns the packet of a system message.
const fn system(group: u8, status: u8, byte2: u8, byte3: u8) -> Packet {
    Packet::one(
        (Packet::SYSTEM as u32) << 28
            | (group as u32 & 0xf) << 24
            | (status as u32) << 16
            | (byte2 as u32) << 8
            | byte3 as u32,
    )
}

/// Passes on a SysEx, or a piece of one, in packets of at most 6 bytes.
///
/// The kernel looks at 8 bytes at a time. F0 in front of them starts a SysEx, wherever they stand in the event. F7
/// behind at most 6 others, not counting that F0, ends it, and what follows in the event is lost.
fn sysex<E>(
    data: &[u8],
    group: u8,
    mut emit: impl FnMut(Packet) -> Result<(), E>,
) -> Result<(), E> {
    let mut rest = data;
    while !rest.is_empty() {
        let window = &rest[..rest.len().min(8)];
        let (starts, window) = match window {
            [0xf0, behind @ ..] => (true, behind),
            all => (false, all),
        };
        rest = &rest[usize::from(starts)..];
        if let [piece @ .., 0xf7] = window
            && piece.len() <= 6
        {
            let place = if starts { place::SINGLE } else { place::END };
            return emit(sysex7(group, place, piece));
        }
        let (piece, after) = rest.split_at(window.len().min(6));
        let place = if starts { place::START } else { place::CONTINUE };
        emit(sysex7(group, place, piece))?;
        rest = after;
    }
    Ok(())
}

/// Returns a packet with at most 6 bytes of a SysEx.
fn sysex7(group: u8, place: u8, bytes: &[u8]) -> Packet {
    let mut all = [0; 8];
    all[0] = Packet::SYSEX7 << 4 | group & 0xf;
    all[1] = place << 4 | u8::try_from(bytes.len()).unwrap_or(6);
    all[2..2 + bytes.len()].copy_from_slice(bytes);
    let [a, b, c, d, e, f, g, h] = all;
    Packet::two(u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}
