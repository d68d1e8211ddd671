//! The path of an event: submit, queue, dispatch, deliver, bounce.

use super::Seq;
use super::client::ClientKind;
use super::fifo::Message;
use super::pool::NoCells;
use super::port::subscription_flags;
use super::prioq::{Cell, Data, PrioQueue};
use super::queue::{MAX_CELLS_PER_PASS, Queue, add_real};
use super::ump::message::is_plain_at;
use super::undelivered::Undelivered;
use crate::limits::{MAX_CELLS, MOST_CLIENTS};
use crate::{Error, Time};
use alloc::boxed::Box;
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EventData, EventFlags, EventTime, QUEUE_DIRECT};
use aseqd_abi::seq::{
    CLIENT_SYSTEM, ClientFilter, PORT_SYSTEM_ANNOUNCE, PortCaps, PortFlags, SubscriptionFlags,
};
use aseqd_abi::{Address, Errno, Event, EventType};
use zerocopy::IntoBytes;

/// Number of delivery steps after which an event fails, so that loops of kernel clients end.
#[doc(alias = "SNDRV_SEQ_MAX_HOPS")]
pub(crate) const MAX_HOPS: u32 = 8;

/// Number of buffers that are kept for the data of variable events in queues.
const SPARE_DATA: usize = 64;
/// Maximum number of events with a buffer that can wait at a time: those of UMP clients take one of a
/// pool's cells, variable ones at least two.
const MAX_DATA: usize = MOST_CLIENTS as usize * MAX_CELLS;

/// The position of the velocity in the data of a note event.
const NOTE_VELOCITY: usize = 2;

/// Why a record of a write was not taken.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// The client's pool has no room, and the call may sleep.
    Sleep,
    Error(Error),
}

