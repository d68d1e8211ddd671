//! The path of an event: submit, queue, dispatch, deliver, bounce.

use super::Seq;
use super::client::Kind;
use super::fifo::Message;
use super::pool::NoCells;
use super::port::subscription_flags;
use super::prioq::{Cell, PrioQueue};
use super::queue::{MAX_CELLS_PER_PASS, add_real};
use crate::{Error, Time};
use abi::event::{ADDRESS_SUBSCRIBERS, EventData, EventFlags, EventTime, QUEUE_DIRECT};
use abi::seq::{
    CLIENT_SYSTEM, ClientFilter, PORT_SYSTEM_ANNOUNCE, PortCaps, PortFlags, SubscriptionFlags,
};
use abi::{Address, Errno, Event, EventType};
use alloc::sync::Arc;
use zerocopy::IntoBytes;

/// Delivery steps of one event, after which it fails: loops of kernel clients end.
#[doc(alias = "SNDRV_SEQ_MAX_HOPS")]
pub(crate) const MAX_HOPS: u32 = 8;

/// Where the data of a note event has its velocity.
const NOTE_VELOCITY: usize = 2;

/// Why a record of a write is not done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It waits for room in the client's pool.
    Sleep,
    Error(Error),
}

/// How a dispatch pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Nothing due is left.
    Done,
    /// The rest waits for the next call.
    Full,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Seq {
    /// Takes an event from a client that writes.
    pub(crate) fn submit(
        &mut self,
        client: u8,
        mut message: Message,
        nonblock: bool,
    ) -> Result<(), Stop> {
        let event = &mut message.event;
        if event.queue == ADDRESS_SUBSCRIBERS {
            event.dest.client = ADDRESS_SUBSCRIBERS;
            event.queue = QUEUE_DIRECT;
        } else if event.dest.client == ADDRESS_SUBSCRIBERS && self.port(event.source).is_none() {
            return Err(Error::new(Errno::EINVAL, "the source port does not exist").into());
        }
        if message.event.queue == QUEUE_DIRECT {
            if message.event.event_type == EventType::NOTE {
                return Err(Error::new(Errno::EINVAL, "NOTE needs a queue").into());
            }
            return Ok(self.deliver(Some(client), &mut message, 0)?);
        }
        let number = message.event.queue;
        if !self.queue(number.into()).is_some_and(|queue| queue.used_by(client)) {
            return Err(Error::new(Errno::EINVAL, "the queue is not used by the client").into());
        }
        let data_len = message.data_len();
        let pool = &mut self.own(client)?.pool;
        let cells = match pool.take(data_len, !nonblock) {
            Ok(cells) => cells,
            Err(NoCells::Now) if !nonblock => return Err(Stop::Sleep),
            Err(no_cells) => return Err(no_cells.error().into()),
        };
        self.enqueue(Cell { message, owner: client, cells });
        Ok(())
    }

    /// Puts a cell in its queue and delivers what is due there, whether the queue runs or not.
    fn enqueue(&mut self, mut cell: Cell) {
        let instant = self.instant();
        let number = cell.message.event.queue;
        let Some(queue) = self.queue_mut(number.into()) else {
            self.give_back([cell]);
            return;
        };
        queue.timer.refresh(instant);
        queue.make_absolute(instant, &mut cell.message);
        queue.insert(cell);
        self.dispatch(number, instant);
    }

    /// One dispatch pass: delivers what is due in a queue at an instant.
    pub(crate) fn dispatch(&mut self, number: u8, at: Time) -> Pass {
        let Some(queue) = self.queue_mut(number.into()) else { return Pass::Done };
        if queue.dispatching {
            queue.again = true;
            return Pass::Done;
        }
        queue.dispatching = true;
        let mut left = MAX_CELLS_PER_PASS;
        loop {
            self.dispatch_due(number, at, &mut left);
            // Deliveries delete no queue: only ioctls and closes do.
            let Some(queue) = self.queue_mut(number.into()) else { return Pass::Done };
            if !core::mem::take(&mut queue.again) || left == 0 {
                queue.dispatching = false;
                // A pass that found nothing must not be asked again for the same instant.
                let idle = left == MAX_CELLS_PER_PASS;
                return if left == 0 || idle { Pass::Full } else { Pass::Done };
            }
        }
    }

    /// All due tick events, then all due real-time events.
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
    fn dispatch_cell(&mut self, mut cell: Cell) {
        let source = cell.message.event.source.client;
        if cell.message.event.event_type != EventType::NOTE {
            // The sender learns of a failure by its bounce only.
            let _bounced = self.deliver(Some(source), &mut cell.message, 0);
            self.give_back([cell]);
            return;
        }
        let mut note_on = cell.message.clone();
        note_on.event.event_type = EventType::NOTEON;
        let _bounced = self.deliver(Some(source), &mut note_on, 0);
        let event = &mut cell.message.event;
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
        // The bytes beyond the note's own stay as they were sent.
        event.data.0[NOTE_VELOCITY] = note.off_velocity;
        self.enqueue(cell);
    }

    /// Delivers an event to its destination, or to the subscribers of its source. `origin` is the
    /// client to which a failed event bounces.
    pub(crate) fn deliver(
        &mut self,
        origin: Option<u8>,
        message: &mut Message,
        hops: u32,
    ) -> Result<(), Error> {
        let hops = hops + 1;
        if hops >= MAX_HOPS {
            return Err(Error::new(Errno::EMLINK, "the event went through too many clients"));
        }
        let event = &message.event;
        if event.queue == ADDRESS_SUBSCRIBERS || event.dest.client == ADDRESS_SUBSCRIBERS {
            self.deliver_to_subscribers(origin, message, hops)
        } else {
            self.deliver_one(origin, message, hops)
        }
    }

    /// Every subscriber gets the event; the first error is the result.
    fn deliver_to_subscribers(
        &mut self,
        origin: Option<u8>,
        message: &mut Message,
        hops: u32,
    ) -> Result<(), Error> {
        let source = message.event.source;
        let saved = message.event;
        let mut result = Ok(());
        let mut index = 0;
        while let Some(entry) = self.port(source).and_then(|port| port.outgoing.entries.get(index))
        {
            index += 1;
            let (dest, queue, flags) = (entry.dest, entry.queue, subscription_flags(entry));
            message.event.dest = dest;
            if flags.contains(SubscriptionFlags::TIMESTAMP) {
                let real = flags.contains(SubscriptionFlags::TIME_REAL);
                self.stamp(&mut message.event, queue, real);
            }
            match self.deliver_one(origin, message, hops) {
                Ok(()) => message.event = saved,
                // As on Linux, what a failed delivery stamped stays for the next subscriber.
                Err(error) => result = result.and(Err(error)),
            }
        }
        result
    }

    /// Delivers to one port. The failure of an event that is not direct goes to its sender as a
    /// bounce, and counts as success if the sender wants none.
    fn deliver_one(
        &mut self,
        origin: Option<u8>,
        message: &mut Message,
        hops: u32,
    ) -> Result<(), Error> {
        let direct = message.event.queue == QUEUE_DIRECT;
        match self.deliver_to_port(message, hops) {
            Err(_) if !direct => self.bounce(origin, &message.event, hops),
            result => result,
        }
    }

    fn deliver_to_port(&mut self, message: &mut Message, hops: u32) -> Result<(), Error> {
        let dest = message.event.dest;
        let client = self.client(dest.client);
        let client = client.ok_or(Error::new(Errno::ENOENT, "no such client"))?;
        if !client.accepts_input() {
            return Err(Error::new(Errno::ENOENT, "the client is not open for reading"));
        }
        if !client.wants(message.event.event_type) {
            return Err(Error::new(Errno::ENOENT, "the client filters out the event type"));
        }
        let kind = client.kind;
        let port = client.port(dest.port).ok_or(Error::new(Errno::ENOENT, "no such port"))?;
        if !port.capability.contains(PortCaps::WRITE) {
            return Err(Error::new(Errno::EPERM, "the port cannot be written to"));
        }
        if port.flags.contains(PortFlags::TIMESTAMP) {
            let (queue, real) = (port.time_queue, port.flags.contains(PortFlags::TIME_REAL));
            self.stamp(&mut message.event, queue, real);
        }
        match kind {
            Kind::User | Kind::Kernel => {
                let client = self.own(dest.client)?;
                if let Some(fifo) = &mut client.fifo {
                    fifo.push(message)?;
                    self.mark_ready(dest.client);
                }
                Ok(())
            }
            Kind::System => self.control_queue(&message.event, hops),
            Kind::Dummy => self.pass_through(message, hops),
        }
    }

    /// Midi Through: on to the subscribers of the port that the event reached.
    fn pass_through(&mut self, message: &Message, hops: u32) -> Result<(), Error> {
        if message.event.source.client == CLIENT_SYSTEM {
            return Ok(());
        }
        let mut forward = message.clone();
        forward.event.source = message.event.dest;
        forward.event.dest.client = ADDRESS_SUBSCRIBERS;
        self.dispatch_from_kernel(&mut forward, hops)
    }

    /// A built-in client sends an event, now.
    pub(crate) fn dispatch_from_kernel(
        &mut self,
        message: &mut Message,
        hops: u32,
    ) -> Result<(), Error> {
        message.event.queue = QUEUE_DIRECT;
        self.deliver(Some(message.event.source.client), message, hops)
    }

    /// Writes the time of a queue into an event; nothing if there is no such queue. The tick alone
    /// is written of a tick time. What a queued event is stamped with is the instant at which it is
    /// due: as on Linux, where a queue that is late has not moved on either.
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

    /// Returns a failed event to its sender, if that wants it.
    fn bounce(&mut self, origin: Option<u8>, failed: &Event, hops: u32) -> Result<(), Error> {
        let Some(client) = origin.and_then(|number| self.client(number)) else { return Ok(()) };
        if !client.filter.contains(ClientFilter::BOUNCE) || !client.accepts_input() {
            return Ok(());
        }
        let number = client.number;
        let mut event = Event::direct(EventType::BOUNCE);
        event.flags = EventFlags::VARIABLE;
        event.source = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE);
        event.dest = Address::new(number, failed.source.port);
        let record = failed.as_bytes();
        event.data = EventData::from_ext_len(u32::try_from(record.len()).unwrap_or(0));
        let mut message = Message { event, data: Some(Arc::from(record)) };
        let result = self.deliver_one(None, &mut message, hops + 1);
        if result.is_err()
            && let Some(client) = self.client_mut(number)
        {
            client.event_lost = client.event_lost.wrapping_add(1);
        }
        result
    }
}
