//! The program `aseqd`, as a library for its own tests.

pub mod asound;
pub mod cli;
pub mod client;
pub mod command;
pub mod door;
pub mod error;
pub mod folder;
mod log;
pub mod mounts;
pub mod run;
pub mod serve;
pub mod server;
mod sys;

/// As the program's, so that the unit tests are checked too.
#[cfg(all(test, feature = "validate"))]
#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();
