//! The server: one thread that owns the engine.

pub mod clock;
pub(crate) mod event_loop;
pub mod session;
