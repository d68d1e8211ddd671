//! From the bytes of a log to the lines of its reports.

pub mod frame;
pub mod header;
pub(crate) mod learn;
pub mod line;
mod open;
mod piece;
pub mod prefix;
pub mod split;
pub(crate) mod text;
pub(crate) mod user;
mod words;
