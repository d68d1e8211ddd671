//! The watchpoints: 64 that the process keeps for itself and 64 that processes share.
//!
//! A watchpoint has its slot by where it lies in its page. The kernel takes the number of the page; two
//! processes see a page of a file under different numbers, but a place in it is the same in both. So an
//! access looks at one slot of each table and need not know what is mapped there.
//!
//! A slot is one word: 0 is free, then the watcher's `TAKEN`, then the watchpoint, then the finder's
//! `HIT`. What else there is to say is in the entry behind the slot: the watcher's part is written
//! before the watchpoint appears, the finder's between `HIT` and `ready`.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::layout::COUNTS;
use crate::runtime::access::{Access, GRANULE, kind};
use crate::runtime::stack::Frames;

pub(crate) const SLOTS: usize = 64;

const FREE: u64 = 0;
const TAKEN: u64 = 1;
const HIT: u64 = 2;
/// Smaller words are none.
const SMALLEST: u64 = 4096;

const WRITE_BIT: u64 = 1 << 63;
const SIZE_SHIFT: u32 = 59;
const KEY_MASK: u64 = (1 << SIZE_SHIFT) - 1;

/// The entries step through a table in 16 bytes, so that the bits of the address are the offset.
#[repr(C, align(16))]
struct Slot {
    word: AtomicU64,
}

/// What there is to say about the watchpoint in a slot.
#[repr(C)]
pub(crate) struct Entry {
    /// Of a shared watchpoint: the file.
    pub(crate) device: AtomicU64,
    pub(crate) inode: AtomicU64,
    /// When its watcher must have died.
    pub(crate) deadline: AtomicU64,
    /// The finder has written all of what follows.
    pub(crate) ready: AtomicU32,
    pub(crate) finder: Finder,
}

/// Who hit a watchpoint.
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

/// One table. The shared one is mapped from a file as it is.
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

    /// The watchpoint in the slot of a granule.
    pub(crate) fn peek(&self, granule: usize) -> Option<Watchpoint> {
        let slot = granule % SLOTS;
        let word = self.slots[slot].word.load(Ordering::Acquire);
        (word >= SMALLEST).then_some(Watchpoint { slot, word })
    }

    /// Whether there is nothing at all in the slot of a granule.
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

    /// Hides a watchpoint. `true` if it was hit.
    pub(crate) fn end(&self, slot: usize) -> bool {
        self.slots[slot].word.swap(HIT, Ordering::AcqRel) == HIT
    }

    /// Gives a slot back.
    pub(crate) fn free(&self, slot: usize) {
        self.slots[slot].word.store(FREE, Ordering::Release);
    }

    /// Hits a watchpoint. `false` if another did, or it is over.
    pub(crate) fn hit(&self, watchpoint: Watchpoint) -> bool {
        let word = &self.slots[watchpoint.slot].word;
        word.compare_exchange(watchpoint.word, HIT, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Clears away what a watcher left that died.
    pub(crate) fn clear_dead(&self, watchpoint: Watchpoint) {
        let word = &self.slots[watchpoint.slot].word;
        let _ = word.compare_exchange(watchpoint.word, FREE, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Forgets all watchpoints: in a new process, no thread is left that set them.
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
    /// Where it begins: an address, or a place in a file.
    pub(crate) fn key(self) -> u64 {
        self.word & KEY_MASK
    }

    fn size(self) -> u64 {
        (self.word >> SIZE_SHIFT & 0xf) + 1
    }

    /// Whether an access there and the watched one race: they overlap, and one of them writes.
    pub(crate) fn races_with(self, key: u64, access: Access) -> bool {
        let overlap = key < self.key() + self.size() && self.key() < key + access.size as u64;
        overlap && (access.is(kind::WRITE) || self.word & WRITE_BIT != 0)
    }
}

/// Both tables, at the distance that the entries know.
#[repr(C)]
pub(crate) struct Tables {
    pub(crate) private: Table,
    pub(crate) shared: Table,
}

/// Bytes from one table to the other.
pub(crate) const DISTANCE: usize = size_of::<Table>();

pub(crate) static TABLES: Tables = Tables { private: Table::new(), shared: Table::new() };

/// Counts for this process and for all that share the table.
pub(crate) fn count(what: Count) {
    for table in [&TABLES.private, &TABLES.shared] {
        table.counts[what as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// The count of this process.
pub(crate) fn counted(what: Count) -> u64 {
    TABLES.private.counts[what as usize].load(Ordering::Relaxed)
}

const _: () = assert!(std::mem::offset_of!(Table, magic) == crate::layout::HEAD);
