//! The directory that a command has one of its own of, `/dev` or `/dev/snd`, and its nodes, which are the machine's.

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
/// Where the old `/dev` is found in the new one, if it must be.
pub(super) const WHOLE_DEV: &CStr = c".aseqd";

/// A directory that the command has one of its own of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    Dev,
    Snd,
}

impl Replaced {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Dev => DEV,
            Self::Snd => SND,
        }
    }

    /// Whether a name in it is not as in the old one: our files, since a timer of the kernel's would not know our
    /// queues; where they come from; the node that makes terminals.
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

/// The names in a directory, but for [our own](Replaced::is_own).
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

/// Makes everything in one directory visible in another, but for [our own](Replaced::is_own) names.
pub(super) fn bind_entries(which: Replaced, old: &OwnedFd, new: &OwnedFd) -> Result<(), Fail> {
    for name in names(which, old).context("/dev cannot be listed")? {
        // A node that goes away meanwhile is one that is not there.
        if let Err(error) = bind_entry(old, new, &name)
            && error != Errno::NOENT
        {
            let name = name.to_string_lossy();
            return Err(error).with_context(|| format!("/dev: {name} cannot be bound"));
        }
    }
    Ok(())
}

/// Makes the new directory as the old one is now, within the namespaces of the command.
pub(super) fn follow(which: Replaced, old: &OwnedFd, new: &OwnedFd) -> rustix::io::Result<()> {
    let (wanted, have) = (names(which, old)?, names(which, new)?);
    for name in have.iter().filter(|name| is_gone(old, new, name)) {
        let folder = PathBuf::from(format!("/proc/self/fd/{}", new.as_raw_fd()));
        let path = folder.join(OsStr::from_bytes(name.to_bytes()));
        // A link is no mount.
        let _not_mounted = unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
        let file = rustix::fs::unlinkat(new, name, AtFlags::empty());
        let _in_use = file.or_else(|_| rustix::fs::unlinkat(new, name, AtFlags::REMOVEDIR));
    }
    let have = names(which, new)?;
    for name in wanted.difference(&have) {
        // It may be gone again; and of the others each is worth having.
        let _gone = bind_entry(old, new, name);
    }
    Ok(())
}

/// Whether what is bound in the new directory is no longer in the old one: nothing is, or another node of that
/// name. What the command has made itself in the new directory was never bound, and stays.
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

/// An empty file for something to be mounted on.
pub(super) fn place_file(directory: &OwnedFd, name: &CStr) -> rustix::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::from_raw_mode(0o444)).map(drop)
}

pub(super) fn attach(tree: &OwnedFd, directory: &OwnedFd, name: &CStr) -> rustix::io::Result<()> {
    move_mount(tree, "", directory, name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}
