//! Channel messages of one protocol to the other.

use super::memory::{Halves, Memory};
use super::packet::{ChannelHead, Packet, status};
use super::scale;

/// Converts a MIDI 1.0 channel message (message type 2) to MIDI 2.0, and passes on the packet, if there is one.
/// `memory` belongs to the destination port.
///
/// # Errors
/// The error of `emit`.
pub fn to_midi2<E>(
    packet: &Packet,
    memory: &mut Memory,
    mut emit: impl FnMut(Packet) -> Result<(), E>,
) -> Result<(), E> {
    let head = ChannelHead::of(packet);
    let (byte2, byte3) = (packet.byte2(), packet.byte3());
    let memory = memory.channel(packet.channel());
    let packet = match packet.status() {
        status @ (status::NOTE_OFF | status::NOTE_ON) => {
            head.midi2(status, byte2, 0, u32::from(scale::up_7_to_16(byte3)) << 16)
        }
        status::KEY_PRESSURE => {
            head.midi2(status::KEY_PRESSURE, byte2, 0, scale::up_7_to_32(byte3))
        }
        status::CONTROLLER => match memory.bank_select(byte2, byte3) {
            true => return Ok(()),
            false => head.midi2(status::CONTROLLER, byte2, 0, scale::up_7_to_32(byte3)),
        },
        status::PROGRAM => memory.program(head, byte2),
        status::CHANNEL_PRESSURE => {
            head.midi2(status::CHANNEL_PRESSURE, 0, 0, scale::up_7_to_32(byte2))
        }
        status::PITCH_BEND => {
            let bend = u16::from(byte3) << 7 | u16::from(byte2);
            head.midi2(status::PITCH_BEND, 0, 0, scale::up_14_to_32(bend))
        }
        _ => return Ok(()),
    };
    emit(packet)
}

/// Converts a MIDI 2.0 channel message (message type 4) to MIDI 1.0, and passes on the packets. Messages that MIDI 1.0
/// does not have make none.
///
/// # Errors
/// The first error of `emit`; what follows is not converted.
pub fn to_midi1<E>(
    packet: &Packet,
    mut emit: impl FnMut(Packet) -> Result<(), E>,
) -> Result<(), E> {
    let head = ChannelHead::of(packet);
    let value = packet.0[1];
    let byte2 = packet.byte2();
    let packet = match packet.status() {
        status @ (status::NOTE_OFF
        | status::NOTE_ON
        | status::KEY_PRESSURE
        | status::CONTROLLER) => head.midi1(status, byte2, scale::down_32_to_7(value)),
        status::CHANNEL_PRESSURE => {
            head.midi1(status::CHANNEL_PRESSURE, scale::down_32_to_7(value), 0)
        }
        status::PROGRAM => {
            let [program, _, msb, lsb] = value.to_be_bytes();
            let has_bank = packet.byte3() & 1 != 0;
            if has_bank {
                emit(head.midi1(status::CONTROLLER, 0, msb))?;
                emit(head.midi1(status::CONTROLLER, 32, lsb))?;
            }
            // The kernel makes the third packet of the second.
            head.midi1(status::PROGRAM, program, if has_bank { lsb } else { 0 })
        }
        status::PITCH_BEND => {
            let bend = Halves::new(u32::from(scale::down_32_to_14(value)));
            head.midi1(status::PITCH_BEND, bend.lsb, bend.msb)
        }
        _ => return Ok(()),
    };
    emit(packet)
}
