//! Packets as messages: the first three words stand in the record, the last one is the data.

use crate::seq::port::Port;
use aseqd_abi::Event;
use aseqd_abi::event::{EventData, EventFlags, EventLength, EventType};
use aseqd_midi::ump::Packet;
use zerocopy::FromBytes;

/// The words of a packet, without the last, as they stand in a record.
type Words = [u32; 3];

/// Returns the packet of a message that is one.
pub(crate) fn packet_of(event: &Event, last_word: &[u8]) -> Packet {
    let [a, b, c]: Words = zerocopy::transmute!(event.data);
    Packet([a, b, c, u32::read_from_bytes(last_word).unwrap_or(0)])
}

/// Returns a packet as an event with the header of another, and the packet's last word.
pub(crate) fn event_with(header: &Event, packet: Packet) -> (Event, u32) {
    let [a, b, c, last_word] = packet.0;
    let words: Words = [a, b, c];
    (Event { data: EventData(zerocopy::transmute!(words)), ..*header }, last_word)
}

/// Returns whether a port's client gets this packet as it is.
pub(crate) fn is_plain_at(port: &Port, event: &Event) -> bool {
    port.plain_packets >> packet_of(event, &[]).message_type() & 1 != 0
}

/// Returns the header of the packets that a legacy event becomes.
pub(crate) fn packet_header(event: &Event) -> Event {
    let flags = EventFlags::from_bits_retain(event.flags.bits() & !EventLength::MASK);
    Event { event_type: EventType(0), flags: flags | EventFlags::UMP, ..*event }
}
