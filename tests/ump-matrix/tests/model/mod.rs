//! Delivery without anything but the conversions: no pools, no errors of receivers, no time.

use aseqd_abi::event::{EventFlags, EventLength};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Errno, Event, EventType};
use aseqd_midi::ump::{self, Memory, Packet, Protocol};
use std::convert::Infallible;
use ump_matrix::{Form, Receiver, Rig, Scene};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// A scene whose receivers are buffers.
pub(crate) struct Model<'a> {
    scene: &'a Scene,
    ports: Vec<Port<'a>>,
}

/// A receiver.
struct Port<'a> {
    receiver: &'a Receiver,
    memory: Memory,
    unread: Vec<u8>,
}

const NOBODY: Address = Address::new(0, 0);
const LENGTH: EventFlags = EventFlags::VARIABLE.union(EventFlags::VARUSR);

impl<'a> Model<'a> {
    pub(crate) fn new(scene: &'a Scene) -> Self {
        let port = |receiver| Port { receiver, memory: Memory::default(), unread: Vec::new() };
        Self { scene, ports: scene.receivers.iter().map(port).collect() }
    }

    /// Sends the first record. Returns its length.
    fn send(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        let (event, rest) = Event::read_from_prefix(bytes).expect("a record");
        let (length, is_variable) = (event.flags.length(), event.event_type.is_variable());
        if length == EventLength::FIXED && is_variable
            || length == EventLength::VARIABLE && !is_variable
        {
            return Err(Errno::EINVAL);
        }
        if event.flags.contains(EventFlags::UMP) {
            if !self.scene.sender.is_ump() || length == EventLength::VARIABLE {
                return Err(Errno::EINVAL);
            }
            let (event, _) = UmpEvent::read_from_prefix(bytes).expect("a record");
            let packet = Packet(event.ump);
            let group = (!packet.is_groupless()).then(|| packet.group() + 1);
            self.fan_out(group, |port| port.take_packet(event));
            return Ok(size_of::<UmpEvent>());
        }
        let data = if event.is_variable() { event.data.ext_len() as usize } else { 0 };
        match event.event_type {
            EventType::NONE => {}
            EventType::NOTE => return Err(Errno::EINVAL),
            reserved if reserved.is_reserved() => return Err(Errno::EINVAL),
            _ => self.fan_out(None, |port| port.take_event(event, &rest[..data])),
        }
        Ok(size_of::<Event>() + data)
    }

    /// Passes something to the subscribers of the sending port, and to those of a port that stands for the same group
    /// or for all groups.
    fn fan_out(&mut self, group: Option<u8>, mut deliver: impl FnMut(&mut Port<'a>)) {
        let Scene { from, ports, sender, .. } = self.scene;
        let second = match (sender.is_ump() && ports.len() > 1, *from) {
            (false, _) => None,
            (true, 0) => group,
            (true, _) => Some(0),
        };
        for number in [Some(*from), second].into_iter().flatten() {
            self.ports
                .iter_mut()
                .filter(|port| port.receiver.sender_port == number)
                .for_each(&mut deliver);
        }
    }
}

impl Port<'_> {
    fn is_filtered(&self, bit: u8) -> bool {
        self.receiver.group_filter >> bit & 1 != 0
    }

    fn protocol(&self) -> Protocol {
        match (self.receiver.form, self.receiver.is_midi1) {
            (Form::Midi2, false) => Protocol::Midi2,
            _ => Protocol::Midi1,
        }
    }

    fn take_packet(&mut self, event: UmpEvent) {
        let event = UmpEvent { dest: NOBODY, ..event };
        let (packet, receiver) = (Packet(event.ump), self.receiver);
        if receiver.no_convert {
            if receiver.form.is_ump() {
                self.put_packet(event);
            }
            return;
        }
        if self.is_filtered(if packet.is_groupless() { 0 } else { packet.group() + 1 }) {
            return;
        }
        let Ok(()) = if receiver.form == Form::Legacy {
            ump::events_of(&packet, |converted, data| {
                let Event { event_type, flags, data: fields, .. } = converted;
                let UmpEvent { tag, queue, time, source, dest, .. } = event;
                let event =
                    Event { event_type, flags, tag, queue, time, source, dest, data: fields };
                self.put(event.as_bytes(), data);
                Ok::<(), Infallible>(())
            })
        } else {
            let protocol = self.protocol();
            let mut memory = std::mem::take(&mut self.memory);
            let mut put = |packet: Packet| {
                self.put_packet(UmpEvent { ump: packet.0, ..event });
                Ok::<(), Infallible>(())
            };
            let done = match (protocol, packet.message_type()) {
                (Protocol::Midi2, Packet::MIDI1) => ump::to_midi2(&packet, &mut memory, put),
                (Protocol::Midi1, Packet::MIDI2) => ump::to_midi1(&packet, put),
                _ if receiver.group == 0 || packet.is_groupless() => put(packet),
                _ => put(packet.with_group(receiver.group - 1)),
            };
            self.memory = memory;
            done
        };
    }

    fn take_event(&mut self, event: Event, data: &[u8]) {
        let event = Event { dest: NOBODY, ..event };
        let receiver = self.receiver;
        if receiver.no_convert || !receiver.form.is_ump() {
            return self.put(event.as_bytes(), data);
        }
        if self.is_filtered(receiver.group) {
            return;
        }
        let mut memory = std::mem::take(&mut self.memory);
        let protocol = self.protocol();
        let Event { tag, queue, time, source, dest, .. } = event;
        let flags = event.flags.difference(LENGTH) | EventFlags::UMP;
        let put = |packet: Packet| {
            let (event_type, ump) = (EventType(0), packet.0);
            self.put_packet(UmpEvent { event_type, flags, tag, queue, time, source, dest, ump });
            Ok::<(), Infallible>(())
        };
        let Ok(converted) =
            ump::packets_of(&event, data, receiver.group, protocol, &mut memory, put);
        self.memory = memory;
        if !converted {
            self.put(event.as_bytes(), data);
        }
    }

    fn put_packet(&mut self, event: UmpEvent) {
        self.unread.extend_from_slice(event.as_bytes());
    }

    /// Appends a legacy record, with zeros where the receiver's records are longer.
    fn put(&mut self, record: &[u8], data: &[u8]) {
        let stride =
            if self.receiver.form.is_ump() { size_of::<UmpEvent>() } else { size_of::<Event>() };
        for part in [record, data] {
            let end = self.unread.len() + part.len().next_multiple_of(stride);
            self.unread.extend_from_slice(part);
            self.unread.resize(end, 0);
        }
    }
}

impl Rig for Model<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        let mut done = 0;
        while done < bytes.len() {
            match self.send(&bytes[done..]) {
                Ok(len) => done += len,
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn read(&mut self, receiver: usize, each: &mut dyn FnMut(&mut [u8])) {
        each(&mut self.ports[receiver].unread);
        self.ports[receiver].unread.clear();
    }
}
