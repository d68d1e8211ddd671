//! The input of a client that uses UMP, or has used it: packets among events, read in records of 32
//! bytes, or of 28 by a client that has gone back to legacy events.

use super::{BUFFER_TOO_SMALL, Fifo, Message};
use crate::Error;
use crate::seq::undelivered::Undelivered;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use aseqd_abi::Event;
use aseqd_abi::event::{EVENT_SIZE, EventFlags};
use aseqd_abi::ump::UmpEvent;
use zerocopy::{FromBytes, IntoBytes};

impl Fifo {
    /// Prepares for packets.
    pub(crate) fn widen(&mut self) {
        if self.words.is_none() {
            let mut words = VecDeque::with_capacity(self.pool.size);
            words.resize(self.records.len(), 0);
            self.words = Some(words);
        }
    }

    /// Adds an event of any form. A packet to an input that has never been prepared for packets is
    /// dropped: its reader could not read it.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(crate) fn push_any(&mut self, message: &Message<'_>) -> Result<(), Undelivered> {
        let is_packet = message.event.flags.contains(EventFlags::UMP);
        let Some(words) = &mut self.words else {
            return if is_packet { Ok(()) } else { self.push(message) };
        };
        if is_packet {
            let word = u32::read_from_bytes(message.data).unwrap_or(0);
            if let Err(no_cells) = self.pool.take(0, false) {
                return Err(self.overflow(no_cells));
            }
            self.records.push_back(zerocopy::transmute!(message.event));
            words.push_back(word);
            return Ok(());
        }
        let pushed = self.push(message);
        if let Some(words) = &mut self.words {
            words.resize(self.records.len(), 0);
        }
        pushed
    }

    /// Moves whole events of at most `len` bytes to `out`. A reader of legacy events loses the
    /// packets that it meets.
    pub(super) fn read_wide(
        &mut self,
        len: usize,
        ump: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<usize>, Error> {
        let width = if ump { size_of::<UmpEvent>() } else { EVENT_SIZE };
        if len < width {
            return Ok(Some(0));
        }
        while len - out.len() >= width
            && let Some(event) = self.front()
        {
            let is_packet = event.flags.contains(EventFlags::UMP);
            if is_packet && !ump {
                let _dropped = self.take_front();
                continue;
            }
            let has_data = !is_packet && event.is_variable();
            let data = if has_data { event.data.ext_len() as usize } else { 0 };
            let end = out.len() + width + data.next_multiple_of(width);
            if end > len {
                if out.is_empty() {
                    return Err(BUFFER_TOO_SMALL);
                }
                break;
            }
            self.take_event(data, ump, out);
            out.resize(end, 0);
        }
        Ok(if out.is_empty() { None } else { Some(out.len()) })
    }

    fn front(&self) -> Option<Event> {
        self.records.front().and_then(|record| Event::read_from_bytes(record).ok())
    }

    /// Takes the first record and its word.
    fn take_front(&mut self) -> Option<([u8; EVENT_SIZE], u32)> {
        let record = self.records.pop_front()?;
        self.pool.give_back(1);
        let word = self.words.as_mut().and_then(VecDeque::pop_front);
        Some((record, word.unwrap_or(0)))
    }

    /// Moves the first event and its data, of which there are `data` bytes, to `out`, without the
    /// padding behind the data.
    fn take_event(&mut self, data: usize, ump: bool, out: &mut Vec<u8>) {
        let Some((record, word)) = self.take_front() else { return };
        out.extend_from_slice(&record);
        if ump {
            out.extend_from_slice(word.as_bytes());
        }
        if data > 0 {
            self.variable -= 1;
            let end = out.len() + data;
            while out.len() < end
                && let Some((piece, _)) = self.take_front()
            {
                out.extend_from_slice(&piece[..piece.len().min(end - out.len())]);
            }
        }
    }
}
