//! Makes a mount namespace in which `/dev/snd/seq` and `/dev/snd/timer` are ours.
//!
//! If `/dev/snd` exists, a small tmpfs covers it, and its other nodes are bound into the tmpfs, so that they stay
//! visible. If it does not exist, the same is done to `/dev` as a whole, because an ordinary user cannot make a
//! directory there. All mounts are in this namespace only, and end with it.

use super::hotplug::Hotplug;
use super::join;
use super::link::Link;
use super::replaced::{
    DEV, PTMX, Replaced, SND, WHOLE_DEV, attach, bind_entries, bind_entry, place_file,
};
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::unshare;
use aseqd_server::door::nodes;
use aseqd_server::mounts;
use rustix::fs::{
    Access, AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, chownat, mknodat, openat, statat,
};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount,
    mount_change, move_mount, open_tree, unmount,
};
use rustix::thread::UnshareFlags;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

/// The node that makes terminals in a devpts.
const PTS_PTMX: &CStr = c"pts/ptmx";

/// The user and group of the command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Ids {
    /// Returns those of this process.
    pub(super) fn own() -> Self {
        Self { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
    }
}

/// Where the device files come from.
#[derive(Debug)]
enum Files<'a> {
    /// From a FUSE mount that is made here and that the keeper serves.
    Own { fuse: OwnedFd, keeper: &'a Link },
    /// From the folder of another server, as a mount to attach.
    Joined(OwnedFd),
}

/// Enters the namespace. Mounts the device and sends its descriptor to the keeper, which must serve it from then on, or
/// binds the folder of another server. Returns a description of the door.
///
/// # Errors
/// A message if the kernel or its settings refuse a namespace, `/dev/fuse` or a mount. It says how to allow it.
pub(super) fn enter(ids: Ids, keeper: &Link, joined: Option<&Path>) -> Result<String, Fail> {
    let user_namespace = make_namespaces(ids)?;
    // Mounts made here stay in this namespace. Mounts made outside later still appear in it.
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::DOWNSTREAM)
        .context("mounts cannot be made private")?;
    let files = match joined {
        // Before anything is mounted that might cover it.
        Some(folder) => Files::Joined(join::copy(folder)?),
        None => Files::Own { fuse: mounts::open_fuse()?, keeper },
    };
    let existing =
        openat(CWD, SND, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    // Before it is copied, so that no change is missed.
    let which = if existing.is_ok() { Replaced::Snd } else { Replaced::Dev };
    let changes = Hotplug::watch(which.path());
    let (old, new) = match existing {
        Ok(old) => replace_snd(&files, old)?,
        Err(_) => replace_dev(&files)?,
    };
    if joined.is_some() {
        keeper.door(None)?;
    }
    // Without this, only devices that are plugged in later are missing.
    if let Ok(changes) = changes
        && let Ok(hotplug) = Hotplug::new(which, changes, old, new)
    {
        keeper.hotplug(&hotplug)?;
    }
    let how = if user_namespace { "a user and mount namespace" } else { "a mount namespace" };
    let files = joined.map_or_else(
        || "FUSE files".to_owned(),
        |folder| format!("the files of {}", folder.display()),
    );
    Ok(format!("{files} at {SND}/seq and {SND}/timer, in {how} of its own"))
}

/// Enters a mount namespace, with a user namespace around it if there is no other way. Returns whether there is one.
fn make_namespaces(ids: Ids) -> Result<bool, Fail> {
    if ids.uid == 0 {
        match unshare(UnshareFlags::NEWNS) {
            Ok(()) => return Ok(false),
            Err(error) if error.raw_os_error() == Some(Errno::PERM.raw_os_error()) => {}
            Err(error) => return Err(error).context("a mount namespace cannot be made"),
        }
    }
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS).map_err(|error| {
        let other_user = if ids.uid == 0 { "" } else { "run as root, or " };
        Fail::new(format!(
            "this user may not make a user namespace ({}): {other_user}allow it with \
             `sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000`; in a \
             container, add `--security-opt seccomp=unconfined`",
            reason(&error)
        ))
    })?;
    // The command keeps its own ids. A group map needs setgroups to be off.
    let maps = [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{0} {0} 1", ids.uid)),
        ("gid_map", format!("{0} {0} 1", ids.gid)),
    ];
    for (file, text) in maps {
        std::fs::write(format!("/proc/self/{file}"), text)
            .with_context(|| format!("/proc/self/{file} cannot be written"))?;
    }
    Ok(true)
}

/// Returns the error for a mount that the kernel refuses, with what to do.
fn no_mount(target: &str) -> impl FnOnce(Errno) -> Fail + '_ {
    move |error| {
        Fail::new(format!(
            "nothing can be mounted on {target} ({}): in a container, add `--cap-add SYS_ADMIN \
             --security-opt apparmor=unconfined`; on Ubuntu 24.04 and later, allow it with `sysctl \
             kernel.apparmor_restrict_unprivileged_userns=0`",
            reason(&error)
        ))
    }
}

