//! Events that wait in a queue, in the order in which they are due.
//!
//! A heap of keys, each of which names a slot of a slab that holds the event. Removing an event
//! leaves its key behind as a tombstone. Arrays with one byte for each slot repeat each event's
//! source and destination client, so that finding a client's events does not touch the others.

use super::heap::Heap;
use crate::limits::MAX_CLIENTS;
use alloc::boxed::Box;
use alloc::vec::Vec;
use aseqd_abi::Event;
use aseqd_abi::event::{EventFlags, EventTime};

/// An event that waits in a queue, and the cells of its sender's pool that it holds.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cell {
    /// The record, with an absolute time.
    #[cfg_attr(feature = "serde", serde(with = "crate::state::plain"))]
    pub event: Event,
    /// The data of a variable event, or the last word of a packet. Every event of a UMP client has a
    /// buffer, even if it is empty.
    pub data: Option<Box<Data>>,
    /// The client from whose output pool the cells are.
    pub owner: u8,
    /// The number of cells.
    pub cells: u16,
}

/// The data that belongs to an event, in a buffer that is used again.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Data(pub Vec<u8>);

impl Cell {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.data.as_ref().map_or(&[], |data| &data.0)
    }
}

/// How many cells of removed events go back to the pool of each owner.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Removed {
    #[cfg_attr(feature = "serde", serde(with = "crate::state::plain"))]
    cells: [u32; MAX_CLIENTS as usize],
    /// Number of events that had a buffer.
    pub(crate) buffers: usize,
}

impl Default for Removed {
    fn default() -> Self {
        Self { cells: [0; MAX_CLIENTS as usize], buffers: 0 }
    }
}

impl Removed {
    fn add(&mut self, owner: u8, cells: u16, has_buffer: bool) {
        self.buffers += usize::from(has_buffer);
        if let Some(count) = self.cells.get_mut(usize::from(owner)) {
            *count += u32::from(cells);
        }
    }

    /// Returns the owners, ascending, and how many cells each gets back.
    pub fn owners(&self) -> impl Iterator<Item = (u8, usize)> {
        let owners = (0..MAX_CLIENTS).zip(&self.cells).filter(|(_, cells)| **cells > 0);
        owners.map(|(owner, cells)| (owner, *cells as usize))
    }
}

/// Number of bits of a key that name a slot. All pools together have fewer than 2^19 cells.
const SLOT_BITS: u32 = 24;
/// The rank of the first event: half of what is left of the lower 64 bits.
const MIDDLE_RANK: u64 = 1 << (63 - SLOT_BITS);
/// The queue is tidied up when it has this many tombstones more than events: for fewer it is not
/// worth it.
const SPARED_TOMBSTONES: usize = 64;
/// The number in the arrays for a free slot. No client has it.
const NOBODY: u8 = u8::MAX;

/// Events ordered by time. Of events with the same time, earlier arrivals come first, but a
/// high-priority event goes before all that are there, earlier high-priority ones included.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PrioQueue {
    /// Keys: the time (64 bits), the rank among events of the same time (40), the slot (24).
    heap: Heap,
    /// The events; `None` if the event is gone. Its key may still be in the heap.
    slots: Vec<Option<Cell>>,
    /// The source client of each slot's event.
    from: Vec<u8>,
    to: Vec<u8>,
    /// Slots that no key names.
    free: Vec<u32>,
    /// Number of keys whose event is gone.
    tombstones: usize,
    /// Number of arrivals since the queue was last empty.
    arrivals: u64,
}

impl PrioQueue {
    /// Returns the key of a real time. Seconds compare before nanoseconds. These are not carried,
    /// and may be 10^9 or more.
    #[must_use]
    pub const fn real_key(time: EventTime) -> u64 {
        ((time.tick_or_sec as u64) << 32) | time.nsec as u64
    }

    /// Adds an event.
    pub fn insert(&mut self, cell: Cell) {
        if self.arrivals + 1 >= MIDDLE_RANK {
            self.renumber();
        }
        let high = cell.event.flags.contains(EventFlags::PRIORITY);
        self.insert_ranked(cell, high);
    }

    fn insert_ranked(&mut self, cell: Cell, high: bool) {
        let event = &cell.event;
        let time = if event.flags.contains(EventFlags::REAL_TIME) {
            Self::real_key(event.time)
        } else {
            u64::from(event.time.tick_or_sec)
        };
        let (from, to) = (event.source.client, event.dest.client);
        self.arrivals += 1;
        let rank = if high { MIDDLE_RANK - self.arrivals } else { MIDDLE_RANK + self.arrivals };
        let slot = if let Some(slot) = self.free.pop() {
            let at = slot as usize;
            (self.slots[at], self.from[at], self.to[at]) = (Some(cell), from, to);
            slot
        } else {
            self.slots.push(Some(cell));
            self.from.push(from);
            self.to.push(to);
            // Removing an event then needs no memory.
            self.free.reserve(self.slots.len());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        };
        let low = rank << SLOT_BITS | u64::from(slot);
        self.heap.push(u128::from(time) << 64 | u128::from(low));
    }

