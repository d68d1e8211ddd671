//! A sequencer behind its doors: one thread that owns the engine.

pub mod budget;
pub mod clock;
mod dispatch_log;
pub mod door;
pub mod embedded;
pub mod event_loop;
pub mod mounts;
mod pace;
mod placement;
mod scheduling;
pub mod sequencer;
pub mod session;
pub mod timing;
pub mod turn;

/// The program's allocator under the validators, so that the unit tests are checked too.
#[cfg(all(test, feature = "validate"))]
#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();
