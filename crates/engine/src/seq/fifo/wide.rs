//! The input of a client that uses UMP, or has used it: packets among events, read in records of 32
//! bytes, or of 28 by a client that has gone back to legacy events.

use super::{BUFFER_TOO_SMALL, Fifo, Message, Record, WIDE_SIZE, data_len, push_pieces};
use crate::Error;
use crate::seq::pool::cells_of;
use crate::seq::undelivered::Undelivered;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use aseqd_abi::event::{EVENT_SIZE, EventFlags};
use zerocopy::IntoBytes;

/// The size of what a packet has behind a legacy record.
const LAST_WORD: usize = WIDE_SIZE - EVENT_SIZE;
/// The position of the flags in a record.
const FLAGS: usize = 1;

impl Fifo {
    /// Prepares for packets: what is unread gets records of UMP.
    pub(crate) fn widen(&mut self) {
        if self.wide.is_some() {
            return;
        }
        let mut wide = VecDeque::with_capacity(self.pool.size);
        while let Some(record) = self.records.pop_front() {
            wide.push_back(widened(&record));
            let data = data_len(&record);
            let pieces = self.records.drain(..data.div_ceil(EVENT_SIZE));
            let mut bytes: Vec<u8> = pieces.flatten().collect();
            bytes.truncate(data);
            push_pieces(&mut wide, &bytes);
        }
        self.records = VecDeque::new();
        self.wide = Some(wide);
    }

    /// Adds a packet. An input that has never been
    /// prepared for packets drops it: its reader could not read it.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    #[inline(always)]
    pub(crate) fn push_packet(&mut self, message: &Message<'_>) -> Result<(), Undelivered> {
        let Some(wide) = &mut self.wide else { return Ok(()) };
        if let Err(no_cells) = self.pool.take(0, false) {
            return Err(self.overflow(no_cells));
        }
        let mut record = [0; WIDE_SIZE];
        record[..EVENT_SIZE].copy_from_slice(message.event.as_bytes());
        if let Some(word) = message.data.first_chunk::<LAST_WORD>() {
            record[EVENT_SIZE..].copy_from_slice(word);
        }
        wide.push_back(record);
        Ok(())
    }

    /// Adds a legacy event.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(crate) fn push_event(&mut self, message: &Message<'_>) -> Result<(), Undelivered> {
        let Some(wide) = &mut self.wide else { return self.push(message) };
        if let Err(no_cells) = self.pool.take(message.data.len(), false) {
            return Err(self.overflow(no_cells));
        }
        wide.push_back(widened(message.event.as_bytes()));
        if !message.data.is_empty() {
            self.variable += 1;
            push_pieces(wide, message.data);
        }
        Ok(())
    }

    /// Moves whole events of at most `len` bytes to `out`, in legacy records. The reader loses the
    /// packets that it meets.
    pub(super) fn read_narrow(
        &mut self,
        len: usize,
        out: &mut Vec<u8>,
    ) -> Result<Option<usize>, Error> {
        let Some(wide) = &mut self.wide else { return Ok(None) };
        if len < EVENT_SIZE {
            return Ok(Some(0));
        }
        while len - out.len() >= EVENT_SIZE
            && let Some(record) = wide.front()
        {
            let is_packet = EventFlags::from_bits_retain(record[FLAGS]).contains(EventFlags::UMP);
            let data = data_len(record);
            let records = 1 + data.div_ceil(WIDE_SIZE);
            if !is_packet {
                let end = out.len() + EVENT_SIZE + data.next_multiple_of(EVENT_SIZE);
                if end > len {
                    if out.is_empty() {
                        return Err(BUFFER_TOO_SMALL);
                    }
                    break;
                }
                out.extend_from_slice(&record[..EVENT_SIZE]);
                out.extend(wide.range(1..records).flatten().take(data));
                out.resize(end, 0);
                self.variable -= usize::from(data > 0);
            }
            wide.drain(..records);
            self.pool.give_back(cells_of(data));
        }
        Ok(if out.is_empty() { None } else { Some(out.len()) })
    }
}

/// Returns a legacy record with zeros behind it.
fn widened(record: &[u8]) -> Record<WIDE_SIZE> {
    let mut wide = [0; WIDE_SIZE];
    wide[..EVENT_SIZE].copy_from_slice(&record[..EVENT_SIZE]);
    wide
}
