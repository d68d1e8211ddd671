//! The doors of `run`: their order, and which of them a command cannot use.

use std::ffi::OsStr;
use std::fmt;

/// How the command's calls reach the sequencer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Via {
    /// Files of a FUSE mount, in a mount namespace of the command's own
    Fuse,
}

/// The doors in the order in which they are tried: the more of Linux a door shows, the earlier.
pub(super) const ORDER: [Via; 1] = [Via::Fuse];

impl fmt::Display for Via {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Fuse => "fuse",
        })
    }
}

impl Via {
    /// Why this command would not come through the door though others would; nothing if it would.
    pub(super) fn unfit(self, _program: &OsStr) -> Option<String> {
        match self {
            Self::Fuse => None,
        }
    }
}
