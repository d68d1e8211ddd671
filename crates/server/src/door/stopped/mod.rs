//! The doors that stop system calls: the kernel asks the server what a call returns (seccomp_unotify(2)).
//!
//! The *hand-over* stops the calls that open files, and gives a program that opens a file of ours the
//! descriptor of one in a FUSE mount that only the server sees: for programs that must not be put in a
//! namespace. The *trap* stops every call on such a file too, and needs no FUSE at all: for programs
//! without a dynamic linker, in containers that may not mount.
//!
//! A process installs a filter on itself with [`install`], just before it becomes the program, and
//! sends the listener to the server.

pub(super) mod call;
pub(super) mod filter;
pub(super) mod folder;
pub(super) mod identity;
pub(super) mod look;
pub mod mount;
pub(super) mod path;
mod peek;
pub(super) mod place;
pub(super) mod target;
mod walk;

use aseqd_host::error::{Fail, reason};
use aseqd_host::seccomp::{self, Listener};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, getrlimit};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

/// `select` can look at no higher descriptor.
const FD_SETSIZE: u64 = 1024;

/// Descriptors that a process opens at the same time while it tries the sequencer, at most, and some for
/// the loader of a program.
const ROOM: i32 = 4;

/// Which calls are stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Those that open files or look at paths; and those that list directories, on descriptors of this
    /// range.
    Handover(Range<i32>),
    /// Those, and all on descriptors of this range.
    Trap(Range<i32>),
}

/// The descriptors that are kept for files of ours: the upper quarter of what this process may have open,
/// and `select` can look at. To be asked before the door is made, and given to [`Kind`] and to what serves it.
#[must_use]
pub fn descriptors() -> Range<i32> {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(FD_SETSIZE).min(FD_SETSIZE);
    let end = i32::try_from(limit).unwrap_or(i32::MAX);
    end - end / 4..end
}

impl Kind {
    /// Refuses to stop calls of a process whose own descriptors would be among those that are kept for
    /// files: it would wait for the answer to a call by which it is to become able to get one.
    ///
    /// `link` is the descriptor that it needs afterwards.
    ///
    /// # Errors
    /// As a sentence: too few files may be open here, or too many are.
    pub fn has_room(&self, link: BorrowedFd<'_>) -> Result<(), Fail> {
        let (Self::Handover(range) | Self::Trap(range)) = self;
        let full = || {
            Fail::new(format!(
                "too many files are open for system calls to be stopped: of the {} that may be \
                 (RLIMIT_NOFILE), those from {} on are kept for the sequencer's",
                range.end, range.start
            ))
        };
        // The lowest that is free is what the listener will be, and those that are opened after it.
        let highest = range.start - ROOM;
        let free = rustix::io::fcntl_dupfd_cloexec(link, 0).map_err(|_| full())?;
        let fits = [link.as_raw_fd(), free.as_raw_fd()].iter().all(|number| *number < highest);
        if fits { Ok(()) } else { Err(full()) }
    }
}

/// Lets every call through, for programs whose server is gone.
#[derive(Debug)]
pub struct Bystander(Listener);

impl Bystander {
    /// At this listener.
    #[must_use]
    pub fn new(listener: OwnedFd) -> Self {
        Self(Listener::new(listener))
    }

    /// Lets the next call through, if one waits.
    pub fn let_through(&self) {
        let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut ready = [PollFd::new(&self.0, PollFlags::IN)];
        let waits =
            poll(&mut ready, Some(&now)).is_ok() && ready[0].revents().contains(PollFlags::IN);
        if waits && let Ok(call) = self.0.receive() {
            // One that is gone needs no answer.
            let _gone = self.0.let_through(call.id);
        }
    }
}

impl AsFd for Bystander {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Stops such calls of this thread, and of all that it starts, from now on. What comes back is the
/// listener, close-on-exec, which somebody must serve: without, the calls fail with `ENOSYS`.
///
/// # Errors
/// As a sentence.
pub fn install(kind: &Kind) -> Result<OwnedFd, Fail> {
    let filter = match kind {
        Kind::Handover(range) => filter::handover(range),
        Kind::Trap(range) => filter::trap(range),
    };
    seccomp::install(&filter).map_err(|error| {
        Fail::new(match error {
            rustix::io::Errno::BUSY => {
                "system calls are already stopped for somebody else (is this inside another `aseqd \
                 run`?): only one program can do that"
                    .to_owned()
            }
            error => format!(
                "system calls cannot be stopped ({}): it takes Linux 5.9 with \
                 CONFIG_SECCOMP_FILTER, and a sandbox that allows seccomp",
                reason(&error)
            ),
        })
    })
}
