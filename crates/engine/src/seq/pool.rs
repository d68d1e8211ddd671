//! Memory pools, as counts of cells.
//!
//! The kernel allocates a fixed array of cells for each client and direction. Programs see only the
//! counts of it: room, `EAGAIN`, `ENOMEM`, the numbers in `/proc`. The engine keeps those counts
//! and no cells.

use crate::Error;
use aseqd_abi::Errno;

/// The data bytes that an extra cell of a variable event holds.
pub(crate) const CELL_DATA: usize = aseqd_abi::event::EVENT_SIZE;

/// Returns the number of cells of an event with `data_len` bytes of data.
pub(crate) const fn cells_of(data_len: usize) -> usize {
    if data_len == 0 { 1 } else { 1 + data_len.div_ceil(CELL_DATA) }
}

/// The counts of one pool.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Pool {
    /// Configured cells.
    pub(crate) size: usize,
    /// Allocated cells: `size`, or 0 before the first use.
    pub(crate) total: usize,
    /// Cells in use.
    pub(crate) used: usize,
    /// The number of free cells at which a writer is woken.
    pub(crate) room: usize,
    /// The largest number of cells ever in use at a time.
    pub(crate) peak: usize,
    /// How often cells were given out.
    pub(crate) successes: usize,
    /// How often there was no cell to give out.
    pub(crate) failures: usize,
}

/// Why there are no cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoCells {
    /// Too few are free now.
    Now,
    /// There will never be enough: the event is larger than the pool.
    Ever,
}

impl NoCells {
    pub(crate) const fn error(self) -> Error {
        match self {
            Self::Now => Error::new(Errno::EAGAIN, "no free cell in the pool"),
            Self::Ever => Error::new(Errno::ENOMEM, "the event is larger than the pool"),
        }
    }
}

impl Pool {
    /// Returns a pool that is not allocated yet.
    pub(crate) const fn new(size: usize) -> Self {
        Self { size, total: 0, used: 0, room: 0, peak: 0, successes: 0, failures: 0 }
    }

    /// Allocates the cells, if that has not been done.
    pub(crate) const fn allocate(&mut self) {
        if self.total == 0 {
            self.total = self.size;
            self.room = self.size.div_ceil(2);
            self.used = 0;
            self.peak = 0;
        }
    }

    /// Allocates anew with another number of cells. The counts of requests go on.
    pub(crate) const fn resize(&mut self, size: usize) {
        self.size = size;
        self.total = 0;
        self.allocate();
    }

    pub(crate) const fn free(&self) -> usize {
        self.total - self.used
    }

    /// Returns whether enough cells are free for the pool to count as writable.
    pub(crate) const fn has_room(&self) -> bool {
        self.free() >= self.room
    }

    /// Takes the cells of an event with `data_len` bytes of data: all or none. A failure of a
    /// caller that sleeps is not counted, since it tries again.
    pub(crate) fn take(&mut self, data_len: usize, sleeps: bool) -> Result<usize, NoCells> {
        let cells = cells_of(data_len);
        if cells > self.total {
            return Err(NoCells::Ever);
        }
        let given = cells.min(self.free());
        if given < cells {
            if !sleeps {
                self.successes += given;
                self.failures += 1;
                self.peak = self.peak.max(self.used + given);
            }
            return Err(NoCells::Now);
        }
        self.used += cells;
        self.successes += cells;
        self.peak = self.peak.max(self.used);
        Ok(cells)
    }

    /// Takes cells back.
    pub(crate) const fn give_back(&mut self, cells: usize) {
        self.used = self.used.saturating_sub(cells);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_event_takes_one_cell_more_than_its_data() {
        let mut pool = Pool::new(10);
        pool.allocate();
        assert_eq!(pool.take(0, false), Ok(1));
        assert_eq!(pool.take(1, false), Ok(2));
        assert_eq!(pool.take(28, false), Ok(2));
        assert_eq!(pool.take(29, false), Ok(3));
        assert_eq!(pool.free(), 2);
    }

    #[test]
    fn data_for_as_many_cells_as_the_pool_has_can_never_fit() {
        let mut pool = Pool::new(10);
        pool.allocate();
        assert_eq!(pool.take(9 * CELL_DATA + 1, false), Err(NoCells::Ever));
        assert_eq!(pool.take(9 * CELL_DATA, false), Ok(10));
        assert_eq!(pool.take(0, false), Err(NoCells::Now));
    }

    #[test]
    fn room_is_half_rounded_up_and_unallocated_pools_have_it() {
        let mut pool = Pool::new(5);
        assert!(pool.has_room());
        pool.allocate();
        assert_eq!(pool.room, 3);
    }
}
