//! The doors of `run`: their names, their order, and which of them a command cannot use.

use std::ffi::OsStr;
use std::fmt;

mod elf;
pub(super) mod program;

/// How the command's calls reach the sequencer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Via {
    /// Files of a FUSE mount, in a mount namespace of the command's own
    Fuse,
    /// Files of a FUSE mount that the command does not see: its opens are stopped, and get these files
    Handover,
    /// A library in the command's programs, which must be dynamically linked
    Preload,
    /// The kernel stops all calls on the sequencer, and aseqd answers them
    Trap,
}

/// The doors in the order in which they are tried: the fewer differences from Linux a program notices, the earlier.
pub(super) const ORDER: [Via; 4] = [Via::Fuse, Via::Handover, Via::Preload, Via::Trap];

/// The doors that can lead to the sequencer of another server, in the same order.
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
    /// Returns why this command cannot use a door that other commands can use; `None` if it can.
    pub(super) fn unfit(self, command: &OsStr) -> Option<String> {
        match self {
            Self::Fuse | Self::Handover | Self::Trap => None,
            Self::Preload => program::refuses_libraries(command),
        }
    }
}
