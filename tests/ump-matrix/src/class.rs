//! Series of records to send.

use crate::record::Record;
use crate::rng::Rng;
use crate::{legacy, packets};
use std::fmt;

/// A series of records, always the same.
pub struct Class {
    /// Its name in cells.
    pub name: String,
    /// How many records it has.
    pub count: u32,
    /// Whether it has packets, which a legacy client cannot send.
    pub has_packets: bool,
    /// Maximum number of cells of a pool that a receiver needs for one record.
    pub(crate) cells: u32,
    /// Makes the record of an index. Called for all of them in order, with one generator.
    make: Box<Make>,
}

/// What makes the record of an index.
type Make = dyn Fn(u32, &mut Rng) -> Record;

/// Maximum number of records that are sent before the receivers read.
const BATCH: u32 = 256;

/// Number of cells of a receiver's pool that a batch may take up.
const ROOM: u32 = 1500;

impl Class {
    /// Makes a class of packets.
    pub(crate) fn packets(
        name: impl Into<String>,
        count: u32,
        make: impl Fn(u32, &mut Rng) -> Record + 'static,
    ) -> Self {
        Self { name: name.into(), count, has_packets: true, cells: 4, make: Box::new(make) }
    }

    /// Makes a class of legacy events.
    pub(crate) fn events(
        name: impl Into<String>,
        count: u32,
        make: impl Fn(u32, &mut Rng) -> Record + 'static,
    ) -> Self {
        Self { has_packets: false, ..Self::packets(name, count, make) }
    }

    /// Sets how many cells of a pool a receiver needs for one record.
    pub(crate) fn with_cells(self, cells: u32) -> Self {
        Self { cells, ..self }
    }

    /// Returns all classes.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut classes = packets::classes();
        classes.extend(legacy::classes());
        classes
    }

    /// Returns its records, at most `limit`.
    pub fn records(&self, limit: u32) -> impl Iterator<Item = Record> + '_ {
        let mut rng = Rng::named(&self.name);
        (0..self.count.min(limit)).map(move |index| (self.make)(index, &mut rng))
    }

    /// Returns how many of its records can be sent before the receivers read.
    pub(crate) fn batch(&self) -> usize {
        (ROOM / self.cells).clamp(1, BATCH) as usize
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Class").field("name", &self.name).finish_non_exhaustive()
    }
}
