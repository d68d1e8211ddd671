//! Write, read, poll, pools, and the life of a descriptor.

mod blocking;
mod lengths;
mod lifetime;
mod memory;
mod open;
mod pool;
mod read;
mod write;

use crate::case::Case;

/// The subjects of this group.
pub(super) const SUBJECTS: &[&[Case]] = &[
    open::CASES,
    write::CASES,
    lengths::CASES,
    read::CASES,
    memory::CASES,
    pool::CASES,
    blocking::CASES,
    lifetime::CASES,
];
