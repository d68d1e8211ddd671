//! The program `aseqd`, as a library for its own tests.

pub mod cli;
pub mod doctor;
pub mod run;
pub mod serve;

/// As the program's, so that the unit tests are checked too.
#[cfg(all(test, feature = "validate"))]
#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();
