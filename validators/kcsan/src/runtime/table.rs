//! The tables of watchpoints: 64 of the process alone, and 64 that processes share.
//!
//! The offset in its page decides which slot a watchpoint has. (The kernel uses the number of the page.) Two processes
//! see a page of a file at different addresses, but an offset in it is the same in both. So an access looks at one
//! slot of each table and need not know what is mapped there.
//!
//! A slot is one word. It is 0 if it is free, then the watcher's `TAKEN`, then the watchpoint, then the finder's
//! `HIT`. The entry of the slot has the rest: the watcher writes its part before the watchpoint appears, and the
//! finder its part between `HIT` and `ready`.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use crate::layout::COUNTS;
use crate::runtime::access::{Access, GRANULE, kind};
use crate::runtime::stack::Frames;

pub(crate) const SLOTS: usize = 64;

const FREE: u64 = 0;
const TAKEN: u64 = 1;
const HIT: u64 = 2;
/// The smallest word that is a watchpoint.
const SMALLEST: u64 = 4096;

const WRITE_BIT: u64 = 1 << 63;
const SIZE_SHIFT: u32 = 59;
const KEY_MASK: u64 = (1 << SIZE_SHIFT) - 1;

/// A slot has 16 bytes, so that the compiler's entries can use bits of the address as the offset in the table.
#[repr(C, align(16))]
struct Slot {
    word: AtomicU64,
}

/// The rest of what is known about the watchpoint in a slot.
#[repr(C)]
pub(crate) struct Entry {
    /// The device of the file, for a shared watchpoint.
    pub(crate) device: AtomicU64,
    pub(crate) inode: AtomicU64,
    /// The time from which on the watcher counts as dead, in ns.
    pub(crate) deadline: AtomicU64,
    /// Whether the finder has written everything below.
    pub(crate) ready: AtomicU32,
    pub(crate) finder: Finder,
}

/// The access that hit a watchpoint.
#[repr(C)]
pub(crate) struct Finder {
    pub(crate) kind: AtomicU32,
    pub(crate) address: AtomicU64,
    pub(crate) size: AtomicU64,
    pub(crate) pid: AtomicU32,
    pub(crate) tid: AtomicU32,
    pub(crate) cpu: AtomicU32,
    pub(crate) frames: Frames,
}

impl Entry {
    const fn new() -> Self {
        Self {
            device: AtomicU64::new(0),
            inode: AtomicU64::new(0),
            deadline: AtomicU64::new(0),
            ready: AtomicU32::new(0),
            finder: Finder {
                kind: AtomicU32::new(0),
                address: AtomicU64::new(0),
                size: AtomicU64::new(0),
                pid: AtomicU32::new(0),
                tid: AtomicU32::new(0),
                cpu: AtomicU32::new(0),
                frames: Frames::new(),
            },
        }
    }
}

/// The numbers that are published, in the order of [`COUNTS`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Watchpoints,
    Hits,
    Reports,
    Full,
    Processes,
}

pub(crate) type Counts = [AtomicU64; COUNTS.len()];

/// A table of watchpoints. The shared one is mapped from a file as it is.
#[repr(C, align(4096))]
pub(crate) struct Table {
    slots: [Slot; SLOTS],
    pub(crate) magic: AtomicU64,
    pub(crate) counts: Counts,
    entries: [Entry; SLOTS],
}

impl Table {
    const fn new() -> Self {
        Self {
            slots: [const { Slot { word: AtomicU64::new(FREE) } }; SLOTS],
            magic: AtomicU64::new(0),
            counts: [const { AtomicU64::new(0) }; COUNTS.len()],
            entries: [const { Entry::new() }; SLOTS],
        }
    }

    pub(crate) fn entry(&self, slot: usize) -> &Entry {
        &self.entries[slot]
    }

    /// Returns the watchpoint in the slot of a granule.
    pub(crate) fn peek(&self, granule: usize) -> Option<Watchpoint> {
        let slot = granule % SLOTS;
        let word = self.slots[slot].word.load(Ordering::Acquire);
        (word >= SMALLEST).then_some(Watchpoint { slot, word })
    }

