//! Which bug is switched on, and what the checkers count.

extern crate std;

use core::cell::Cell;

/// Four bytes that nothing wrote. Real code would copy out what was in its memory before.
pub const STALE: [u8; 4] = [0xa5, 0x5a, 0xc3, 0x3c];

std::thread_local! {
    static ROW: Cell<u32> = const { Cell::new(0) };
    static CELLS: Cell<u64> = const { Cell::new(0) };
    static RECORDS: Cell<u64> = const { Cell::new(0) };
    static MOST: Cell<u64> = const { Cell::new(0) };
    static WAITED_MS: Cell<u64> = const { Cell::new(0) };
}

/// Switches the bug of a row on in this thread, or all off (0).
pub fn set(row: u32) {
    ROW.set(row);
}

pub(crate) fn on(row: u32) -> bool {
    ROW.get() == row
}

/// Begins to count the work of a call.
pub fn begin_call() {
    CELLS.set(0);
    RECORDS.set(0);
    MOST.set(0);
    WAITED_MS.set(0);
}

/// Returns the largest number of events in one pass of a queue, or of records in one write, since then.
pub fn most_work() -> u64 {
    MOST.get()
}

/// Returns for how many milliseconds the call would have waited.
pub fn waited_ms() -> u64 {
    WAITED_MS.get()
}

pub(crate) fn begin_pass() {
    CELLS.set(0);
}

pub(crate) fn work() {
    CELLS.set(CELLS.get() + 1);
    MOST.set(MOST.get().max(CELLS.get()));
}

pub(crate) fn record() {
    RECORDS.set(RECORDS.get() + 1);
    MOST.set(MOST.get().max(RECORDS.get()));
}

pub(crate) fn wait(milliseconds: u64) {
    WAITED_MS.set(WAITED_MS.get().saturating_add(milliseconds));
}

pub(crate) fn stale(bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(STALE.len()) {
        chunk.copy_from_slice(&STALE[..chunk.len()]);
    }
}
