//! The doors of `run`: their order, and which of them a command cannot use.

use std::ffi::OsStr;
use std::fmt;

pub(super) mod program;

/// How the command's calls reach the sequencer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Via {
    /// Files of a FUSE mount, in a mount namespace of the command's own
    Fuse,
    /// Files of a FUSE mount that the command does not see: its opens are stopped, and answered with them
    Handover,
    /// A library in the command's programs, which must be dynamically linked
    Preload,
    /// All calls on the sequencer are stopped by the kernel, and answered
    Trap,
}

/// The doors in the order in which they are tried: the more of Linux a door shows, the earlier.
pub(super) const ORDER: [Via; 4] = [Via::Fuse, Via::Handover, Via::Preload, Via::Trap];

/// Those that can lead to a sequencer that somebody else serves.
pub(super) const JOINING: [Via; 2] = [Via::Fuse, Via::Handover];

impl fmt::Display for Via {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Fuse => "fuse",
            Self::Handover => "handover",
            Self::Preload => "preload",
            Self::Trap => "trap",
        })
    }
}

impl Via {
    /// Why this command would not come through the door though others would; nothing if it would.
    pub(super) fn unfit(self, command: &OsStr) -> Option<String> {
        match self {
            Self::Fuse | Self::Handover | Self::Trap => None,
            Self::Preload => program::refuses_libraries(command),
        }
    }
}
