//! The block of memory that each thread has allocated last.

use lockdep::preload;

/// The words of the thread with the block that it has allocated last, the return address of that call, and its size.
const BLOCK: usize = 7;
const CALLER: usize = 8;
const SIZE: usize = 9;

/// Notes a block of the thread, and the return address of the call that has made it.
pub(crate) fn made(block: usize, size: usize, caller: usize) {
    preload::set_word(SIZE, size);
    preload::set_word(BLOCK, block);
    preload::set_word(CALLER, caller);
}

/// Notes that a block is freed.
pub(crate) fn forget(block: usize) {
    if preload::word(BLOCK) == block {
        preload::set_word(BLOCK, 0);
    }
}

/// Returns the size of the block that the thread has allocated last.
pub(crate) fn size() -> usize {
    preload::word(SIZE)
}

/// Returns whether a lock is in the block that the thread has allocated last, by a call near another one.
pub(crate) fn is_from(lock: usize, caller: usize, near: usize) -> bool {
    let block = preload::word(BLOCK);
    let is_inside = (block..block.saturating_add(preload::word(SIZE))).contains(&lock);
    is_inside && preload::word(CALLER).abs_diff(caller) <= near
}
