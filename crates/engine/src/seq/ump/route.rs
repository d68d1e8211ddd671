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
use aseqd_abi::{Address, Errno, Event, EventType};

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
        if !any_source
            && event.dest.client == ADDRESS_SUBSCRIBERS
            && self.port(message.event.source).is_none()
        {
            return Err(Error::from(Undelivered::NoSource).into());
        }
        self.deliver_special(Some(client), &mut message, 0)
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
        let _bounced = self.deliver_special(origin, &mut message, 0);
        if is_note {
            self.enqueue_off(cell);
        } else {
            self.finish_cell(cell);
        }
    }

    /// Delivers an event that may be a packet, or whose sender may have an endpoint port, as
    /// [`deliver`](Self::deliver) does for others. A source port that does not exist has no
    /// subscribers.
    pub(crate) fn deliver_special(
        &mut self,
        origin: Option<u8>,
        message: &mut Message<'_>,
        hops: u32,
    ) -> Result<(), Undelivered> {
        let hops = hops + 1;
        if hops >= MAX_HOPS {
            return Err(Undelivered::TooManyHops);
        }
        if message.event.dest.client != ADDRESS_SUBSCRIBERS {
            return self.deliver_one::<true>(origin, message, hops);
        }
        let sent = message.event;
        let source = sent.source;
        let first = self.deliver_from(source, origin, message, hops);
        let Some(port) = self.other_sender(message, &sent) else { return first };
        message.event = sent;
        let other = Address::new(source.client, port);
        // As on Linux, an error of the second fan-out hides one of the first.
        self.deliver_from(other, origin, message, hops).and(first)
    }

    /// Delivers to the subscribers of a port, if it exists.
    fn deliver_from(
        &mut self,
        source: Address,
        origin: Option<u8>,
        message: &mut Message<'_>,
        hops: u32,
    ) -> Result<(), Undelivered> {
        match self.deliver_to_subscribers::<true>(source, origin, message, hops) {
            Err(Undelivered::NoSource) => Ok(()),
            result => result,
        }
    }

    /// Returns the other port whose subscribers get an event of a UMP client: the endpoint's, or if the
    /// endpoint sends a packet, that of the packet's group.
    fn other_sender(&self, message: &Message<'_>, sent: &Event) -> Option<u8> {
        let client = self.client(sent.source.client).filter(|client| client.uses_ump())?;
        let endpoint = client.ump_endpoint?;
        if sent.source.port != endpoint {
            return Some(endpoint);
        }
        if !self.is_packet(sent) {
            return None;
        }
        let packet = packet_of(sent, message.data);
        // The port of that number, whatever group it says it is.
        (!packet.is_groupless()).then(|| packet.group() + 1)
    }
}
