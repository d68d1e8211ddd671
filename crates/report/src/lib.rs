//! Reports in the form of the Linux kernel's validators.
//!
//! * [`print`] is for validators: data in, text out. Every type is plain data with a `Display`.
//! * [`read`] takes a log apart: into reports with the title that syzkaller would give, into groups of a
//!   cause with its consequences, and into what belongs to no report. The program `kreport` shows it.

#![forbid(unsafe_code)]

mod group;
mod guilty;
mod kind;
mod log;
mod model;
pub mod parse;
pub mod print;
mod skip;
mod title;

pub use group::{Group, deduplicate, group};
pub use guilty::Guilty;
pub use kind::Kind;
pub use log::{Log, read, text};
pub use model::{Access, Lock, Report, Task, Trace};
