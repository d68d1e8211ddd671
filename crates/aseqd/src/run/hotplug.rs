//! Nodes that appear in `/dev` or go while a command runs that has a `/dev` or `/dev/snd` of its own, with the
//! door `fuse`.
//!
//! The process that makes the new directory watches the old one, before it copies it, and hands over what the
//! keeper needs to follow. When something changes, a small process enters the command's namespaces, makes
//! both directories the same again, and ends. Nothing runs while nothing changes.

use super::replaced::{self, Replaced};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{Fork, exit_now, fork};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// As much of what happened as is read at once. What it was is of no interest.
const EVENTS: usize = 4096;
/// Reads before a change is followed, so that changes without an end keep nobody: what is left is the next one.
const READS: usize = 64;

/// What is needed to follow changes.
#[derive(Debug)]
pub(super) struct Hotplug {
    which: Replaced,
    changes: OwnedFd,
    old: OwnedFd,
    new: OwnedFd,
    users: OwnedFd,
    mounts: OwnedFd,
}

impl Hotplug {
    /// How many descriptors it is.
    pub(super) const PARTS: usize = 5;

    /// Watches a directory from now on, which may then be covered.
    pub(super) fn watch(directory: &str) -> rustix::io::Result<OwnedFd> {
        let changes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let which =
            WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
        inotify::add_watch(&changes, directory, which | WatchFlags::ONLYDIR)?;
        Ok(changes)
    }

    /// In the process that has made the new directory: that, the old one, and its namespaces.
    pub(super) fn new(
        which: Replaced,
        changes: OwnedFd,
        old: OwnedFd,
        new: OwnedFd,
    ) -> std::io::Result<Self> {
        let own = |name: &str| File::open(format!("/proc/self/ns/{name}")).map(OwnedFd::from);
        Ok(Self { which, changes, old, new, users: own("user")?, mounts: own("mnt")? })
    }

    /// Whether the directory is `/dev/snd`, rather than `/dev`.
    pub(super) fn is_snd(&self) -> bool {
        self.which == Replaced::Snd
    }

    /// Its descriptors, to be sent.
    pub(super) fn parts(&self) -> [BorrowedFd<'_>; Self::PARTS] {
        [&self.changes, &self.old, &self.new, &self.users, &self.mounts].map(AsFd::as_fd)
    }

    /// From what was sent.
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

    /// Has a process follow what has changed. Whoever waits for children reaps it.
    pub(super) fn follow(&self) -> Result<(), Fail> {
        let mut events = [MaybeUninit::<u8>::uninit(); EVENTS];
        for _ in 0..READS {
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

    fn enter(&self) -> rustix::io::Result<()> {
        match move_into_link_name_space(self.users.as_fd(), Some(LinkNameSpaceType::User)) {
            // It is this process's own already.
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
