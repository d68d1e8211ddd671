//! The engine's time queue, and bare structures to compare it with.

use aseqd_abi::Event;
use aseqd_abi::event::{EventFlags, EventTime};
use aseqd_engine::prioq::{Cell, PrioQueue, Removed};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A queue of events, ordered by time and then by arrival.
pub(super) trait Structure: Default {
    fn insert(&mut self, time: u64, owner: usize, event: Event);

    /// Takes the earliest event, and returns its time.
    fn pop(&mut self) -> Option<u64>;

    fn remove_owner(&mut self, owner: usize);

    fn len(&self) -> usize;
}

/// The engine's queue. It also orders equal times by priority, knows sender and receiver of each event, and returns
/// the events that it removes.
impl Structure for PrioQueue {
    fn insert(&mut self, time: u64, owner: usize, mut event: Event) {
        let owner = u8::try_from(owner).unwrap_or(0);
        event.source.client = owner;
        event.flags |= EventFlags::REAL_TIME;
        let (upper, lower) = (time >> 32, time & 0xffff_ffff);
        let half = |bits: u64| u32::try_from(bits).unwrap_or(u32::MAX);
        event.time = EventTime::real(half(upper), half(lower));
        self.insert(Cell { event, data: None, owner, cells: 1 });
    }

    fn pop(&mut self) -> Option<u64> {
        let cell = self.pop_due(u64::MAX)?;
        Some(Self::real_key(std::hint::black_box(cell).event.time))
    }

    fn remove_owner(&mut self, owner: usize) {
        let owner = u8::try_from(owner).unwrap_or(0);
        let mut removed = Removed::default();
        self.remove_sent_by(owner, &mut removed, |_| true);
        std::hint::black_box(removed);
    }

    fn len(&self) -> usize {
        self.len()
    }
}

/// Children of a node. Four keys of 16 bytes fill one cache line.
const ARITY: usize = 4;
/// Bits of a key for the slot, enough for 16 million events.
const SLOT_BITS: u32 = 24;

/// A heap of small keys beside a slab of events, in which only keys move. A removed event leaves a tombstone in the
/// slab, which is skipped when its key comes up.
#[derive(Debug, Default)]
pub(super) struct Heap {
    keys: Vec<u128>,
    slab: Vec<Option<(usize, Event)>>,
    free: Vec<usize>,
    arrivals: u64,
    live: usize,
}

impl Heap {
    fn sift_up(&mut self, mut at: usize) {
        let key = self.keys[at];
        while at > 0 {
            let parent = (at - 1) / ARITY;
            if self.keys[parent] <= key {
                break;
            }
            self.keys[at] = self.keys[parent];
            at = parent;
        }
        self.keys[at] = key;
    }

    fn sift_down(&mut self) {
        let Some(&key) = self.keys.first() else { return };
        let mut at = 0;
        loop {
            let first = at * ARITY + 1;
            let children = first..(first + ARITY).min(self.keys.len());
            let Some(least) = children.min_by_key(|child| self.keys[*child]) else { break };
            if self.keys[least] >= key {
                break;
            }
            self.keys[at] = self.keys[least];
            at = least;
        }
        self.keys[at] = key;
    }

    fn pop_key(&mut self) -> Option<u128> {
        let last = self.keys.pop()?;
        match self.keys.first_mut() {
            None => Some(last),
            Some(first) => {
                let key = std::mem::replace(first, last);
                self.sift_down();
                Some(key)
            }
        }
    }
}

impl Structure for Heap {
    fn insert(&mut self, time: u64, owner: usize, event: Event) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slab.push(None);
            self.slab.len() - 1
        });
        self.slab[slot] = Some((owner, event));
        self.arrivals += 1;
        let order = self.arrivals << SLOT_BITS | slot as u64;
        self.keys.push(u128::from(time) << 64 | u128::from(order));
        self.live += 1;
        self.sift_up(self.keys.len() - 1);
    }

    fn pop(&mut self) -> Option<u64> {
        loop {
            let key = self.pop_key()?;
            let slot = usize::try_from(key & ((1 << SLOT_BITS) - 1)).ok()?;
            self.free.push(slot);
            if std::hint::black_box(self.slab[slot].take()).is_some() {
                self.live -= 1;
                return u64::try_from(key >> 64).ok();
            }
        }
    }

    fn remove_owner(&mut self, owner: usize) {
        for slot in &mut self.slab {
            if slot.as_ref().is_some_and(|(whose, _)| *whose == owner) {
                *slot = None;
                self.live -= 1;
            }
        }
    }

    fn len(&self) -> usize {
        self.live
    }
}