    /// Returns the key of the earliest event.
    #[must_use]
    pub fn first_key(&self) -> Option<u64> {
        self.heap.first().map(|key| (key >> 64) as u64)
    }

    /// Removes and returns the earliest event if its key is not after `now`.
    pub fn pop_due(&mut self, now: u64) -> Option<Cell> {
        if self.first_key()? > now {
            return None;
        }
        self.pop()
    }

    fn pop(&mut self) -> Option<Cell> {
        let slot = slot_of(self.heap.pop()?);
        let cell = self.slots[slot as usize].take();
        self.from[slot as usize] = NOBODY;
        self.to[slot as usize] = NOBODY;
        self.free.push(slot);
        if self.heap.len() == self.tombstones {
            self.clear();
        } else if self.tombstones > 0 {
            self.bury();
        }
        cell
    }

    /// Returns the number of events that wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.heap.len() - self.tombstones
    }

    /// Returns whether no event waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes every event for which `wanted` returns true.
    pub fn remove_if(&mut self, removed: &mut Removed, mut wanted: impl FnMut(&Event) -> bool) {
        for slot in 0..self.slots.len() {
            self.remove_slot(slot, removed, &mut wanted);
        }
        self.tidy();
    }

    /// Removes those events from a client for which `wanted` returns true.
    pub fn remove_sent_by(
        &mut self,
        client: u8,
        removed: &mut Removed,
        mut wanted: impl FnMut(&Event) -> bool,
    ) {
        let mut at = 0;
        while let Some(found) = memchr::memchr(client, &self.from[at..]) {
            self.remove_slot(at + found, removed, &mut wanted);
            at += found + 1;
        }
        self.tidy();
    }

    /// Removes all events for a client.
    pub fn remove_sent_to(&mut self, client: u8, removed: &mut Removed) {
        let mut at = 0;
        while let Some(found) = memchr::memchr(client, &self.to[at..]) {
            self.remove_slot(at + found, removed, &mut |_| true);
            at += found + 1;
        }
        self.tidy();
    }

    /// Gives a client's events buffers, which mark them as special. Returns how many had none.
    pub(crate) fn mark_sent_by(&mut self, client: u8) -> usize {
        let mut marked = 0;
        for slot in memchr::memchr_iter(client, &self.from) {
            if let Some(cell) = self.slots[slot].as_mut().filter(|cell| cell.data.is_none()) {
                cell.data = Some(Box::default());
                marked += 1;
            }
        }
        marked
    }

    /// Removes the event in a slot, if there is one and it is wanted.
    fn remove_slot(
        &mut self,
        slot: usize,
        removed: &mut Removed,
        wanted: &mut impl FnMut(&Event) -> bool,
    ) {
        if let Some(cell) = self.slots[slot].take_if(|cell| wanted(&cell.event)) {
            self.from[slot] = NOBODY;
            self.to[slot] = NOBODY;
            self.tombstones += 1;
            removed.add(cell.owner, cell.cells, cell.data.is_some());
        }
    }

    /// Removes tombstones at the front, and all of them once there are many more than events.
    fn tidy(&mut self) {
        if self.is_empty() {
            self.clear();
            return;
        }
        if self.tombstones > SPARED_TOMBSTONES + self.len() {
            let (slots, free) = (&self.slots, &mut self.free);
            self.heap.retain(|key| {
                let slot = slot_of(key);
                let live = slots[slot as usize].is_some();
                if !live {
                    free.push(slot);
                }
                live
            });
            self.tombstones = 0;
        }
        self.bury();
    }

    /// Removes the tombstones at the front.
    #[cold]
    fn bury(&mut self) {
        while let Some(key) = self.heap.first() {
            let slot = slot_of(key);
            if self.slots[slot as usize].is_some() {
                break;
            }
            let _tombstone = self.heap.pop();
            self.tombstones -= 1;
            self.free.push(slot);
        }
    }

    /// Starts anew: no event waits.
    #[cold]
    fn clear(&mut self) {
        self.heap.clear();
        self.slots.clear();
        self.from.clear();
        self.to.clear();
        self.free.clear();
        self.tombstones = 0;
        self.arrivals = 0;
    }

    /// Gives all events new ranks in their order. Needed after 2^39 arrivals without an empty
    /// queue.
    #[cold]
    fn renumber(&mut self) {
        let mut cells = Vec::with_capacity(self.len());
        while let Some(cell) = self.pop() {
            cells.push(cell);
        }
        for cell in cells {
            self.insert_ranked(cell, false);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "masked")]
const fn slot_of(key: u128) -> u32 {
    key as u32 & ((1 << SLOT_BITS) - 1)
}

#[cfg(test)]
mod tests;
