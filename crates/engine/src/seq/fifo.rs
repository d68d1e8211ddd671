//! The events that a client has not read yet.

mod wide;

use super::pool::{NoCells, Pool, cells_of};
use super::undelivered::Undelivered;
use crate::Error;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use aseqd_abi::event::{EVENT_SIZE, EventLength};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Errno, Event};
use zerocopy::FromBytes;

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
type Record<const SIZE: usize> = [u8; SIZE];

/// A client's input: unread events in order, bounded by a pool. They are stored as they will be
/// read.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Fifo {
    pub(crate) pool: Pool,
    /// Legacy records, one for each cell of the pool.
    records: VecDeque<Record<EVENT_SIZE>>,
    /// The records of UMP, instead of the others, if the client has ever used UMP.
    wide: Option<VecDeque<Record<WIDE_SIZE>>>,
    /// Number of unread events with data.
    variable: usize,
    /// Whether an event had no room since the last read.
    overflow: bool,
}

/// The size of a record of UMP.
const WIDE_SIZE: usize = size_of::<UmpEvent>();

impl Fifo {
    pub(crate) fn new(cells: usize) -> Self {
        let mut pool = Pool::new(cells);
        pool.allocate();
        let records = VecDeque::with_capacity(cells);
        Self { pool, records, wide: None, variable: 0, overflow: false }
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
        push_pieces(&mut self.records, data);
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
        self.wide.as_ref().map_or_else(|| self.records.is_empty(), VecDeque::is_empty)
    }

    /// Drops all unread events and forgets an overflow.
    pub(crate) fn clear(&mut self) {
        self.overflow = false;
        self.pool.give_back(self.pool.used);
        self.records.clear();
        if let Some(wide) = &mut self.wide {
            wide.clear();
        }
        self.variable = 0;
    }

    /// Replaces the pool. Unread events are lost, but an overflow stays to be reported.
    pub(crate) fn resize(&mut self, cells: usize) {
        match &mut self.wide {
            Some(wide) => *wide = VecDeque::with_capacity(cells),
            None => self.records = VecDeque::with_capacity(cells),
        }
        self.variable = 0;
        self.pool = Pool::new(cells);
        self.pool.allocate();
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
        let (pool, variable) = (&mut self.pool, &mut self.variable);
        match &mut self.wide {
            None => read_records(&mut self.records, pool, variable, len, out),
            Some(wide) if ump => read_records(wide, pool, variable, len, out),
            Some(_) => self.read_narrow(len, out),
        }
    }
}

const BUFFER_TOO_SMALL: Error = Error::new(Errno::EAGAIN, "the buffer is too small for the event");

/// Adds the data of an event.
fn push_pieces<const SIZE: usize>(records: &mut VecDeque<Record<SIZE>>, data: &[u8]) {
    for piece in data.chunks(SIZE) {
        let mut record = [0; SIZE];
        record[..piece.len()].copy_from_slice(piece);
        records.push_back(record);
    }
}

/// Moves whole events of at most `len` bytes to `out`, as [`Fifo::read`] does.
fn read_records<const SIZE: usize>(
    records: &mut VecDeque<Record<SIZE>>,
    pool: &mut Pool,
    variable: &mut usize,
    len: usize,
    out: &mut Vec<u8>,
) -> Result<Option<usize>, Error> {
    let room = len / SIZE;
    if room == 0 {
        return Ok(Some(0));
    }
    let (whole, cells) = take_whole_events(records, variable, room);
    if whole == 0 {
        return if records.is_empty() { Ok(None) } else { Err(BUFFER_TOO_SMALL) };
    }
    let (front, back) = records.as_slices();
    let in_front = whole.min(front.len());
    out.extend_from_slice(front[..in_front].as_flattened());
    out.extend_from_slice(back[..whole - in_front].as_flattened());
    records.drain(..whole);
    pool.give_back(cells);
    Ok(Some(out.len()))
}

/// Takes as many whole events as fit into this many records. Returns their numbers of records and of
/// cells.
fn take_whole_events<const SIZE: usize>(
    records: &VecDeque<Record<SIZE>>,
    variable: &mut usize,
    room: usize,
) -> (usize, usize) {
    let (mut whole, mut cells) = (0, 0);
    while *variable > 0
        && let Some(record) = records.get(whole)
    {
        let data = data_len(record);
        let with_data = 1 + data.div_ceil(SIZE);
        if whole + with_data > room {
            return (whole, cells);
        }
        whole += with_data;
        cells += cells_of(data);
        *variable -= usize::from(data > 0);
    }
    // The other events have no data.
    let others = room.min(records.len()).max(whole) - whole;
    (whole + others, cells + others)
}

/// Returns the number of bytes of data that follow a record.
fn data_len(record: &[u8]) -> usize {
    let Ok((event, _)) = Event::read_from_prefix(record) else { return 0 };
    if event.flags.length() == EventLength::VARIABLE { event.data.ext_len() as usize } else { 0 }
}
