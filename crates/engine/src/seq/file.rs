//! One open file of `/dev/snd/seq`: bytes into events, events into bytes, readiness.

use super::Seq;
use super::fifo::Message;
use super::route::Stop;
use crate::Error;
use crate::contract::{READABLE, Reply, WRITABLE, WRITE_BATCH};
use alloc::vec::Vec;
use aseqd_abi::event::{EVENT_SIZE, EventFlags, EventLength, QUEUE_DIRECT};
use aseqd_abi::{Errno, Event, EventType};
use zerocopy::FromBytes;

/// The bits of a length that count. The kernel uses the two top bits for itself.
const EXT_LEN_MASK: u32 = 0x3fff_ffff;

impl Seq {
    /// Handles a write: takes whole records in order, until one fails or does not fit.
    pub(crate) fn write(&mut self, number: u8, data: &[u8], nonblock: bool) -> Reply {
        let client = match self.own(number) {
            Ok(client) => client,
            Err(error) => return Reply::Failed(error),
        };
        if !client.access.writes() {
            return Reply::Failed(Error::new(Errno::ENXIO, "the file is not open for writing"));
        }
        client.pool.allocate();
        if client.uses_ump() {
            return self.write_ump(number, data, nonblock);
        }
        let narrow = client.convert32;
        let special = self.special_flags();
        let mut done = 0;
        let mut records = 0;
        // An error after the first record appears at the next write, which begins with that record.
        let stopped = |done: usize, error: Error| {
            if done == 0 { Reply::Failed(error) } else { Reply::Done(done) }
        };
        let mut left = data;
        while let Some((event, rest)) = split_record(left) {
            if records == WRITE_BATCH {
                return Reply::More(done);
            }
            records += 1;
            let message = match parse(number, narrow, special, event, rest) {
                Ok(Some(message)) => message,
                Ok(None) => {
                    done += EVENT_SIZE;
                    left = rest;
                    continue;
                }
                Err(error) => return stopped(done, error),
            };
            match self.submit(number, message, nonblock) {
                Ok(()) => {
                    done += EVENT_SIZE + message.data.len();
                    left = &rest[message.data.len()..];
                }
                Err(Stop::Sleep) => return Reply::Wait(done),
                Err(Stop::Error(error)) => return stopped(done, error),
            }
        }
        if done == 0 {
            return Reply::Failed(Error::new(Errno::EINVAL, "less than one event record"));
        }
        Reply::Done(done)
    }

    /// Returns the flags that a plain legacy event does not have. Without UMP its flag means nothing.
    pub(super) const fn special_flags(&self) -> u8 {
        if self.ump { EventLength::MASK | EventFlags::UMP.bits() } else { EventLength::MASK }
    }

    /// Handles a read: returns as many whole events as fit.
    pub(crate) fn read(
        &mut self,
        number: u8,
        len: usize,
        nonblock: bool,
        out: &mut Vec<u8>,
    ) -> Reply {
        let client = match self.own(number) {
            Ok(client) => client,
            Err(error) => return Reply::Failed(error),
        };
        let ump = client.uses_ump();
        let Some(fifo) = &mut client.fifo else {
            return Reply::Failed(Error::new(Errno::ENXIO, "the file is not open for reading"));
        };
        match fifo.read(len, ump, out) {
            Ok(Some(bytes)) => Reply::Done(bytes),
            Ok(None) if nonblock => Reply::Failed(Error::new(Errno::EAGAIN, "nothing to read")),
            Ok(None) => Reply::Wait(0),
            Err(error) => Reply::Failed(error),
        }
    }

    /// Returns the poll bits.
    pub(crate) fn poll(&self, number: u8) -> usize {
        let Some(client) = self.client(number) else { return 0 };
        let readable = client.fifo.as_ref().is_some_and(|fifo| !fifo.is_empty());
        let writable = client.access.writes() && client.pool.has_room();
        (if readable { READABLE } else { 0 }) | (if writable { WRITABLE } else { 0 })
    }
}

/// Splits the first record off a buffer.
pub(super) fn split_record(data: &[u8]) -> Option<(Event, &[u8])> {
    let (record, rest) = data.split_at_checked(EVENT_SIZE)?;
    Event::read_from_bytes(record).ok().map(|event| (event, rest))
}

/// Checks a legacy record that a program has written; `narrow` says that it is a 32-bit one. Events
/// with any of the flags `special` need a closer look. Returns `None` for a record that has no effect.
pub(super) fn parse(
    client: u8,
    narrow: bool,
    special: u8,
    mut event: Event,
    rest: &[u8],
) -> Result<Option<Message<'_>>, Error> {
    event.source.client = client;
    if event.flags.bits() & special == 0 && event.event_type.is_plain() {
        return Ok(Some(Message::fixed(event)));
    }
    if event.flags.bits() & special & EventFlags::UMP.bits() != 0 {
        return Err(Error::new(Errno::EINVAL, "a packet of a client that uses legacy events"));
    }
    let len = event.data.ext_len() & EXT_LEN_MASK;
    match event.flags.length() {
        EventLength::FIXED if event.event_type.is_variable() => {
            return Err(Error::new(Errno::EINVAL, "a variable type with a fixed length"));
        }
        EventLength::VARIABLE if !event.event_type.is_variable() => {
            return Err(Error::new(Errno::EINVAL, "a fixed type with a variable length"));
        }
        EventLength::VARIABLE if len >= EXT_LEN_MASK => {
            return Err(Error::new(Errno::EINVAL, "the length is out of range"));
        }
        EventLength::VARUSR if event.queue != QUEUE_DIRECT => {
            return Err(Error::new(Errno::EINVAL, "a pointer to user memory cannot be queued"));
        }
        _ => {}
    }
    if event.event_type == EventType::NONE {
        return Ok(None);
    }
    if event.event_type.is_reserved() {
        return Err(Error::new(Errno::EINVAL, "the event type is reserved"));
    }
    if !event.is_variable() {
        if narrow && event.flags.length() == EventLength::VARUSR {
            // A 32-bit pointer is the lower half of the field.
            event.data.0[8..].fill(0);
        }
        return Ok(Some(Message::fixed(event)));
    }
    let data = rest
        .get(..len as usize)
        .ok_or(Error::new(Errno::EINVAL, "the data of the event is incomplete"))?;
    // A reader gets the length without its top bits, and no pointer.
    event.data = aseqd_abi::event::EventData::from_ext_len(len);
    Ok(Some(Message { event, data }))
}
