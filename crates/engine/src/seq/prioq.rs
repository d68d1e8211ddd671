//! Events waiting in a queue, in the order in which they are due.

use super::fifo::Message;
use abi::event::{EventFlags, EventTime};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// An event waiting in a queue, with the cells of its sender's pool that it holds.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) message: Message,
    /// Client whose output pool the cells are of.
    pub(crate) owner: u8,
    pub(crate) cells: usize,
}

/// Events ordered by time; at the same time by arrival, but a high-priority event goes before all
/// that are there, earlier high-priority ones included.
#[derive(Debug, Default)]
pub(crate) struct PrioQueue {
    /// Key: time, then rank among equals.
    cells: BTreeMap<(u64, i64), Cell>,
    arrivals: i64,
}

impl PrioQueue {
    /// Seconds compare before nanoseconds, which may be 10^9 or more: they are not carried.
    pub(crate) const fn real_key(time: EventTime) -> u64 {
        ((time.tick_or_sec as u64) << 32) | time.nsec as u64
    }

    pub(crate) fn insert(&mut self, cell: Cell) {
        let event = &cell.message.event;
        let time = if event.flags.contains(EventFlags::REAL_TIME) {
            Self::real_key(event.time)
        } else {
            u64::from(event.time.tick_or_sec)
        };
        self.arrivals += 1;
        let high = event.flags.contains(EventFlags::PRIORITY);
        let rank = if high { -self.arrivals } else { self.arrivals };
        self.cells.insert((time, rank), cell);
    }

    /// The key of the earliest event.
    pub(crate) fn first_key(&self) -> Option<u64> {
        self.cells.first_key_value().map(|((time, _), _)| *time)
    }

    /// Takes the earliest event if its key is not after `now`.
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<Cell> {
        let entry = self.cells.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Takes out every event for which `wanted` says so.
    pub(crate) fn remove_if(&mut self, mut wanted: impl FnMut(&Cell) -> bool) -> Vec<Cell> {
        self.cells.extract_if(.., |_, cell| wanted(cell)).map(|(_, cell)| cell).collect()
    }
}
