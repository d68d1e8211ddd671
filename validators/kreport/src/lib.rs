//! Prints and reads reports in the form of the Linux kernel's validators.
//!
//! * [`mod@print`] is for validators: data in, text out. Every type is plain data with a `Display`. This part needs
//!   no other crate: use `default-features = false`.
//! * [`read`](fn@read) (feature `read`) takes a log apart into reports with the titles that syzkaller would give,
//!   groups of a cause with its consequences, and the lines that belong to no report. The program `kreport`
//!   (feature `program`) shows the result.

#![forbid(unsafe_code)]

/// The folder of this crate's source, for build scripts that compile the crate once more.
#[doc(hidden)]
pub const SOURCE: &str = env!("CARGO_MANIFEST_DIR");

#[cfg(feature = "program")]
pub mod cli;
#[cfg(feature = "read")]
mod collect;
#[cfg(feature = "read")]
mod group;
#[cfg(feature = "read")]
mod guilty;
#[cfg(feature = "read")]
mod input;
#[cfg(feature = "read")]
mod kind;
#[cfg(feature = "read")]
mod known;
#[cfg(feature = "read")]
#[doc(hidden)]
pub mod list;
#[cfg(feature = "read")]
mod log;
#[cfg(feature = "read")]
mod model;
#[cfg(feature = "read")]
pub mod output;
#[cfg(feature = "read")]
pub mod parse;
pub mod print;
#[cfg(feature = "read")]
mod reader;
#[cfg(feature = "read")]
mod skip;
#[cfg(feature = "read")]
mod stream;
#[cfg(feature = "program")]
pub mod symbols;
#[cfg(feature = "read")]
mod title;
#[cfg(feature = "read")]
mod whole;

#[cfg(feature = "read")]
pub use {
    collect::Collector,
    group::{Group, Occurrence, deduplicate, group},
    input::{Decoder, Unreadable, decode},
    kind::Kind,
    known::{BadLine, Known},
    log::{Log, read},
    model::{Access, Guilty, Lock, Report, Task, Trace},
    parse::prefix::Context,
    stream::Stream,
};

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
