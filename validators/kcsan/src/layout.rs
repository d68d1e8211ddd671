//! The head of the table that processes share, as the runtime writes it and `cargo kcsan` reads it.

/// The first word: which program made the file, and in which form.
pub const MAGIC: u64 = u64::from_le_bytes(*b"kcsan\0\0\x01");
/// Where the head is, in bytes from the start.
pub const HEAD: usize = 1024;
/// The words of the head after the magic one, in this order.
pub const COUNTS: [&str; 5] = ["watchpoints", "hits", "reports", "full", "processes"];
