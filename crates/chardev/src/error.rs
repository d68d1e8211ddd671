//! Errors of receiving requests.

use std::{fmt, io};

/// Why no request could be received.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The device was unmounted or its connection aborted. Nothing more will arrive, not even the releases of
    /// the files that are open: all their handles are free.
    Disconnected,
    /// A message broke the protocol and was refused. The next one may be fine.
    Malformed(Malformed),
    /// One request could not be read, and the kernel ended it with an error. The next one may be fine.
    Lost(io::Error),
    /// The kernel speaks a version of the protocol that is too old.
    Unsupported {
        /// The kernel's major version.
        major: u32,
        /// The kernel's minor version.
        minor: u32,
    },
    /// Another error of the descriptor, such as `EPERM` before it is mounted.
    Io(io::Error),
}

impl ReceiveError {
    /// Returns whether nothing more can arrive from this device. Otherwise the error concerns one message.
    #[must_use]
    pub const fn ends_device(&self) -> bool {
        match self {
            Self::Disconnected | Self::Unsupported { .. } | Self::Io(_) => true,
            Self::Malformed(_) | Self::Lost(_) => false,
        }
    }
}

/// A message that breaks the protocol. The program behind it, if any, got `EIO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Malformed {
    /// The rule that was broken.
    pub why: &'static str,
    /// The opcode of the message, or 0 if it could not be read.
    pub opcode: u32,
    /// The number of bytes that were received.
    pub length: usize,
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => write!(out, "the device was unmounted"),
            Self::Malformed(malformed) => write!(out, "malformed message: {malformed}"),
            Self::Lost(error) => write!(out, "a request could not be read: {error}"),
            Self::Unsupported { major, minor } => {
                write!(out, "the kernel's FUSE protocol {major}.{minor} is not supported")
            }
            Self::Io(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for ReceiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) | Self::Lost(error) => Some(error),
            Self::Disconnected | Self::Malformed(_) | Self::Unsupported { .. } => None,
        }
    }
}

impl From<Malformed> for ReceiveError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<io::Error> for ReceiveError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (opcode {}, {} bytes)", self.why, self.opcode, self.length)
    }
}
