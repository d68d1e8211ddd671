//! The engine in the middle of a recording.

use aseqd_engine::{Engine, Time};

/// The engine at the beginning of a segment.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// How many bytes of records come before it.
    pub(super) at: u64,
    /// How many inputs come before it.
    pub(super) index: u64,
    /// The time of the last record before it.
    pub(super) now: Time,
    /// The hash of all answers before it.
    pub(super) hash: u32,
    pub(super) engine: Box<Engine>,
}