    /// Returns whether the slot of a granule is free.
    #[inline(always)]
    pub(crate) fn is_free(&self, granule: usize) -> bool {
        self.slots[granule % SLOTS].word.load(Ordering::Acquire) == FREE
    }

    /// Takes the slot of a key, if it is free.
    pub(crate) fn take(&self, key: u64) -> Option<usize> {
        let slot = usize::try_from(key / GRANULE as u64).unwrap_or(0) % SLOTS;
        let word = &self.slots[slot].word;
        word.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).ok()?;
        Some(slot)
    }

    /// Shows a watchpoint in a slot that was taken.
    pub(crate) fn set(&self, slot: usize, key: u64, piece: Access) {
        let write = if piece.is(kind::WRITE) { WRITE_BIT } else { 0 };
        let size = (piece.size as u64 - 1) << SIZE_SHIFT;
        self.slots[slot].word.store(write | size | key, Ordering::SeqCst);
    }

    /// Hides a watchpoint. Returns whether it was hit.
    pub(crate) fn end(&self, slot: usize) -> bool {
        self.slots[slot].word.swap(HIT, Ordering::AcqRel) == HIT
    }

    /// Frees a slot.
    pub(crate) fn free(&self, slot: usize) {
        self.slots[slot].word.store(FREE, Ordering::Release);
    }

    /// Hits a watchpoint. Returns `false` if another thread has hit it, or if it is over.
    pub(crate) fn hit(&self, watchpoint: Watchpoint) -> bool {
        let word = &self.slots[watchpoint.slot].word;
        word.compare_exchange(watchpoint.word, HIT, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Removes the watchpoint of a watcher that died.
    pub(crate) fn clear_dead(&self, watchpoint: Watchpoint) {
        let word = &self.slots[watchpoint.slot].word;
        let _ = word.compare_exchange(watchpoint.word, FREE, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Forgets all watchpoints, in a new process, which has none of the threads that set them.
    pub(crate) fn clear(&self) {
        for slot in &self.slots {
            slot.word.store(FREE, Ordering::Relaxed);
        }
    }
}

/// A watchpoint that was seen in a slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watchpoint {
    pub(crate) slot: usize,
    word: u64,
}

impl Watchpoint {
    /// Returns where it begins: an address, or a place in a file.
    pub(crate) fn key(self) -> u64 {
        self.word & KEY_MASK
    }

    fn size(self) -> u64 {
        (self.word >> SIZE_SHIFT & 0xf) + 1
    }

    /// Returns whether an access there races with the watched one: they overlap, and one of them writes.
    pub(crate) fn races_with(self, key: u64, access: Access) -> bool {
        let overlap = key < self.key() + self.size() && self.key() < key + access.size as u64;
        overlap && (access.is(kind::WRITE) || self.word & WRITE_BIT != 0)
    }
}

/// Number of counts of visits. The entries use the low 16 bits of an address.
pub(crate) const PLACES: usize = 1 << 16;

/// Both tables, and the counts of visits, at the distances that the compiler's entries know.
#[repr(C)]
pub(crate) struct Tables {
    pub(crate) private: Table,
    pub(crate) shared: Table,
    /// How often each place has run. `heat` knows what the numbers mean. They take whole pages.
    pub(crate) visits: [AtomicU8; PLACES],
}

/// Distance from one table to the other, in bytes.
pub(crate) const DISTANCE: usize = size_of::<Table>();

pub(crate) static TABLES: Tables = Tables {
    private: Table::new(),
    shared: Table::new(),
    visits: [const { AtomicU8::new(0) }; PLACES],
};

/// Counts an event of this process, and of all processes that share the table.
pub(crate) fn count(what: Count) {
    for table in [&TABLES.private, &TABLES.shared] {
        table.counts[what as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns how many processes have used the shared table.
pub(crate) fn processes() -> u64 {
    TABLES.shared.counts[Count::Processes as usize].load(Ordering::Relaxed)
}

/// Returns the count of this process.
pub(crate) fn counted(what: Count) -> u64 {
    TABLES.private.counts[what as usize].load(Ordering::Relaxed)
}

const _: () = assert!(std::mem::offset_of!(Tables, visits) == 2 * DISTANCE);
const _: () = assert!(std::mem::offset_of!(Table, magic) == crate::layout::HEAD);
