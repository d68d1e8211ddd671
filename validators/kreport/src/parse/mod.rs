//! From the bytes of a log to the lines of its reports.

pub mod frame;
pub mod header;
pub mod line;
pub mod prefix;
pub mod split;
