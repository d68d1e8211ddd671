//! How places of ours look: their types, permissions, owners and times.

use super::status::{FileStatus, Time};
use crate::door::cuse::linux_number;
use crate::door::stopped::folder::inode;
use crate::door::stopped::place::{Folder, Place};
use crate::door::stopped::thread::User;
use rustix::fs::{AtFlags, CWD, FileType, Stat, statat};
use rustix::io::Errno;
use std::time::{SystemTime, UNIX_EPOCH};

/// The permissions, owners and times of our places.
#[derive(Debug)]
pub(super) struct Appearance {
    /// Permissions and owner of the device files.
    mode: u32,
    uid: u32,
    gid: u32,
    made: Time,
}

impl Appearance {
    /// Returns the looks of places that belong to this process's user and are made now.
    pub(super) fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(now.as_secs()).unwrap_or(0);
        Self {
            mode: 0o666,
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            made: Time { seconds, nanoseconds: now.subsec_nanos() },
        }
    }

    /// Gives the device files the permissions and the owner of this one.
    pub(super) fn take_from(&mut self, file: &Stat) {
        self.mode = file.st_mode & 0o777;
        (self.uid, self.gid) = (file.st_uid, file.st_gid);
    }

    /// Returns what `stat` shows of a place.
    pub(super) fn status(&self, place: Place) -> FileStatus {
        let (kind, mode, links) = match place {
            Place::Device(_) => (FileType::CharacterDevice, self.mode, 1),
            Place::Folder(Folder::Dev | Folder::Sound) => (FileType::Directory, 0o755, 2),
            Place::Folder(_) => (FileType::Directory, 0o555, 2),
            Place::Text(_) => (FileType::RegularFile, 0o444, 1),
        };
        let number = match place {
            Place::Device(node) => linux_number(node),
            _ => 0,
        };
        let below_dev = matches!(place, Place::Device(_) | Place::Folder(Folder::Sound));
        let (uid, gid) = if below_dev { (self.uid, self.gid) } else { (0, 0) };
        FileStatus {
            // The file system that the places seem to be on.
            device: statat(CWD, "/dev", AtFlags::empty()).map_or(0, |stat| stat.st_dev),
            inode: inode(place),
            mode: kind.as_raw_mode() | mode,
            links,
            uid,
            gid,
            number,
            size: 0,
            blocks: 0,
            accessed: self.made,
            modified: self.made,
            changed: self.made,
        }
    }

    /// Checks whether a user may access a place, as `access(2)` does. Without a user, the rights
    /// of others count.
    ///
    /// # Errors
    /// `EINVAL` for an unknown mode, `EACCES` if the user has no such permission.
    pub(super) fn access(&self, place: Place, mode: i32, user: Option<&User>) -> Result<(), Errno> {
        if mode & !(libc::R_OK | libc::W_OK | libc::X_OK) != 0 {
            return Err(Errno::INVAL);
        }
        let status = self.status(place);
        let owner = user.is_some_and(|user| user.id == status.uid);
        let group = user.is_some_and(|user| user.groups.contains(&status.gid));
        let root = user.is_some_and(|user| user.id == 0) && !matches!(place, Place::Text(_));
        let shift = if owner {
            6
        } else if group {
            3
        } else {
            0
        };
        let mut allowed = status.mode >> shift & 7;
        if root {
            allowed |= if place.is_file() { 6 } else { 7 };
        }
        if mode.cast_unsigned() & !allowed == 0 { Ok(()) } else { Err(Errno::ACCESS) }
    }
}
