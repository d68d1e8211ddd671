//! A word that the tables of requests share.

/// How much of a request there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As on Linux.
    Full,
    /// With the difference that the note names.
    Partial,
    /// Refused, as by the reference kernel.
    Absent,
}
