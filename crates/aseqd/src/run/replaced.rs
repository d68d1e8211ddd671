//! The `/dev` or `/dev/snd` that a command has of its own, and the machine's nodes that are bound into it.

use aseqd_host::error::{Context as _, Fail};
use aseqd_server::door::nodes;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, openat, readlinkat, statat};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount};
use std::collections::BTreeSet;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

pub(super) const DEV: &str = "/dev";
pub(super) const SND: &str = "/dev/snd";
/// The node that makes terminals.
pub(super) const PTMX: &CStr = c"ptmx";
/// The name of the old `/dev` in the new one, if that needs it.
pub(super) const WHOLE_DEV: &CStr = c".aseqd";

/// The directory that is replaced by one of the command's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    Dev,
    Snd,
}

impl Replaced {
    /// Returns the path of the directory.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Dev => DEV,
            Self::Snd => SND,
        }
    }

    /// Returns whether a name is made by us and not copied from the old directory. These are our device files (the
    /// kernel's timer would not know our queues), the directories that they come from, and the node that makes
    /// terminals.
    fn is_own(self, name: &CStr) -> bool {
        match self {
            Self::Dev => [c"snd", PTMX, WHOLE_DEV].contains(&name),
            Self::Snd => {
                let node = nodes().iter().any(|(node, _)| node.as_bytes() == name.to_bytes());
                node || [c"aseqd", c".aseqd"].contains(&name)
            }
        }
    }
}

/// Returns the names in a directory, without [our own](Replaced::is_own).
fn names(which: Replaced, directory: &OwnedFd) -> rustix::io::Result<BTreeSet<CString>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let list = openat(directory, ".", flags, Mode::empty())?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut entries = RawDir::new(list, buffer.spare_capacity_mut());
    let mut names = BTreeSet::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if ![c".", c".."].contains(&name) && !which.is_own(name) {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

/// Makes everything in the old directory visible in the new one, except [our own](Replaced::is_own) names.
pub(super) fn bind_entries(which: Replaced, old: &OwnedFd, new: &OwnedFd) -> Result<(), Fail> {
    for name in names(which, old).context("/dev cannot be listed")? {
        // The node may have gone away meanwhile.
        if let Err(error) = bind_entry(old, new, &name)
            && error != Errno::NOENT
        {
            let name = name.to_string_lossy();
            return Err(error).with_context(|| format!("/dev: {name} cannot be bound"));
        }
    }
    Ok(())
}

/// Updates the new directory to what the old one has now. Runs in the namespaces of the command.
pub(super) fn follow(which: Replaced, old: &OwnedFd, new: &OwnedFd) -> rustix::io::Result<()> {
    let (wanted, have) = (names(which, old)?, names(which, new)?);
    for name in have.iter().filter(|name| is_gone(old, new, name)) {
        let folder = PathBuf::from(format!("/proc/self/fd/{}", new.as_raw_fd()));
        let path = folder.join(OsStr::from_bytes(name.to_bytes()));
        // It fails for a symbolic link, which is no mount.
        let _not_mounted = unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
        let file = rustix::fs::unlinkat(new, name, AtFlags::empty());
        let _in_use = file.or_else(|_| rustix::fs::unlinkat(new, name, AtFlags::REMOVEDIR));
    }
    let have = names(which, new)?;
    for name in wanted.difference(&have) {
        // If one fails, because it has gone again, the others are still bound.
        let _gone = bind_entry(old, new, name);
    }
    Ok(())
}

/// Returns whether a node was bound into the new directory and is no longer in the old one, or is another node there.
/// Files that the command has made itself were never bound, and stay.
fn is_gone(old: &OwnedFd, new: &OwnedFd, name: &CStr) -> bool {
    let of = |directory| statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    let Ok(now) = of(new) else { return true };
    let own_file_system = rustix::fs::fstat(new).is_ok_and(|new| new.st_dev == now.st_dev);
    let link = FileType::from_raw_mode(now.st_mode) == FileType::Symlink;
    match of(old) {
        Ok(was) => !link && (was.st_dev, was.st_ino) != (now.st_dev, now.st_ino),
        Err(_) => link || !own_file_system,
    }
}

/// Makes one entry of the old directory visible in the new one.
pub(super) fn bind_entry(old: &OwnedFd, new: &OwnedFd, name: &CString) -> rustix::io::Result<()> {
    let stat = statat(old, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => {
            let target = readlinkat(old, name, Vec::new())?;
            return rustix::fs::symlinkat(target, new, name);
        }
        FileType::Directory => {
            rustix::fs::mkdirat(new, name, Mode::from_raw_mode(0o755))?;
            flags |= OpenTreeFlags::AT_RECURSIVE;
        }
        _ => place_file(new, name)?,
    }
    let tree = open_tree(old, name, flags)?;
    attach(&tree, new, name)
}

/// Makes an empty file that a node can be mounted on.
pub(super) fn place_file(directory: &OwnedFd, name: &CStr) -> rustix::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::from_raw_mode(0o444)).map(drop)
}

/// Attaches a mount to a name in a directory.
pub(super) fn attach(tree: &OwnedFd, directory: &OwnedFd, name: &CStr) -> rustix::io::Result<()> {
    move_mount(tree, "", directory, name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}
