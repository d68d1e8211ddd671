//! Programs in the syntax of syzkaller.
//!
//! [`write()`] prints calls with the descriptions that `seqfuzz describe` prints, or in a form that syzkaller's own
//! descriptions take too. [`read`] takes both, and the programs of syzkaller's corpus. Its own structs of this device are
//! not always the kernel's: the reader lays out the memory as syzkaller does, mistakes included.

mod layout;
mod parse;
mod read;
mod write;

pub use read::{Reading, read};
pub use write::{Form, write, write_plan};

/// The first line of a program with our descriptions.
const OURS: &str = "# The descriptions of this program are those of `seqfuzz describe`.";
