//! The head of the shared table, which the runtime writes and `cargo kcsan` reads.

/// The first word of the table, which names its format.
pub const MAGIC: u64 = u64::from_le_bytes(*b"kcsan\0\0\x01");
/// Offset of the head in the table, in bytes.
pub const HEAD: usize = 1024;
/// The words of the head after the magic number, in this order.
pub const COUNTS: [&str; 5] = ["watchpoints", "hits", "reports", "full", "processes"];
