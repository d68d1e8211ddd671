//! What a port gets of an event: each client has its form of events, legacy or packets of MIDI 1.0 or 2.0.

use super::message::{event_with, packet_header, packet_of};
use crate::seq::Seq;
use crate::seq::fifo::{Fifo, Message};
use crate::seq::port::Port;
use crate::seq::undelivered::Undelivered;
use aseqd_abi::Event;
use aseqd_abi::seq::{ClientFilter, PortFlags};
use aseqd_abi::ump::CLIENT_UMP_MIDI_1_0;
use aseqd_midi::ump::{Memory, Packet, Protocol, events_of, packets_of, to_midi1, to_midi2};
use zerocopy::IntoBytes;

/// The bits of all message types, and of those without a group.
const ALL_TYPES: u16 = u16::MAX;
const GROUPLESS_TYPES: u16 = 1 << Packet::UTILITY | 1 << Packet::STREAM;

/// Returns whether a client's group filter drops what belongs to a group, 1 to 16, or to none, 0.
const fn drops(group_filter: u32, group: u8) -> bool {
    group_filter & (1 << group) != 0
}

/// Returns the number of a packet's group in filters, and 0 for a packet without a group.
const fn group_number(packet: &Packet) -> u8 {
    if packet.is_groupless() { 0 } else { packet.group() + 1 }
}

/// Adds a packet to a client's input, with the header of the event that it comes from.
fn push_packet(fifo: &mut Fifo, header: &Event, packet: Packet) -> Result<(), Undelivered> {
    let (event, last_word) = event_with(header, packet);
    fifo.push_packet(&Message { event, data: last_word.as_bytes() })
}

impl Seq {
    /// Recomputes which packets reach the ports of a client as they are, after a change of what decides
    /// it.
    pub(crate) fn refresh_plain_packets(&mut self, number: u8) {
        let Some(client) = self.client_mut(number) else { return };
        let passes_all = client.filter.contains(ClientFilter::NO_CONVERT);
        let takes = client.uses_ump() && (passes_all || client.group_filter == 0);
        for port in &mut client.ports {
            port.plain_packets = if !takes || port.acts_on_delivery() {
                0
            } else if passes_all {
                ALL_TYPES
            } else if port.ump_group != 0 {
                GROUPLESS_TYPES
            } else {
                match protocol(port, client.midi_version) {
                    Protocol::Midi1 => ALL_TYPES & !(1 << Packet::MIDI2),
                    Protocol::Midi2 => ALL_TYPES & !(1 << Packet::MIDI1),
                }
            };
        }
    }

    /// Delivers to a port of a client that uses UMP or has used it, or a packet to any port: in the
    /// form that its client wants.
    #[inline(never)]
    pub(crate) fn deliver_converted(
        &mut self,
        message: &Message<'_>,
        hops: u32,
    ) -> Result<(), Undelivered> {
        let dest = message.event.dest;
        let is_packet = self.is_packet(&message.event);
        let client = self.client_mut(dest.client).ok_or(Undelivered::NoClient)?;
        let uses_ump = client.uses_ump();
        let converts = !client.filter.contains(ClientFilter::NO_CONVERT);
        let (kind, ready, version) = (client.kind, client.ready, client.midi_version);
        let group_filter = client.group_filter;
        if is_packet
            && converts
            && drops(group_filter, group_number(&packet_of(&message.event, message.data)))
        {
            return Ok(());
        }
        let index = client.port_place(dest.port).ok_or(Undelivered::NoPort)?;
        let (Some(fifo), Some(port)) = (&mut client.fifo, client.ports.get_mut(index)) else {
            // A built-in client.
            if is_packet && converts {
                let packet = packet_of(&message.event, message.data);
                return events_of(&packet, |event, data| {
                    let event = with_header(event, &message.event);
                    self.deliver_to_built_in(kind, &Message { event, data }, hops)
                });
            }
            return self.deliver_to_built_in(kind, message, hops);
        };
        let used = fifo.pool.used;
        let result = if !is_packet {
            if !converts || !uses_ump {
                fifo.push_event(message)
            } else if drops(group_filter, port.ump_group) {
                return Ok(());
            } else {
                push_event(fifo, port, protocol(port, version), message)
            }
        } else if uses_ump {
            if converts {
                push_for_protocol(fifo, port, protocol(port, version), message)
            } else {
                fifo.push_packet(message)
            }
        } else if converts {
            events_of(&packet_of(&message.event, message.data), |event, data| {
                fifo.push_event(&Message { event: with_header(event, &message.event), data })
            })
        } else {
            // It could not read a packet.
            return Ok(());
        };
        if !ready && fifo.pool.used > used {
            self.mark_ready(dest.client);
        }
        result
    }
}

/// Returns the protocol of the packets to a port.
const fn protocol(port: &Port, midi_version: u32) -> Protocol {
    if midi_version == CLIENT_UMP_MIDI_1_0 || port.flags.contains(PortFlags::IS_MIDI1) {
        Protocol::Midi1
    } else {
        Protocol::Midi2
    }
}

/// Returns a converted event with the header of the packet that it comes from. Of the flags it has only
/// its own, as on Linux.
fn with_header(event: Event, header: &Event) -> Event {
    Event { event_type: event.event_type, flags: event.flags, data: event.data, ..*header }
}

/// Adds a legacy event to the input of a UMP client: as packets, if there are any for its type.
fn push_event(
    fifo: &mut Fifo,
    port: &mut Port,
    protocol: Protocol,
    message: &Message<'_>,
) -> Result<(), Undelivered> {
    let header = packet_header(&message.event);
    let group = port.ump_group;
    let memory = memory(port);
    let converted = packets_of(&message.event, message.data, group, protocol, memory, |packet| {
        push_packet(fifo, &header, packet)
    })?;
    if converted { Ok(()) } else { fifo.push_event(message) }
}

/// Adds a packet to the input of a UMP client: in its protocol, or in the group of its port.
fn push_for_protocol(
    fifo: &mut Fifo,
    port: &mut Port,
    protocol: Protocol,
    message: &Message<'_>,
) -> Result<(), Undelivered> {
    let header = &message.event;
    let packet = packet_of(header, message.data);
    match (packet.message_type(), protocol) {
        (Packet::MIDI1, Protocol::Midi2) => {
            to_midi2(&packet, memory(port), |packet| push_packet(fifo, header, packet))
        }
        (Packet::MIDI2, Protocol::Midi1) => {
            to_midi1(&packet, |packet| push_packet(fifo, header, packet))
        }
        _ if port.ump_group != 0 && !packet.is_groupless() => {
            push_packet(fifo, header, packet.with_group(port.ump_group - 1))
        }
        _ => fifo.push_packet(message),
    }
}

/// Returns what conversions remember at a port.
fn memory(port: &mut Port) -> &mut Memory {
    port.memory.get_or_insert_default()
}
