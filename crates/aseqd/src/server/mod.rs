//! The server: one thread that owns the engine.

pub(crate) mod budget;
pub mod clock;
mod dispatch_log;
pub(crate) mod event_loop;
mod pace;
mod placement;
mod scheduling;
pub mod sequencer;
pub mod session;
pub mod timing;
