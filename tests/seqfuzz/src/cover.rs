//! The edge counters that the compiler has put into the engine, if it was asked to (`scripts/seqfuzz`).
#![expect(unsafe_code, reason = "the compiler's calls pass memory by its two ends")]

use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicUsize, Ordering};

static START: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static TABLE: AtomicPtr<usize> = AtomicPtr::new(std::ptr::null_mut());
/// Sizes of both, in bytes.
static SIZES: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// The compiler calls this before `main`, for each of its units, with all counters of the program.
#[cfg(feature = "counters")]
#[doc(hidden)]
#[unsafe(no_mangle)]
pub extern "C" fn __sanitizer_cov_8bit_counters_init(start: *mut u8, stop: *mut u8) {
    SIZES[0].store(stop.addr() - start.addr(), Ordering::Relaxed);
    START.store(start, Ordering::Relaxed);
}

/// The compiler calls this before `main` with a table of two words for each counter: its address and its kind.
#[cfg(feature = "counters")]
#[doc(hidden)]
#[unsafe(no_mangle)]
pub extern "C" fn __sanitizer_cov_pcs_init(start: *const usize, stop: *const usize) {
    SIZES[1].store(stop.addr() - start.addr(), Ordering::Relaxed);
    TABLE.store(start.cast_mut(), Ordering::Relaxed);
}

/// Returns the counters, one for each edge; none in a program without them.
fn counters() -> &'static [AtomicU8] {
    let start = START.load(Ordering::Relaxed);
    if start.is_null() {
        return &[];
    }
    // SAFETY: the compiler has made the section, which lasts as long as the program, and its code writes to it byte by
    // byte. Nothing else refers to it.
    unsafe {
        std::slice::from_raw_parts(start.cast::<AtomicU8>(), SIZES[0].load(Ordering::Relaxed))
    }
}

/// Returns the number of edges.
#[must_use]
pub fn edges() -> usize {
    counters().len()
}

/// Sets all counters to zero.
pub fn reset() {
    counters().iter().for_each(|counter| counter.store(0, Ordering::Relaxed));
}

/// Calls `found` with each edge that was taken since the last reset, and with a bit for about how often: 1, 2, 3, 4 to 7,
/// 8 to 15, 16 to 31, 32 to 127, more.
pub fn taken(mut found: impl FnMut(usize, u8)) {
    for (edge, counter) in counters().iter().enumerate() {
        let bit = match counter.load(Ordering::Relaxed) {
            0 => continue,
            count @ 1..4 => count - 1,
            4..8 => 3,
            8..16 => 4,
            16..32 => 5,
            32..128 => 6,
            _ => 7,
        };
        found(edge, 1 << bit);
    }
}

/// Returns the addresses of the edges in this process.
#[must_use]
pub fn places() -> Vec<usize> {
    let table = TABLE.load(Ordering::Relaxed);
    if table.is_null() {
        return Vec::new();
    }
    let words = SIZES[1].load(Ordering::Relaxed) / size_of::<usize>();
    // SAFETY: as for the counters; nothing writes to this table.
    let table = unsafe { std::slice::from_raw_parts(table, words) };
    table.chunks_exact(2).map(|row| row[0]).collect()
}