/// Whether a queue gets another dispatch pass in the same call of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// It does, once something is due in it: this pass delivered all that was.
    Repeatable,
    /// It does not: this pass delivered as many events as a pass may, or found nothing that is due. The rest
    /// waits for the next call.
    Last,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Seq {
    /// Takes an event that a client writes.
    pub(crate) fn submit(
        &mut self,
        client: u8,
        mut message: Message<'_>,
        nonblock: bool,
    ) -> Result<(), Stop> {
        let event = &mut message.event;
        // Sent to the subscribers by its queue number, an event needs no source port.
        let any_source = event.queue == ADDRESS_SUBSCRIBERS;
        if any_source {
            event.dest.client = ADDRESS_SUBSCRIBERS;
            event.queue = QUEUE_DIRECT;
        }
        if event.queue == QUEUE_DIRECT {
            if event.event_type == EventType::NOTE {
                return Err(Error::new(Errno::EINVAL, "NOTE needs a queue").into());
            }
            return match self.deliver(Some(client), &mut message, 0) {
                Err(Undelivered::NoSource) if any_source => Ok(()),
                Err(reason) => Err(Error::from(reason).into()),
                Ok(()) => Ok(()),
            };
        }
        self.submit_queued(client, &message, message.data.len(), false, nonblock)
    }

    /// Takes an event for a queue. `data_len` is the number of bytes that its cells hold besides the
    /// record. A special event gets a buffer in any case.
    #[inline(always)]
    pub(crate) fn submit_queued(
        &mut self,
        client: u8,
        message: &Message<'_>,
        data_len: usize,
        special: bool,
        nonblock: bool,
    ) -> Result<(), Stop> {
        let event = &message.event;
        if event.dest.client == ADDRESS_SUBSCRIBERS && self.port(event.source).is_none() {
            return Err(Error::from(Undelivered::NoSource).into());
        }
        let number = event.queue;
        if !self.queue(number.into()).is_some_and(|queue| queue.used_by(client)) {
            return Err(Error::new(Errno::EINVAL, "the queue is not used by the client").into());
        }
        let pool = &mut self.own(client)?.pool;
        let cells = match pool.take(data_len, !nonblock) {
            Ok(cells) => cells,
            Err(NoCells::Now) if !nonblock => return Err(Stop::Sleep),
            Err(no_cells) => return Err(no_cells.error().into()),
        };
        let data = if special || !message.data.is_empty() {
            Some(self.keep_data(message.data))
        } else {
            None
        };
        // A pool has at most MAX_CELLS.
        let cells = u16::try_from(cells).unwrap_or(u16::MAX);
        self.enqueue(Cell { event: message.event, data, owner: client, cells });
        Ok(())
    }

    /// Copies data into a buffer that lives as long as its event waits.
    fn keep_data(&mut self, data: &[u8]) -> Box<Data> {
        let mut kept = self.spare_data.pop().unwrap_or_default();
        self.expect_data(1);
        kept.0.extend_from_slice(data);
        kept
    }

    /// Reserves memory in a program's call, and frees what is too much: when events with buffers are done, these find room among
    /// the spare ones.
    pub(crate) fn expect_data(&mut self, events: usize) {
        self.spare_data.truncate(SPARE_DATA);
        self.data_waiting = (self.data_waiting + events).min(MAX_DATA);
        self.spare_data.reserve(self.data_waiting);
    }

    /// Returns the cells of a queued event that is done, and keeps its buffer for another.
    pub(crate) fn finish_cell(&mut self, mut cell: Cell) {
        self.give_back_to(cell.owner, cell.cells.into());
        if let Some(mut data) = cell.data.take() {
            data.0.clear();
            self.spare_data.push(data);
            self.data_waiting = self.data_waiting.saturating_sub(1);
        }
    }

    /// Puts a cell into its queue and delivers what is due there, whether the queue runs or not.
    fn enqueue(&mut self, mut cell: Cell) {
        let instant = self.instant();
        let number = cell.event.queue;
        let Some(queue) = self.queue_mut(number.into()) else {
            self.finish_cell(cell);
            return;
        };
        queue.timer.refresh(instant);
        let position = queue.timer.position(instant);
        Queue::make_absolute(position, &mut cell.event);
        queue.insert(cell);
        if queue.dispatching || queue.is_due(position) {
            self.dispatch(number, instant);
        }
    }

    /// Makes one dispatch pass: delivers what is due in a queue at an instant.
    pub(crate) fn dispatch(&mut self, number: u8, at: Time) -> Pass {
        let Some(queue) = self.queue_mut(number.into()) else { return Pass::Repeatable };
        if queue.dispatching {
            queue.again = true;
            return Pass::Repeatable;
        }
        queue.begin_pass(at);
        let mut left = MAX_CELLS_PER_PASS;
        loop {
            self.dispatch_due(number, at, &mut left);
            // Deliveries delete no queue: only ioctls and closes do.
            let Some(queue) = self.queue_mut(number.into()) else { return Pass::Repeatable };
            if !core::mem::take(&mut queue.again) || left == 0 {
                queue.dispatching = false;
                // A pass that found nothing must not be asked again for the same instant.
                let idle = left == MAX_CELLS_PER_PASS;
                return if left == 0 || idle { Pass::Last } else { Pass::Repeatable };
            }
        }
    }

    /// Delivers all due tick events, then all due real-time events.
    fn dispatch_due(&mut self, number: u8, at: Time, left: &mut usize) {
        let Some(queue) = self.queue(number.into()) else { return };
        let tick = u64::from(queue.timer.position(at).tick);
        while *left > 0 {
            let Some(queue) = self.queue_mut(number.into()) else { return };
            let Some(cell) = queue.ticks.pop_due(tick) else { break };
            self.dispatch_cell(cell);
            *left -= 1;
        }
        let Some(queue) = self.queue(number.into()) else { return };
        let time = PrioQueue::real_key(queue.timer.position(at).real_time());
        while *left > 0 {
            let Some(queue) = self.queue_mut(number.into()) else { return };
            let Some(cell) = queue.times.pop_due(time) else { break };
            self.dispatch_cell(cell);
            *left -= 1;
        }
    }

    /// Delivers a queued event that is due. A NOTE is played and becomes its own note-off, in the
    /// same cell.
    fn dispatch_cell(&mut self, cell: Cell) {
        if cell.data.is_some() {
            self.dispatch_special(cell);
            return;
        }
        let source = cell.event.source.client;
        let mut message = Message::fixed(cell.event);
        if cell.event.event_type != EventType::NOTE {
            // The sender learns about a failure only by its bounce.
            let _bounced = self.deliver(Some(source), &mut message, 0);
            self.give_back_to(cell.owner, cell.cells.into());
            return;
        }
        message.event.event_type = EventType::NOTEON;
        let _bounced = self.deliver(Some(source), &mut message, 0);
        self.enqueue_off(cell);
    }

    /// Makes the note-off of a NOTE that was played, and queues it.
    pub(crate) fn enqueue_off(&mut self, mut cell: Cell) {
        let event = &mut cell.event;
        let note = event.data.note();
        event.event_type = EventType::NOTEOFF;
        event.flags.insert(EventFlags::PRIORITY);
        if event.flags.contains(EventFlags::REAL_TIME) {
            let millis = note.duration;
            let length = EventTime::real(millis / 1000, millis % 1000 * 1_000_000);
            event.time = add_real(event.time, length);
        } else {
            event.time.tick_or_sec = event.time.tick_or_sec.wrapping_add(note.duration);
        }
        // The other bytes stay as they were sent.
        event.data.0[NOTE_VELOCITY] = note.off_velocity;
        self.enqueue(cell);
    }

    /// Delivers an event to its destination, or to the subscribers of its source. `origin` is the
    /// client to which a failed event bounces.
    #[inline]
    pub(crate) fn deliver(
        &mut self,
        origin: Option<u8>,
        message: &mut Message<'_>,
        hops: u32,
    ) -> Result<(), Undelivered> {
        let hops = hops + 1;
        if hops >= MAX_HOPS {
            return Err(Undelivered::TooManyHops);
        }
        let event = &message.event;
        if event.queue == ADDRESS_SUBSCRIBERS || event.dest.client == ADDRESS_SUBSCRIBERS {
            self.deliver_to_subscribers::<false>(event.source, origin, message, hops)
        } else {
            self.deliver_one::<false>(origin, message, hops)
        }
    }

    /// Delivers to every subscriber of a port; the first error is the result. `SPECIAL` says that the
    /// event may be a packet.
    pub(crate) fn deliver_to_subscribers<const SPECIAL: bool>(
        &mut self,
        source: Address,
        origin: Option<u8>,
        message: &mut Message<'_>,
        hops: u32,
    ) -> Result<(), Undelivered> {
        let port = self.port(source).ok_or(Undelivered::NoSource)?;
        // Deliveries make and cut no subscription: only ioctls and closes do.
        let count = port.outgoing.entries.len();
        let Some(mut entry) = port.outgoing.entries.first() else { return Ok(()) };
        let saved = message.event;
        let mut result = Ok(());
        for next in 1.. {
            let (dest, queue, flags) = (entry.dest, entry.queue, subscription_flags(entry));
            message.event.dest = dest;
            if flags.contains(SubscriptionFlags::TIMESTAMP) {
                let real = flags.contains(SubscriptionFlags::TIME_REAL);
                self.stamp(&mut message.event, queue, real);
            }
            let direct = message.event.queue == QUEUE_DIRECT;
            let delivered = self.deliver_one::<SPECIAL>(origin, message, hops);
            result = result.and(delivered);
            if next == count {
                return result;
            }
            // As on Linux, the next subscriber gets the stamp of one whose failure could not even be bounced.
            if delivered.is_ok() || direct {
                message.event = saved;
            }
            let Some(port) = self.port(source) else { return result };
            let Some(following) = port.outgoing.entries.get(next) else { return result };
            entry = following;
        }
        result
    }

    /// Delivers to one port. If an event that is not direct fails, it goes back to its sender as a
    /// bounce; this counts as success if the sender wants none.
    #[inline(always)]
    pub(crate) fn deliver_one<const SPECIAL: bool>(
        &mut self,
        origin: Option<u8>,
        message: &mut Message<'_>,
        hops: u32,
    ) -> Result<(), Undelivered> {
        let direct = message.event.queue == QUEUE_DIRECT;
        match self.deliver_to_port::<SPECIAL>(message, hops) {
            Ok(()) => Ok(()),
            Err(reason) if direct => Err(reason),
            Err(reason) => self.bounce(origin, message, reason, hops),
        }
    }

    #[inline(always)]
    fn deliver_to_port<const SPECIAL: bool>(
        &mut self,
        message: &mut Message<'_>,
        hops: u32,
    ) -> Result<(), Undelivered> {
        let dest = message.event.dest;
        let is_packet = SPECIAL && self.is_packet(&message.event);
        let client = self.client_mut(dest.client).ok_or(Undelivered::NoClient)?;
        if !client.accepts_input() {
            return Err(Undelivered::NotReading);
        }
        // Packets have no type.
        if !is_packet && !client.wants(message.event.event_type) {
            return Err(Undelivered::FilteredOut);
        }
        let port = client.port(dest.port).ok_or(Undelivered::NoPort)?;
        if !port.capability.contains(PortCaps::WRITE) {
            return Err(Undelivered::NotWritable);
        }
        if SPECIAL {
            if is_packet
                && is_plain_at(port, &message.event)
                && let Some(fifo) = &mut client.fifo
            {
                fifo.push_packet(message)?;
                if !client.ready {
                    self.mark_ready(dest.client);
                }
                return Ok(());
            }
            return self.deliver_with_extras(message, hops);
        }
        if port.has_extras {
            return self.deliver_with_extras(message, hops);
        }
        let Some(fifo) = &mut client.fifo else {
            let kind = client.kind;
            return self.deliver_to_built_in(kind, message, hops);
        };
        fifo.push(message)?;
        if !client.ready {
            self.mark_ready(dest.client);
        }
        Ok(())
    }

    /// Delivers to a port that has extras, or an event that may be a packet to any port.
    #[cold]
    #[inline(never)]
    fn deliver_with_extras(
        &mut self,
        message: &mut Message<'_>,
        hops: u32,
    ) -> Result<(), Undelivered> {
        let dest = message.event.dest;
        let port = self.port(dest).ok_or(Undelivered::NoPort)?;
        let watched = port.is_watched();
        if port.flags.contains(PortFlags::TIMESTAMP) {
            let (queue, real) = (port.time_queue, port.flags.contains(PortFlags::TIME_REAL));
            self.stamp(&mut message.event, queue, real);
        }
        let may_change = port.memory.is_some() || self.is_packet(&message.event);
        let client = self.client_mut(dest.client).ok_or(Undelivered::NoClient)?;
        let built_in = client.fifo.is_none();
        let result = if may_change {
            self.deliver_converted(message, hops)
        } else if let Some(fifo) = &mut client.fifo {
            fifo.push(message)?;
            if !client.ready {
                self.mark_ready(dest.client);
            }
            Ok(())
        } else {
            // A failure of Midi Through is that of one subscriber: the others have the event.
            let kind = client.kind;
            self.deliver_to_built_in(kind, message, hops)
        };
        if watched && (built_in || result.is_ok()) {
            self.note_sounding(message);
        }
        result
    }

    #[inline(never)]
    pub(crate) fn deliver_to_built_in(
        &mut self,
        kind: ClientKind,
        message: &Message<'_>,
        hops: u32,
    ) -> Result<(), Undelivered> {
        match kind {
            ClientKind::User | ClientKind::Kernel => Ok(()),
            ClientKind::System => self.control_queue(&message.event, hops),
            ClientKind::Dummy => self.pass_through(message, hops),
        }
    }

    /// Passes an event on to the subscribers of the port of Midi Through that it reached. Errors stay here.
    fn pass_through(&mut self, message: &Message<'_>, hops: u32) -> Result<(), Undelivered> {
        if message.event.source.client == CLIENT_SYSTEM {
            return Ok(());
        }
        let mut forward = *message;
        forward.event.source = message.event.dest;
        forward.event.dest.client = ADDRESS_SUBSCRIBERS;
        if self.is_packet(&forward.event) {
            if forward.event.event_type == EventType::KERNEL_ERROR {
                return Ok(());
            }
            forward.event.queue = QUEUE_DIRECT;
            let origin = Some(forward.event.source.client);
            return self.deliver_special(origin, &mut forward, hops, true);
        }
        self.dispatch_from_kernel(&mut forward, hops)
    }

    /// Sends an event of a built-in client, at once.
    pub(crate) fn dispatch_from_kernel(
        &mut self,
        message: &mut Message<'_>,
        hops: u32,
    ) -> Result<(), Undelivered> {
        message.event.queue = QUEUE_DIRECT;
        self.deliver(Some(message.event.source.client), message, hops)
    }

    /// Writes the time of a queue into an event, if there is such a queue. Of a tick time only the
    /// tick is written. A queued event is stamped with the instant at which it is due: as on Linux,
    /// where a late queue has not moved on either.
    #[inline(never)]
    fn stamp(&self, event: &mut Event, queue: u8, real: bool) {
        let Some(timer) = self.queue(queue.into()).map(|queue| &queue.timer) else { return };
        let position = timer.reported(self.instant());
        event.queue = queue;
        event.flags.set(EventFlags::REAL_TIME, real);
        if real {
            event.time = position.real_time();
        } else {
            event.time.tick_or_sec = position.tick;
        }
    }

    /// Returns a failed event to its sender, if the sender wants it. A bounce that failed is not bounced again.
    #[cold]
    #[inline(never)]
    fn bounce(
        &mut self,
        origin: Option<u8>,
        failed: &Message<'_>,
        reason: Undelivered,
        hops: u32,
    ) -> Result<(), Undelivered> {
        let failed = &failed.event;
        let Some(client) = origin.and_then(|number| self.client(number)) else { return Ok(()) };
        if !client.filter.contains(ClientFilter::BOUNCE) || !client.accepts_input() {
            return Ok(());
        }
        if failed.event_type == EventType::BOUNCE {
            return Err(reason);
        }
        let number = client.number;
        let mut event = Event::direct(EventType::BOUNCE);
        event.flags = EventFlags::VARIABLE;
        event.source = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE);
        event.dest = Address::new(number, failed.source.port);
        let record = failed.as_bytes();
        event.data = EventData::from_ext_len(u32::try_from(record.len()).unwrap_or(0));
        let mut message = Message { event, data: record };
        let result = self.deliver_one::<false>(None, &mut message, hops + 1);
        if result.is_err()
            && let Some(client) = self.client_mut(number)
        {
            client.event_lost = client.event_lost.wrapping_add(1);
        }
        result
    }
}
