//! Calls that the kernel stops, to ask the server what they return (seccomp_unotify(2)). Two doors share this.
//!
//! The [hand-over](super::handover) stops the calls that open files. A program that opens a file of ours gets
//! the descriptor of one in a FUSE mount that only the server sees. It is for programs that must not be put
//! into a namespace. The [trap](super::trap) stops every call on such a file too, and needs no FUSE. It is for
//! programs without a dynamic linker, in containers that may not mount.
//!
//! A process installs a filter on itself with [`install`], just before it becomes the program, and sends the
//! listener to the server.

pub(super) mod call;
pub(super) mod filter;
pub(super) mod folder;
pub(super) mod identity;
pub(super) mod look;
pub mod mount;
pub(super) mod path;
mod peek;
pub(super) mod place;
pub(super) mod thread;
pub(super) mod user_timer;
mod walk;

use aseqd_host::error::{Fail, reason};
use aseqd_host::seccomp::{self, Listener};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, getrlimit};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

/// `select` handles descriptors below this one.
const FD_SETSIZE: u64 = 1024;

/// How many descriptors must be free below the range: what a process opens at the same time while it tries the
/// sequencer, and some for the dynamic loader.
const FREE_BELOW_RANGE: i32 = 4;

/// A filter, which decides which calls are stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Stops calls that open files or look at paths, and calls on directories with descriptors of this range.
    Handover(Range<i32>),
    /// Stops the same calls, and all others with descriptors of this range.
    Trap(Range<i32>),
}

/// Returns the range of descriptors that is kept for files of ours: the upper quarter of those that this process
/// may have open and `select` handles. Ask once, before the door is made, and give the same range to [`Filter`]
/// and to the door.
#[must_use]
pub fn descriptors() -> Range<i32> {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(FD_SETSIZE).min(FD_SETSIZE);
    let end = i32::try_from(limit).unwrap_or(i32::MAX);
    end - end / 4..end
}

impl Filter {
    /// Checks that this process's own descriptors will be below the range. Otherwise the calls by which it
    /// sends the listener to the server would themselves be stopped, and wait for ever.
    ///
    /// `link` is the descriptor that it needs afterwards.
    ///
    /// # Errors
    /// If too many files are open, or if too few may be open (`RLIMIT_NOFILE`).
    pub fn has_room(&self, link: BorrowedFd<'_>) -> Result<(), Fail> {
        let (Self::Handover(range) | Self::Trap(range)) = self;
        let full = || {
            Fail::new(format!(
                "too many files are open for system calls to be stopped: of the {} that may be \
                 (RLIMIT_NOFILE), those from {} on are kept for the sequencer's",
                range.end, range.start
            ))
        };
        // The listener, and what is opened after it, get the lowest free numbers.
        let highest = range.start - FREE_BELOW_RANGE;
        let free = rustix::io::fcntl_dupfd_cloexec(link, 0).map_err(|_| full())?;
        let fits = [link.as_raw_fd(), free.as_raw_fd()].iter().all(|number| *number < highest);
        if fits { Ok(()) } else { Err(full()) }
    }
}

/// Lets every stopped call through, for programs whose server is gone.
#[derive(Debug)]
pub struct Bystander(Listener);

impl Bystander {
    /// Returns a bystander at this listener.
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
            // A call whose thread is gone needs no answer.
            let _gone = self.0.let_through(call.id);
        }
    }
}

impl AsFd for Bystander {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Installs a filter on this thread and on everything that it starts. Returns the listener, close-on-exec. A
/// process must serve it: without one the stopped calls fail with `ENOSYS`.
///
/// # Errors
/// If another filter with a listener is installed already, if the kernel is older than Linux 5.9 or has no
/// filters, or if a sandbox forbids it.
pub fn install(filter: &Filter) -> Result<OwnedFd, Fail> {
    let instructions = match filter {
        Filter::Handover(range) => filter::handover(range),
        Filter::Trap(range) => filter::trap(range),
    };
    seccomp::install(&instructions).map_err(|error| {
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
