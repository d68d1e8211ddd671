//! What the trap remembers of calls that are not answered yet.

use crate::door::CallKind;
use crate::door::stopped::call::Transfer;
use crate::door::stopped::thread::Signalled;
use aseqd_engine::{Access, FileId, Node};
use aseqd_host::seccomp::Notification;
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// The user on whose account all files of the trap are. The trap serves the programs of one run, so one account is
/// enough.
pub(super) const USER: u32 = 0;

/// Names a call of a program, or one that the door makes for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrapToken {
    /// A call that waits, by the kernel's number for it.
    Waiting(u64),
    /// A call of the door for a text, by the number of the open that waits for it.
    Fetching(u64),
    /// A call that needs no answer.
    Nobody,
}

/// A call that waits for the session.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) call: Notification,
    pub(super) work: Work,
    /// A copy of the program's descriptor, kept as long as the call waits.
    pub(super) end: Option<OwnedFd>,
    /// Why the call was interrupted, if it was: a signal, or `No` if its thread is gone.
    pub(super) signalled: Option<Signalled>,
}

/// What a waiting call does.
#[derive(Debug)]
pub(super) enum Work {
    Open { node: Node, access: Access, nonblock: bool, close_on_exec: bool },
    Read { file: FileId, transfer: Transfer },
    Write { file: FileId, transfer: Transfer },
    Ioctl { file: FileId, argument: u64 },
}

impl Work {
    /// Returns the file that the call is about; `None` for an open.
    pub(super) const fn file(&self) -> Option<FileId> {
        match self {
            Self::Open { .. } => None,
            Self::Read { file, .. } | Self::Write { file, .. } | Self::Ioctl { file, .. } => {
                Some(*file)
            }
        }
    }
}

/// A call that the door makes for itself.
#[derive(Debug)]
pub(super) enum Own {
    /// Interrupts a call that waits.
    Interrupt(u64),
    /// Goes on with the next piece of a read or write.
    GoOn(u64),
    /// Asks for the next part of a text.
    Ask(u64),
    /// Closes the file through which a text was fetched.
    Close(FileId),
}

/// Why a call does not go to the session.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The kernel should run it.
    Native,
    /// It fails.
    Errno(Errno),
}

impl From<Errno> for Refusal {
    fn from(error: Errno) -> Self {
        Self::Errno(error)
    }
}

/// A call for the session, whose bytes, if any, are in the buffer.
pub(super) type Wanted = CallKind<'static, TrapToken, ()>;
