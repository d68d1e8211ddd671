//! What the trap remembers of calls, and what they turn into.

use crate::door::CallKind;
use crate::door::stopped::call::Transfer;
use crate::door::stopped::thread::Signalled;
use aseqd_engine::{Access, FileId, Node};
use aseqd_host::seccomp::Notification;
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// On whose account the files of the trap are: it serves the programs of one run, as one user.
pub(super) const USER: u32 = 0;

/// Names a call of a program, or one that this door makes for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrapToken {
    /// A call that waits, by the kernel's number for it.
    Waiting(u64),
    /// A step on the way to a text, by the number of the call that waits for it.
    Fetching(u64),
    /// Needs no answer.
    Nobody,
}

/// A call that waits for the session.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) call: Notification,
    pub(super) work: Work,
    /// The program's descriptor, for the time of the call.
    pub(super) end: Option<OwnedFd>,
    /// A signal wants the thread.
    pub(super) signalled: Option<Signalled>,
}

#[derive(Debug)]
pub(super) enum Work {
    Open { node: Node, access: Access, nonblock: bool, close_on_exec: bool },
    Read { file: FileId, transfer: Transfer },
    Write { file: FileId, transfer: Transfer },
    Ioctl { file: FileId, argument: u64 },
}

impl Work {
    pub(super) const fn file(&self) -> Option<FileId> {
        match self {
            Self::Open { .. } => None,
            Self::Read { file, .. } | Self::Write { file, .. } | Self::Ioctl { file, .. } => {
                Some(*file)
            }
        }
    }
}

#[derive(Debug)]
pub(super) enum Own {
    Interrupt(u64),
    /// The next piece of a read or write.
    GoOn(u64),
    /// The next step to a text.
    Ask(u64),
    Close(FileId),
}

/// Why a call is not the session's.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is the kernel's.
    Native,
    Errno(Errno),
}

impl From<Errno> for Refusal {
    fn from(error: Errno) -> Self {
        Self::Errno(error)
    }
}

/// What a call wants of the session; its bytes, if it has any, are in the buffer.
pub(super) type Wanted = CallKind<'static, TrapToken, ()>;
