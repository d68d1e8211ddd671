//! The program `aseqd`, as a library so that its tests can use it. It has no interface of its own.

pub mod cli;
pub mod doctor;
pub mod run;
pub mod serve;

/// Checks the allocations of the unit tests, as that of the program does.
#[cfg(all(test, feature = "validate"))]
#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();
