//! Looks at the file systems of programs without ever waiting for one.
//!
//! A path may lead to a FUSE or NFS mount whose server does not answer. The program that asks then waits for
//! it, but the server, and with it all other programs, must not.

use super::identity::{Identity, identify};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, openat, openat2, readlinkat};
use rustix::io::Errno;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// File systems that the kernel serves alone, without a server that could keep a call waiting.
const LOCAL: [&str; 18] = [
    "bcachefs", "btrfs", "devtmpfs", "erofs", "ext2", "ext3", "ext4", "f2fs", "overlay", "proc",
    "ramfs", "rootfs", "squashfs", "sysfs", "tmpfs", "vfat", "xfs", "zfs",
];

/// The numbers of the [local](LOCAL) file systems that were mounted when this was made.
#[derive(Debug)]
pub(in crate::door) struct Locals(Vec<u64>);

impl Default for Locals {
    fn default() -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Self(mounts.lines().filter_map(local).collect())
    }
}

/// Returns the number of the file system in a line of mountinfo, if it is local. Such a line is
/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`.
fn local(line: &str) -> Option<u64> {
    let (mount, file_system) = line.split_once(" - ")?;
    let kind = file_system.split(' ').next()?;
    let (major, minor) = mount.split(' ').nth(2)?.split_once(':')?;
    let number = libc::makedev(major.parse().ok()?, minor.parse().ok()?);
    LOCAL.contains(&kind).then_some(number)
}

/// A file that was found without waiting.
#[derive(Debug)]
pub(in crate::door) struct Peeked {
    pub(in crate::door) file: OwnedFd,
    pub(in crate::door) identity: Identity,
    kind: FileType,
}

impl Locals {
    fn has(&self, identity: Identity) -> bool {
        self.0.contains(&identity.device())
    }

    /// Opens the file at a path below a root, if the kernel has the way there in memory or the last
    /// directory is on a local file system. A symbolic link at the end is not followed.
    ///
    /// # Errors
    /// `EAGAIN` if it would have to wait, and those of `openat2(2)`.
    pub(in crate::door) fn peek(&self, root: &OwnedFd, path: &Path) -> Result<Peeked, Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = path.strip_prefix("/").unwrap_or(path);
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let file = match openat2(root, path, flags, Mode::empty(), ResolveFlags::CACHED) {
            // The kernel may not remember that a file is missing: ask its directory, if that is local.
            Err(Errno::AGAIN) => {
                let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
                    return Err(Errno::AGAIN);
                };
                let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
                let above = openat2(root, above, flags, Mode::empty(), ResolveFlags::CACHED)?;
                if !self.has(identify(&above, Path::new(""), AtFlags::EMPTY_PATH)?.0) {
                    return Err(Errno::AGAIN);
                }
                openat(above, name, flags, Mode::empty())?
            }
            // The kernel is older than Linux 5.12, or a sandbox refuses openat2.
            Err(Errno::INVAL | Errno::NOSYS | Errno::PERM) => {
                openat(root, path, flags, Mode::empty())?
            }
            file => file?,
        };
        let (identity, kind) = identify(&file, Path::new(""), AtFlags::EMPTY_PATH)?;
        Ok(Peeked { file, identity, kind })
    }

    /// Returns the target of a symbolic link; `None` for other files, and for links on file systems that
    /// are not local.
    pub(in crate::door) fn link(&self, peeked: &Peeked) -> Option<PathBuf> {
        if peeked.kind != FileType::Symlink || !self.has(peeked.identity) {
            return None;
        }
        let target = readlinkat(&peeked.file, "", Vec::new()).ok()?;
        Some(OsString::from_vec(target.into_bytes()).into())
    }

    /// Returns whether a file is on a local file system.
    pub(in crate::door) fn is_local(&self, peeked: &Peeked) -> bool {
        self.has(peeked.identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_file_systems_are_told_from_others() {
        let line = |kind: &str| format!("36 35 98:1 /a /b rw,noatime shared:1 - {kind} /dev/x rw");
        assert_eq!(local(&line("ext4")), Some(libc::makedev(98, 1)));
        for other in ["fuse.sshfs", "fuseblk", "nfs4", "autofs", "9p"] {
            assert_eq!(local(&line(other)), None, "{other}");
        }
        assert_eq!(local("nonsense"), None);
    }

    #[test]
    fn files_are_found_without_waiting() {
        let locals = Locals::default();
        let root = OwnedFd::from(std::fs::File::open("/").unwrap());
        let proc = locals.peek(&root, Path::new("/proc")).unwrap();
        assert!(locals.is_local(&proc));
        assert_eq!(locals.link(&proc), None);
        let missing = locals.peek(&root, Path::new("/proc/nonexistent"));
        assert_eq!(missing.unwrap_err(), Errno::NOENT);
        let mounts = locals.peek(&root, Path::new("/proc/mounts")).unwrap();
        assert_eq!(locals.link(&mounts), Some("self/mounts".into()));
    }
}
