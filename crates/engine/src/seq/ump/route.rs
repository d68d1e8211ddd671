//! The path of packets, and of the events of UMP clients: a client with an endpoint port sends to the
//! subscribers of two ports.

use super::message::packet_of;
use crate::Error;
use crate::seq::Seq;
use crate::seq::fifo::Message;
use crate::seq::prioq::Cell;
use crate::seq::route::{MAX_HOPS, Stop};
use crate::seq::undelivered::Undelivered;
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, QUEUE_DIRECT};
use aseqd_abi::{Address, Errno, EventType};

impl Seq {
    /// Takes an event that a UMP client writes, as [`submit`](Self::submit) does for others.
    pub(crate) fn submit_special(
        &mut self,
        client: u8,
        mut message: Message<'_>,
        nonblock: bool,
    ) -> Result<(), Stop> {
        let is_packet = self.is_packet(&message.event);
        let event = &mut message.event;
        let any_source = event.queue == ADDRESS_SUBSCRIBERS;
        if any_source {
            event.dest.client = ADDRESS_SUBSCRIBERS;
            event.queue = QUEUE_DIRECT;
        }
        if event.queue != QUEUE_DIRECT {
            let data_len = if is_packet { 0 } else { message.data.len() };
            return self.submit_queued(client, &message, data_len, true, nonblock);
        }
        if event.event_type == EventType::NOTE && !is_packet {
            return Err(Error::new(Errno::EINVAL, "NOTE needs a queue").into());
        }
        self.deliver_special(Some(client), &mut message, 0, any_source)
            .map_err(|reason| Error::from(reason).into())
    }

    /// Delivers a queued event with a buffer: a variable one, a packet, or any other of a UMP client.
    pub(crate) fn dispatch_special(&mut self, cell: Cell) {
        let is_note = cell.event.event_type == EventType::NOTE && !self.is_packet(&cell.event);
        let mut message = Message { event: cell.event, data: cell.bytes() };
        if is_note {
            message.event.event_type = EventType::NOTEON;
        }
        let origin = Some(cell.event.source.client);
        let _bounced = self.deliver_special(origin, &mut message, 0, true);
        if is_note {
            self.enqueue_off(cell);
        } else {
            self.finish_cell(cell);
        }
    }

    /// Delivers an event that may be a packet, or whose sender may have an endpoint port, as
    /// [`deliver`](Self::deliver) does for others. With `any_source`, a source port that does not exist
    /// has no subscribers.
    pub(crate) fn deliver_special(
        &mut self,
        origin: Option<u8>,
        message: &mut Message<'_>,
        hops: u32,
        any_source: bool,
    ) -> Result<(), Undelivered> {
        let hops = hops + 1;
        if hops >= MAX_HOPS {
            return Err(Undelivered::TooManyHops);
        }
        if message.event.dest.client != ADDRESS_SUBSCRIBERS {
            return self.deliver_one::<true>(origin, message, hops);
        }
        let source = message.event.source;
        let Some(port) = self.other_sender(message) else {
            let delivered = self.deliver_to_subscribers::<true>(source, origin, message, hops);
            return if any_source { without_source(delivered) } else { delivered };
        };
        let sent = message.event;
        let first = self.deliver_to_subscribers::<true>(source, origin, message, hops);
        if first == Err(Undelivered::NoSource) && !any_source {
            return first;
        }
        message.event = sent;
        let other = Address::new(source.client, port);
        let second = self.deliver_to_subscribers::<true>(other, origin, message, hops);
        // As on Linux, an error of the second fan-out hides one of the first.
        without_source(second).and_then(|()| without_source(first))
    }

    /// Returns the other port whose subscribers get an event of a UMP client: the endpoint's, or if the
    /// endpoint sends a packet, that of the packet's group.
    fn other_sender(&self, message: &Message<'_>) -> Option<u8> {
        let event = &message.event;
        let client = self.client(event.source.client)?;
        let endpoint = client.ump_endpoint?;
        if !client.uses_ump() {
            return None;
        }
        if event.source.port != endpoint {
            return Some(endpoint);
        }
        if !self.is_packet(event) {
            return None;
        }
        let packet = packet_of(event, message.data);
        // The port of that number, whatever group it says it is.
        (!packet.is_groupless()).then(|| packet.group() + 1)
    }
}

/// Returns the result for the subscribers of a port that may be missing: there are none then.
fn without_source(delivered: Result<(), Undelivered>) -> Result<(), Undelivered> {
    match delivered {
        Err(Undelivered::NoSource) => Ok(()),
        result => result,
    }
}
