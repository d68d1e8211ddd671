//! `run --join DIR`: lets the command use the sequencer that another server serves in DIR.
//!
//! Only doors that need no server of their own can do this: the files of DIR are bound to `/dev/snd` where the command
//! alone sees it, or handed over to its opens.

use aseqd_client::ioctl::ioctl;
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_server::door::NODES;
use aseqd_server::mounts::{Mount, ServerState};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use std::fs;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

/// Opens the folder, and checks that it has a sequencer that this user may use.
///
/// # Errors
/// A message if the folder cannot be opened, its server has ended, does not answer or serves another user alone, or
/// this user may not open its files. It says what to do.
pub(super) fn look(folder: &Path) -> Result<OwnedFd, Fail> {
    let place = folder.display();
    // The list of mounts first: any call on the folder itself would wait for a server that hangs.
    if let Some(mount) = Mount::at(folder)? {
        judge(&mount, folder)?;
    }
    let opened =
        openat(CWD, folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let directory = opened.map_err(|error| match error {
        Errno::NOTDIR => no_folder(folder),
        error => Fail::new(format!("{place} cannot be joined: {}", reason(&error))),
    })?;
    let (node, _) = NODES[0];
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(&directory, node, flags, Mode::empty());
    let file = file.map_err(|error| match error {
        Errno::NOENT => Fail::new(format!(
            "{place} has no sequencer: start one with `aseqd serve --mount {place}`"
        )),
        Errno::ACCESS | Errno::PERM => not_allowed(folder, node),
        error => Fail::new(format!("{place}/{node} cannot be opened: {}", reason(&error))),
    })?;
    let mut version = 0_i32;
    ioctl(file.as_fd(), aseqd_abi::ioctl::sequencer::PVERSION, &mut version)
        .map_err(|_| Fail::new(format!("{place}/{node} is no sequencer")))?;
    Ok(directory)
}

/// Checks that the server of a mount lives and serves this user.
///
/// # Errors
/// A message if it does not.
fn judge(mount: &Mount, folder: &Path) -> Result<(), Fail> {
    let place = folder.display();
    let server = mount.server()?;
    let own = rustix::process::geteuid().as_raw();
    let user = mount.user();
    match server {
        ServerState::Dead => Err(Fail::new(format!(
            "{place} is left over from a server that has ended: start `aseqd serve --mount {place}` again"
        ))),
        ServerState::Silent => Err(Fail::new(format!(
            "{place} is served, but its server does not answer: is it stopped?"
        ))),
        ServerState::Lives | ServerState::OfAnother { .. } if mount.is_private() && user != own => {
            Err(Fail::new(format!(
                "{place} is served to user {user} alone: others can join where /etc/fuse.conf has \
                 `user_allow_other`, or if root serves it"
            )))
        }
        ServerState::Lives | ServerState::OfAnother { .. } => Ok(()),
    }
}

/// Returns the message for a path that is no folder.
fn no_folder(path: &Path) -> Fail {
    let socket = fs::metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let place = path.display();
    Fail::new(if socket {
        format!("{place} is a socket: only the folder of an `aseqd serve --mount` can be joined")
    } else {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or_else(|| Path::new(".")).display();
        format!("{place} is a file: give the folder of an `aseqd serve --mount`, perhaps {parent}")
    })
}

/// Returns the message for a file that this user may not open.
fn not_allowed(folder: &Path, node: &str) -> Fail {
    let path = folder.join(node);
    let whose = fs::metadata(&path).map(|file| {
        let (mode, uid, gid) = (file.mode() & 0o777, file.uid(), file.gid());
        format!(" (mode {mode:04o}, user {uid}, group {gid})")
    });
    Fail::new(format!(
        "this user may not open {}{}: serve it with another `--mode`, `--owner` or `--group`",
        path.display(),
        whose.unwrap_or_default()
    ))
}

/// Copies the folder's mount, so that it can be attached elsewhere in the mount namespace of this process.
///
/// # Errors
/// A message if the kernel refuses.
pub(super) fn copy(folder: &Path) -> Result<OwnedFd, Fail> {
    use rustix::mount::{OpenTreeFlags, open_tree};
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    open_tree(CWD, folder, flags).with_context(|| format!("{} cannot be bound", folder.display()))
}
