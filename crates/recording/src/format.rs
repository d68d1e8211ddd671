//! Which format this is.

/// The version of the format that this crate writes. Before version 1 it may change with each release, and a reader
/// reads its own version only.
pub const FORMAT: u16 = 0;

/// How the first line of the text form begins; the version follows.
pub(crate) const FIRST_LINE: &str = "aseqd-recording ";