/// The standard library's binary heap, with events as its items.
#[derive(Debug, Default)]
pub(super) struct Binary {
    heap: BinaryHeap<Reverse<Entry>>,
    arrivals: u64,
}

#[derive(Debug)]
struct Entry {
    key: (u64, u64),
    owner: usize,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl Structure for Binary {
    fn insert(&mut self, time: u64, owner: usize, event: Event) {
        self.arrivals += 1;
        self.heap.push(Reverse(Entry { key: (time, self.arrivals), owner, event }));
    }

    fn pop(&mut self) -> Option<u64> {
        let Reverse(entry) = self.heap.pop()?;
        std::hint::black_box(entry.event);
        Some(entry.key.0)
    }

    fn remove_owner(&mut self, owner: usize) {
        self.heap.retain(|Reverse(entry)| entry.owner != owner);
    }

    fn len(&self) -> usize {
        self.heap.len()
    }
}

/// A sorted linked list. An insertion searches from the front.
#[derive(Debug, Default)]
pub(super) struct List {
    nodes: Vec<Node>,
    free: Vec<usize>,
    first: Option<usize>,
    last: Option<usize>,
    live: usize,
}

#[derive(Debug)]
struct Node {
    time: u64,
    owner: usize,
    event: Event,
    next: Option<usize>,
}

impl Structure for List {
    fn insert(&mut self, time: u64, owner: usize, event: Event) {
        let node = Node { time, owner, event, next: None };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.nodes[slot] = node;
                slot
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() - 1
            }
        };
        self.live += 1;
        // An event after all others needs no search.
        let before = match self.last {
            Some(last) if self.nodes[last].time <= time => Some(last),
            _ => {
                let (mut before, mut at) = (None, self.first);
                while let Some(index) = at.filter(|index| self.nodes[*index].time <= time) {
                    (before, at) = (Some(index), self.nodes[index].next);
                }
                before
            }
        };
        let next = match before {
            Some(before) => self.nodes[before].next.replace(slot),
            None => self.first.replace(slot),
        };
        self.nodes[slot].next = next;
        if next.is_none() {
            self.last = Some(slot);
        }
    }

    fn pop(&mut self) -> Option<u64> {
        let slot = self.first?;
        self.first = self.nodes[slot].next;
        if self.first.is_none() {
            self.last = None;
        }
        self.free.push(slot);
        self.live -= 1;
        std::hint::black_box(self.nodes[slot].event);
        Some(self.nodes[slot].time)
    }

    fn remove_owner(&mut self, owner: usize) {
        let (mut before, mut at): (Option<usize>, _) = (None, self.first);
        while let Some(slot) = at {
            at = self.nodes[slot].next;
            if self.nodes[slot].owner != owner {
                before = Some(slot);
                continue;
            }
            match before {
                Some(before) => self.nodes[before].next = at,
                None => self.first = at,
            }
            self.free.push(slot);
            self.live -= 1;
        }
        self.last = before;
    }

    fn len(&self) -> usize {
        self.live
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::EventType;
    use proptest::prelude::*;

    /// Removes the events of owner 0, and returns the times of the others in the order of the structure.
    fn order<S: Structure>(entries: &[(u64, usize)]) -> Vec<u64> {
        let mut structure = S::default();
        for (time, owner) in entries {
            structure.insert(*time, *owner, Event::direct(EventType::ECHO));
        }
        assert_eq!(structure.len(), entries.len());
        structure.remove_owner(0);
        let popped: Vec<_> = std::iter::from_fn(|| structure.pop()).collect();
        assert_eq!(structure.len(), 0);
        popped
    }

    proptest! {
        #[test]
        fn all_structures_agree(entries in prop::collection::vec((0..50_u64, 0..3_usize), 0..200)) {
            let kept = entries.iter().filter(|(_, owner)| *owner != 0).map(|(time, _)| *time);
            let mut sorted: Vec<u64> = kept.collect();
            sorted.sort_unstable();
            prop_assert_eq!(&order::<PrioQueue>(&entries), &sorted);
            prop_assert_eq!(&order::<Heap>(&entries), &sorted);
            prop_assert_eq!(&order::<Binary>(&entries), &sorted);
            prop_assert_eq!(&order::<List>(&entries), &sorted);
        }
    }
}
