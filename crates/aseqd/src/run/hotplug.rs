//! Keeps the command's own `/dev` or `/dev/snd` up to date when devices are plugged in or removed, with the door
//! `fuse`.
//!
//! The process that makes the new directory starts to watch the old one before it copies it, and sends the keeper the
//! descriptors that it needs. After a change, a small process enters the command's namespaces, makes both directories
//! the same again, and ends. Nothing runs while nothing changes.

use super::replaced::{self, Replaced};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{Fork, exit_now, fork};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes of inotify events that one read takes. Their contents do not matter.
const EVENT_BYTES: usize = 4096;
/// The most reads before a change is followed, so that changes without an end cannot hold up the keeper. Events that
/// are left count as the next change.
const MAX_READS: usize = 64;

/// The descriptors that are needed to follow changes.
#[derive(Debug)]
pub(super) struct Hotplug {
    which: Replaced,
    /// The inotify descriptor.
    changes: OwnedFd,
    old: OwnedFd,
    new: OwnedFd,
    /// The user namespace of the command.
    users: OwnedFd,
    /// The mount namespace of the command.
    mounts: OwnedFd,
}

impl Hotplug {
    /// How many descriptors there are.
    pub(super) const PARTS: usize = 5;

    /// Starts to watch a directory, which may be covered by a mount afterwards.
    pub(super) fn watch(directory: &str) -> rustix::io::Result<OwnedFd> {
        let changes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let which =
            WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
        inotify::add_watch(&changes, directory, which | WatchFlags::ONLYDIR)?;
        Ok(changes)
    }

    /// Collects the descriptors. Runs in the process that has made the new directory.
    pub(super) fn new(
        which: Replaced,
        changes: OwnedFd,
        old: OwnedFd,
        new: OwnedFd,
    ) -> std::io::Result<Self> {
        let own = |name: &str| File::open(format!("/proc/self/ns/{name}")).map(OwnedFd::from);
        Ok(Self { which, changes, old, new, users: own("user")?, mounts: own("mnt")? })
    }

    /// Returns whether the directory is `/dev/snd`, rather than `/dev`.
    pub(super) fn is_snd(&self) -> bool {
        self.which == Replaced::Snd
    }

    /// Returns the descriptors, in the order in which [`from_parts`](Self::from_parts) takes them.
    pub(super) fn parts(&self) -> [BorrowedFd<'_>; Self::PARTS] {
        [&self.changes, &self.old, &self.new, &self.users, &self.mounts].map(AsFd::as_fd)
    }

    /// Takes the descriptors that the other process has sent. Returns `None` if some are missing.
    pub(super) fn from_parts(
        is_snd: bool,
        mut parts: impl Iterator<Item = OwnedFd>,
    ) -> Option<Self> {
        Some(Self {
            which: if is_snd { Replaced::Snd } else { Replaced::Dev },
            changes: parts.next()?,
            old: parts.next()?,
            new: parts.next()?,
            users: parts.next()?,
            mounts: parts.next()?,
        })
    }

    /// Starts a process that follows the changes. The caller must reap it.
    pub(super) fn follow(&self) -> Result<(), Fail> {
        let mut events = [MaybeUninit::<u8>::uninit(); EVENT_BYTES];
        for _ in 0..MAX_READS {
            if rustix::io::read(&self.changes, &mut events).is_err() {
                break;
            }
        }
        match fork().context("cannot fork")? {
            Fork::Child => {
                let _no_longer =
                    self.enter().and_then(|()| replaced::follow(self.which, &self.old, &self.new));
                exit_now(0);
            }
            Fork::Parent(_) => Ok(()),
        }
    }

    /// Enters the namespaces of the command.
    fn enter(&self) -> rustix::io::Result<()> {
        match move_into_link_name_space(self.users.as_fd(), Some(LinkNameSpaceType::User)) {
            // It is this process's own namespace already.
            Ok(()) | Err(Errno::INVAL) => {}
            Err(error) => return Err(error),
        }
        move_into_link_name_space(self.mounts.as_fd(), Some(LinkNameSpaceType::Mount))
    }
}

impl AsFd for Hotplug {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.changes.as_fd()
    }
}
