//! Why a recording cannot be read.

use crate::format::FORMAT;
use std::fmt;
use std::io;

/// A recording that cannot be read, or not any further.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read.
    Io(io::Error),
    /// The file does not begin as a recording does.
    NotARecording,
    /// The recording has a format of which this version knows nothing.
    Version(u16),
    /// A chunk is whole, but what it says makes no sense.
    Malformed {
        /// Where the chunk begins in the file, in bytes.
        offset: u64,
        /// What is wrong with it, in one clause.
        why: &'static str,
    },
    /// A line of the text form makes no sense.
    Line {
        /// The number of the line, from 1.
        number: usize,
        /// What is wrong with it, in one clause.
        why: &'static str,
    },
}

/// Bytes that make no sense, with the reason in one clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NotARecording => write!(f, "this is not a recording of aseqd"),
            Self::Version(version) => write!(
                f,
                "the recording has format {version}, and this version of aseqd reads format {}",
                FORMAT
            ),
            Self::Malformed { offset, why } => {
                write!(f, "the recording makes no sense at byte {offset}: {why}")
            }
            Self::Line { number, why } => write!(f, "line {number} makes no sense: {why}"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
