//! Events waiting in a queue, in the order in which they are due.
//!
//! A heap of keys, each of which names a slot of a slab where the event stands. What is removed
//! leaves its key behind as a tombstone, and every client has a list of the events that are from it
//! and for it, so that removing costs what is removed, not what waits.

use super::client::MAX_CLIENTS;
use super::heap::Heap;
use abi::Event;
use abi::event::{EventFlags, EventTime};
use alloc::vec::Vec;

/// An event waiting in a queue, with the cells of its sender's pool that it holds.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) event: Event,
    /// Data of a variable event.
    pub(crate) data: Vec<u8>,
    /// Client whose output pool the cells are of.
    pub(crate) owner: u8,
    pub(crate) cells: u16,
}

/// What is left of a removed event: whose pool its cells go back to, and how many they are.
pub(crate) type Removed = (u8, u16);

/// Bits of an identity that name a slot; all pools together have 2^19 cells.
const SLOT_BITS: u32 = 24;
/// The rank of the first event: half of what is left of the 64 bits.
const MIDDLE_RANK: u64 = 1 << (63 - SLOT_BITS);
/// Waiting events that are too few to tidy up for.
const FEW: usize = 64;

/// One waiting event among all that the queue ever had: its rank among those of the same time, and
/// its slot.
type Id = u64;

/// Events ordered by time; at the same time by arrival, but a high-priority event goes before all
/// that are there, earlier high-priority ones included.
#[derive(Debug, Default)]
pub(crate) struct PrioQueue {
    /// Time, then identity.
    heap: Heap,
    slots: Vec<Slot>,
    free: Vec<u32>,
    live: usize,
    /// Since the queue was last empty.
    arrivals: u64,
    sent_by: Index,
    sent_to: Index,
}

#[derive(Debug)]
struct Slot {
    id: Id,
    /// None: the event is gone. Its key may still be in the heap.
    cell: Option<Cell>,
}

impl PrioQueue {
    /// Seconds compare before nanoseconds, which may be 10^9 or more: they are not carried.
    pub(crate) const fn real_key(time: EventTime) -> u64 {
        ((time.tick_or_sec as u64) << 32) | time.nsec as u64
    }

