//! Programs to compare with: their servers, and their libraries.

pub(crate) mod library;
pub(crate) mod server;
