//! The events that a client has not read yet.

mod wide;

use super::pool::{NoCells, Pool, cells_of};
use super::undelivered::Undelivered;
use crate::Error;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use aseqd_abi::event::{EVENT_SIZE, EventLength};
use aseqd_abi::{Errno, Event};
use zerocopy::{FromBytes, IntoBytes};

/// An event on its way: the record, and the data of a variable event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) event: Event,
    /// The bytes that follow the record of a variable event.
    pub(crate) data: &'a [u8],
}

impl Message<'_> {
    /// Returns a message without data.
    pub(crate) const fn fixed(event: Event) -> Self {
        Self { event, data: &[] }
    }
}

/// A record as a reader gets it: an event, or a piece of the data that follows one, padded with
/// zeros.
type Record = [u8; EVENT_SIZE];

/// A client's input: unread events in order, bounded by a pool. They are stored as they will be
/// read, one record for each cell of the pool.
#[derive(Debug)]
pub(crate) struct Fifo {
    pub(crate) pool: Pool,
    records: VecDeque<Record>,
    /// Number of unread events with data.
    variable: usize,
    /// Whether an event had no room since the last read.
    overflow: bool,
    /// The last words of the packets, one for each record and zero for other records, if the client
    /// has ever used UMP.
    words: Option<VecDeque<u32>>,
}

impl Fifo {
    pub(crate) fn new(cells: usize) -> Self {
        let mut pool = Pool::new(cells);
        pool.allocate();
        Self {
            pool,
            records: VecDeque::with_capacity(cells),
            variable: 0,
            overflow: false,
            words: None,
        }
    }

    /// Adds an event. If there is no room, the next read fails with `ENOSPC`.
    #[inline(always)]
    pub(crate) fn push(&mut self, message: &Message<'_>) -> Result<(), Undelivered> {
        if let Err(no_cells) = self.pool.take(message.data.len(), false) {
            return Err(self.overflow(no_cells));
        }
        self.records.push_back(zerocopy::transmute!(message.event));
        if !message.data.is_empty() {
            self.push_data(message.data);
        }
        Ok(())
    }

    #[inline(never)]
    fn push_data(&mut self, data: &[u8]) {
        self.variable += 1;
        for piece in data.chunks(EVENT_SIZE) {
            let mut record = [0; EVENT_SIZE];
            record[..piece.len()].copy_from_slice(piece);
            self.records.push_back(record);
        }
    }

    #[cold]
    const fn overflow(&mut self, no_cells: NoCells) -> Undelivered {
        self.overflow = true;
        match no_cells {
            NoCells::Now => Undelivered::InputFull,
            NoCells::Ever => Undelivered::LargerThanInput,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Drops all unread events and forgets an overflow.
    pub(crate) fn clear(&mut self) {
        self.overflow = false;
        self.pool.give_back(self.records.len());
        self.records.clear();
        self.variable = 0;
        if let Some(words) = &mut self.words {
            words.clear();
        }
    }

    /// Replaces the pool. Unread events are lost, but an overflow stays to be reported.
    pub(crate) fn resize(&mut self, cells: usize) {
        self.records = VecDeque::with_capacity(cells);
        self.variable = 0;
        self.pool = Pool::new(cells);
        self.pool.allocate();
        if let Some(words) = &mut self.words {
            *words = VecDeque::with_capacity(cells);
        }
    }

    /// Moves whole events of at most `len` bytes to `out`, in the records of UMP or in legacy ones.
    /// Returns `None` if there are none.
    pub(crate) fn read(
        &mut self,
        len: usize,
        ump: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<usize>, Error> {
        if self.overflow {
            self.clear();
            return Err(Error::new(Errno::ENOSPC, "events were lost; unread ones are dropped"));
        }
        if self.words.is_some() {
            return self.read_wide(len, ump, out);
        }
        let room = len / EVENT_SIZE;
        if room == 0 {
            return Ok(Some(0));
        }
        let whole = self.take_whole_events(room);
        if whole == 0 {
            if self.records.is_empty() {
                return Ok(None);
            }
            return Err(BUFFER_TOO_SMALL);
        }
        let (front, back) = self.records.as_slices();
        let in_front = whole.min(front.len());
        out.extend_from_slice(front[..in_front].as_flattened());
        out.extend_from_slice(back[..whole - in_front].as_flattened());
        self.records.drain(..whole);
        self.pool.give_back(whole);
        Ok(Some(out.len()))
    }

    /// Takes as many whole events as fit into this many records. Returns their number of records.
    fn take_whole_events(&mut self, room: usize) -> usize {
        let mut whole = 0;
        while self.variable > 0
            && let Some(record) = self.records.get(whole)
        {
            let records = records_of(record);
            if whole + records > room {
                return whole;
            }
            whole += records;
            self.variable -= usize::from(records > 1);
        }
        // The other events have no data.
        room.min(self.records.len()).max(whole)
    }
}

const BUFFER_TOO_SMALL: Error = Error::new(Errno::EAGAIN, "the buffer is too small for the event");

/// Returns the number of records of the event that begins with this one.
fn records_of(record: &Record) -> usize {
    let Ok(event) = Event::read_from_bytes(record.as_bytes()) else { return 1 };
    if event.flags.length() == EventLength::VARIABLE {
        cells_of(event.data.ext_len() as usize)
    } else {
        1
    }
}
