//! The events that a client has not read yet.

use super::pool::{NoCells, Pool};
use crate::Error;
use abi::{Errno, Event};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use zerocopy::IntoBytes;

/// An event on its way: the record, and the data of a variable event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The record.
    pub event: Event,
    /// Data that follows the record.
    pub data: Option<Arc<[u8]>>,
}

impl Message {
    /// An event without data.
    #[must_use]
    pub const fn fixed(event: Event) -> Self {
        Self { event, data: None }
    }

    pub(crate) fn data_len(&self) -> usize {
        self.data.as_ref().map_or(0, |data| data.len())
    }
}

/// A client's input: unread events in order, within a pool.
#[derive(Debug)]
pub(crate) struct Fifo {
    pub(crate) pool: Pool,
    messages: VecDeque<(Message, usize)>,
    /// An event found no place since the last read.
    overflow: bool,
}

impl Fifo {
    pub(crate) fn new(cells: usize) -> Self {
        let mut pool = Pool::new(cells);
        pool.allocate();
        Self { pool, messages: VecDeque::new(), overflow: false }
    }

    /// Adds an event. A failure is remembered: the next read tells it.
    pub(crate) fn push(&mut self, message: &Message) -> Result<(), Error> {
        match self.pool.take(message.data_len(), false) {
            Ok(cells) => {
                self.messages.push_back((message.clone(), cells));
                Ok(())
            }
            Err(no_cells) => {
                self.overflow = true;
                Err(match no_cells {
                    NoCells::Now => Error::new(Errno::EAGAIN, "the receiver's input is full"),
                    NoCells::Ever => {
                        Error::new(Errno::ENOMEM, "the event is larger than the receiver's input")
                    }
                })
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Drops all unread events and a pending overflow.
    pub(crate) fn clear(&mut self) {
        self.overflow = false;
        self.drop_messages();
    }

    /// A new pool; unread events are lost, a pending overflow stays.
    pub(crate) fn resize(&mut self, cells: usize) {
        self.messages.clear();
        self.pool = Pool::new(cells);
        self.pool.allocate();
    }

    /// Reads whole events into `out`, at most `len` bytes. `Ok(None)` when there is nothing.
    pub(crate) fn read(&mut self, len: usize, out: &mut Vec<u8>) -> Result<Option<usize>, Error> {
        if self.overflow {
            self.clear();
            return Err(Error::new(Errno::ENOSPC, "events were lost; unread ones are dropped"));
        }
        if len < size_of::<Event>() {
            return Ok(Some(0));
        }
        while len - out.len() >= size_of::<Event>() {
            let Some((message, _)) = self.messages.front() else { break };
            let padded = message.data_len().next_multiple_of(size_of::<Event>());
            if out.len() + size_of::<Event>() + padded > len {
                if out.is_empty() {
                    return Err(Error::new(Errno::EAGAIN, "the buffer is too small for the event"));
                }
                break;
            }
            out.extend_from_slice(message.event.as_bytes());
            if let Some(data) = &message.data {
                let end = out.len() + padded;
                out.extend_from_slice(data);
                out.resize(end, 0);
            }
            self.pop();
        }
        Ok((!out.is_empty()).then_some(out.len()))
    }

    fn pop(&mut self) {
        if let Some((_, cells)) = self.messages.pop_front() {
            self.pool.give_back(cells);
        }
    }

    fn drop_messages(&mut self) {
        while !self.messages.is_empty() {
            self.pop();
        }
    }
}