    pub(crate) fn insert(&mut self, cell: Cell) {
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
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { id: 0, cell: None });
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let id = rank << SLOT_BITS | u64::from(slot);
        self.slots[slot as usize] = Slot { id, cell: Some(cell) };
        self.heap.push(u128::from(time) << 64 | u128::from(id));
        self.live += 1;
        self.sent_by.add(from, id, &self.slots);
        self.sent_to.add(to, id, &self.slots);
    }

    /// The time of the earliest event.
    pub(crate) fn first_key(&self) -> Option<u64> {
        self.heap.first().map(|key| (key >> 64) as u64)
    }

    /// Takes the earliest event if its key is not after `now`.
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<Cell> {
        if self.first_key()? > now {
            return None;
        }
        self.pop()
    }

    fn pop(&mut self) -> Option<Cell> {
        let slot = slot_of(self.heap.pop()?);
        let cell = self.slots[slot as usize].cell.take()?;
        self.free.push(slot);
        self.sent_by.left(cell.event.source.client);
        self.sent_to.left(cell.event.dest.client);
        self.live -= 1;
        self.tidy();
        Some(cell)
    }

    pub(crate) const fn len(&self) -> usize {
        self.live
    }

    /// Takes out every event for which `wanted` says so.
    pub(crate) fn remove_if(
        &mut self,
        removed: &mut Vec<Removed>,
        mut wanted: impl FnMut(&Event) -> bool,
    ) {
        for slot in 0..self.slots.len() {
            self.remove_slot(slot, removed, &mut wanted);
        }
        self.tidy();
    }

    /// Takes out those events from a client for which `wanted` says so.
    pub(crate) fn remove_sent_by(
        &mut self,
        client: u8,
        removed: &mut Vec<Removed>,
        mut wanted: impl FnMut(&Event) -> bool,
    ) {
        let mut ids = self.sent_by.take(client);
        ids.retain(|id| self.remove_id(*id, removed, &mut wanted));
        self.sent_by.put_back(client, ids);
        self.tidy();
    }

    /// Takes out all events for a client.
    pub(crate) fn remove_sent_to(&mut self, client: u8, removed: &mut Vec<Removed>) {
        let mut ids = self.sent_to.take(client);
        ids.retain(|id| self.remove_id(*id, removed, &mut |_| true));
        self.sent_to.put_back(client, ids);
        self.tidy();
    }

    /// Takes out an event if it is still there and wanted. True if it is there afterwards.
    fn remove_id(
        &mut self,
        id: Id,
        removed: &mut Vec<Removed>,
        wanted: &mut impl FnMut(&Event) -> bool,
    ) -> bool {
        let slot = slot_of(id.into()) as usize;
        is_live(&self.slots, id) && !self.remove_slot(slot, removed, wanted)
    }

    /// Takes out the event in a slot if there is one and it is wanted.
    fn remove_slot(
        &mut self,
        slot: usize,
        removed: &mut Vec<Removed>,
        wanted: &mut impl FnMut(&Event) -> bool,
    ) -> bool {
        let Some(cell) = self.slots[slot].cell.take_if(|cell| wanted(&cell.event)) else {
            return false;
        };
        self.sent_by.left(cell.event.source.client);
        self.sent_to.left(cell.event.dest.client);
        self.live -= 1;
        removed.push((cell.owner, cell.cells));
        true
    }

    /// Lets no tombstone be the first key, nor more of them stand about than events.
    fn tidy(&mut self) {
        if self.live == 0 {
            self.heap.clear();
            self.slots.clear();
            self.free.clear();
            self.arrivals = 0;
            return;
        }
        if self.heap.len() > FEW + 2 * self.live {
            let (slots, free) = (&mut self.slots, &mut self.free);
            self.heap.retain(|key| {
                let slot = slot_of(key);
                let live = slots[slot as usize].cell.is_some();
                if !live {
                    free.push(slot);
                }
                live
            });
        }
        while let Some(key) = self.heap.first() {
            let slot = slot_of(key);
            if self.slots[slot as usize].cell.is_some() {
                break;
            }
            let _tombstone = self.heap.pop();
            self.free.push(slot);
        }
    }

    /// Gives all events new ranks, in their order: after 2^39 arrivals without an empty queue.
    fn renumber(&mut self) {
        let mut cells = Vec::with_capacity(self.live);
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

/// Does the event of this identity still wait?
fn is_live(slots: &[Slot], id: Id) -> bool {
    let slot = slots.get(slot_of(id.into()) as usize);
    slot.is_some_and(|slot| slot.id == id && slot.cell.is_some())
}

/// The events of each client. A list may name events that are gone, but not many.
#[derive(Debug, Default)]
struct Index {
    /// By client number, as far as there was one.
    lists: Vec<List>,
}

#[derive(Clone, Debug, Default)]
struct List {
    ids: Vec<Id>,
    live: usize,
}

impl Index {
    fn add(&mut self, client: u8, id: Id, slots: &[Slot]) {
        if client >= MAX_CLIENTS {
            return;
        }
        if self.lists.len() <= usize::from(client) {
            self.lists.resize(usize::from(client) + 1, List::default());
        }
        let list = &mut self.lists[usize::from(client)];
        if list.ids.len() > FEW + 2 * list.live {
            list.ids.retain(|id| is_live(slots, *id));
        }
        list.ids.push(id);
        list.live += 1;
    }

    /// An event of a client is gone.
    fn left(&mut self, client: u8) {
        let Some(list) = self.lists.get_mut(usize::from(client)) else { return };
        list.live = list.live.saturating_sub(1);
        if list.live == 0 {
            list.ids.clear();
        }
    }

    /// The events of a client, to be looked through.
    fn take(&mut self, client: u8) -> Vec<Id> {
        let list = self.lists.get_mut(usize::from(client));
        list.map(|list| core::mem::take(&mut list.ids)).unwrap_or_default()
    }

    fn put_back(&mut self, client: u8, ids: Vec<Id>) {
        if let Some(list) = self.lists.get_mut(usize::from(client)) {
            list.ids = ids;
        }
    }
}

#[cfg(test)]
mod tests;
