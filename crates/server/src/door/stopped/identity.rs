//! The identity of a file, by which descriptors of the same file are recognised.

use aseqd_host::statx_flags;
use rustix::fs::{AtFlags, FileType, Stat, StatxFlags, statat, statx};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::path::Path;

/// Identifies a file by the numbers of its file system and its inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::door) struct Identity(u64, u64);

impl Identity {
    pub(in crate::door) const fn of(stat: &Stat) -> Self {
        Self(stat.st_dev, stat.st_ino)
    }

    pub(in crate::door) const fn new(device: u64, inode: u64) -> Self {
        Self(device, inode)
    }

    pub(in crate::door) const fn device(self) -> u64 {
        self.0
    }

    pub(in crate::door) const fn inode(self) -> u64 {
        self.1
    }
}

/// Returns the identity and the type of the file at a path, as the kernel remembers them: a remote file system
/// is not asked.
///
/// # Errors
/// The errors of `statx(2)`.
pub(in crate::door) fn identify(
    directory: impl AsFd,
    path: &Path,
    flags: AtFlags,
) -> Result<(Identity, FileType), Errno> {
    let wanted = StatxFlags::TYPE | StatxFlags::INO;
    match statx(&directory, path, flags | statx_flags::DONT_SYNC, wanted) {
        // Some sandboxes refuse statx.
        Err(Errno::NOSYS | Errno::PERM) => {
            let stat = statat(directory, path, flags)?;
            Ok((Identity::of(&stat), FileType::from_raw_mode(stat.st_mode)))
        }
        found => {
            let found = found?;
            let device = libc::makedev(found.stx_dev_major, found.stx_dev_minor);
            let kind = FileType::from_raw_mode(found.stx_mode.into());
            Ok((Identity::new(device, found.stx_ino), kind))
        }
    }
}