/// Replaces a `/dev/snd` that exists. Its other nodes stay.
fn replace_snd(files: &Files<'_>, old: OwnedFd) -> Result<(OwnedFd, OwnedFd), Fail> {
    let new = cover(SND)?;
    bind_entries(Replaced::Snd, &old, &new)?;
    if !shares_inodes() {
        // Every open must look the name up in the mount: see `chardev::Inodes`.
        rustix::fs::mkdirat(&new, "aseqd", Mode::from_raw_mode(0o755)).context("/dev/snd/aseqd")?;
        files.mount("/dev/snd/aseqd")?;
        for &(name, _) in nodes() {
            rustix::fs::symlinkat(format!("aseqd/{name}"), &new, name)
                .with_context(|| format!("{SND}/{name}"))?;
        }
        return Ok((old, new));
    }
    rustix::fs::mkdirat(&new, ".aseqd", Mode::from_raw_mode(0o755)).context("/dev/snd/.aseqd")?;
    files.mount("/dev/snd/.aseqd")?;
    for &(name, _) in nodes() {
        match bind_device(&new, name) {
            // A folder that was joined may have only a sequencer.
            Err(Errno::NOENT) if matches!(files, Files::Joined(_)) => {}
            bound => bound.with_context(|| format!("{SND}/{name} cannot be bound"))?,
        }
    }
    unmount("/dev/snd/.aseqd", UnmountFlags::DETACH).context("/dev/snd/.aseqd")?;
    rustix::fs::unlinkat(&new, ".aseqd", AtFlags::REMOVEDIR).context("/dev/snd/.aseqd")?;
    Ok((old, new))
}

/// Binds a file of the device's mount to the directory. The keeper answers the look-up of the file meanwhile.
fn bind_device(snd: &OwnedFd, name: &str) -> rustix::io::Result<()> {
    let c_name = CString::new(name).map_err(|_| Errno::INVAL)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let node = open_tree(snd, format!(".aseqd/{name}"), flags)?;
    place_file(snd, &c_name)?;
    attach(&node, snd, &c_name)
}

/// Replaces a `/dev` that has no `snd`. The new one has it, and everything that the old one has.
fn replace_dev(files: &Files<'_>) -> Result<(OwnedFd, OwnedFd), Fail> {
    let old = openat(CWD, DEV, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .context("/dev cannot be opened")?;
    let whole = whole_dev(&old).context("/dev cannot be bound")?;
    let new = cover(DEV)?;
    bind_entries(Replaced::Dev, &old, &new)?;
    place_ptmx(&old, &new, whole).context("/dev/ptmx")?;
    rustix::fs::mkdirat(&new, "snd", Mode::from_raw_mode(0o755)).context(SND)?;
    files.mount(SND)?;
    // In a user namespace the directory belongs to the user, even one who could not write to the old one.
    let writable = rustix::fs::accessat(&old, ".", Access::WRITE_OK, AtFlags::EACCESS).is_ok();
    if !writable {
        rustix::fs::fchmod(&new, Mode::from_raw_mode(0o555)).context(DEV)?;
    }
    Ok((old, new))
}

/// Makes `/dev/ptmx`, through which programs get terminals. The driver looks for `pts` beside the node, in the same
/// mount. So a bind of the node alone fails (`ENOENT`).
fn place_ptmx(old: &OwnedFd, new: &OwnedFd, whole: Option<OwnedFd>) -> rustix::io::Result<()> {
    let stat = match statat(old, PTMX, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()),
        result => result?,
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice {
        return bind_entry(old, new, &CString::from(PTMX));
    }
    // This works only for root outside of user namespaces.
    let made = mknodat(new, PTMX, FileType::CharacterDevice, Mode::empty(), stat.st_rdev);
    if made.is_ok() {
        let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        chownat(new, PTMX, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        let mode = Mode::from_raw_mode(stat.st_mode & 0o777);
        return rustix::fs::chmodat(new, PTMX, mode, AtFlags::empty());
    }
    let Some(whole) = whole else { return rustix::fs::symlinkat(PTS_PTMX, new, PTMX) };
    rustix::fs::mkdirat(new, WHOLE_DEV, Mode::from_raw_mode(0o755))?;
    attach(&whole, new, WHOLE_DEV)?;
    rustix::fs::symlinkat(c".aseqd/ptmx", new, PTMX)
}

/// Copies `/dev` with all its mounts, if the user may not open the devpts's own node (mount option `ptmxmode`). It has
/// to be all of `/dev`: the kernel does not let a user copy a mount without the mounts in it. And it has to be before
/// `/dev` is covered, or the copy would be covered too.
fn whole_dev(old: &OwnedFd) -> rustix::io::Result<Option<OwnedFd>> {
    let asked = Access::READ_OK | Access::WRITE_OK;
    if rustix::fs::accessat(old, PTS_PTMX, asked, AtFlags::EACCESS).is_ok() {
        return Ok(None);
    }
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    open_tree(old, "", flags).map(Some)
}

/// Mounts an empty tmpfs on a directory and opens it.
fn cover(directory: &str) -> Result<OwnedFd, Fail> {
    let flags = MountFlags::NOSUID | MountFlags::STRICTATIME;
    mount("aseqd", directory, "tmpfs", flags, c"mode=755,size=1m").map_err(no_mount(directory))?;
    openat(CWD, directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .with_context(|| format!("{directory} cannot be opened"))
}

impl Files<'_> {
    /// Mounts the files on a directory.
    fn mount(&self, target: &str) -> Result<(), Fail> {
        match self {
            Self::Own { fuse, keeper } => {
                let options = chardev::MountOptions::new(mounts::NAME);
                chardev::mount(fuse.as_fd(), Path::new(target), &options).map_err(|error| {
                    no_mount(target)(Errno::from_io_error(&error).unwrap_or(Errno::IO))
                })?;
                keeper.door(Some(fuse.as_fd()))
            }
            Self::Joined(tree) => {
                let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
                move_mount(tree, "", CWD, target, flags).map_err(no_mount(target))
            }
        }
    }
}

/// Returns whether several opens of a file may share its inode. From Linux 6.2 on writes to one inode run in parallel,
/// and the file itself can be bound.
fn shares_inodes() -> bool {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(2))
}
