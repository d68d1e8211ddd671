//! The program `aseqd`, as a library: for its own tests, and for test programs that carry `aseqd run`
//! (`aseqd-testing`). It has no stable interface.

pub mod carried;
pub mod cli;
pub mod ctl;
pub mod doctor;
pub mod run;
pub mod serve;

/// Checks the allocations of the unit tests, as that of the program does.
#[cfg(all(test, feature = "validate"))]
#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();
