//! Finds mounts of ours in the kernel's list of mounts, and asks whether their servers still live.
//!
//! A FUSE file cannot be asked whether its server lives: `stat` is answered from the kernel's cache for as
//! long as the mount stands, and any other call waits for the server. So the list of mounts
//! (`/proc/self/mountinfo`) says whose a mount is, and a process of its own asks the server, with a
//! deadline.

use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::{Fork, exit_now, fork};
use aseqd_host::statx_flags;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, StatxFlags, Uid, openat, statx};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use rustix::process::{Signal, WaitOptions, kill_process, waitpid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use rustix::time::Timespec;
use std::fs;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

/// The source of every mount of ours, and its type behind `fuse.`.
pub const NAME: &str = "aseqd";

/// How long a server may take to answer, in seconds. One that is stopped or hangs never does; a live one
/// takes microseconds, or a few milliseconds on a busy machine.
const PATIENCE_SECONDS: i64 = 5;

/// Opens `/dev/fuse`, to mount a file system that is served from here.
///
/// # Errors
/// A sentence if there is no such file, it is not allowed, or the kernel has no FUSE, with what to do.
pub fn open_fuse() -> Result<OwnedFd, Fail> {
    chardev::open_fuse().map_err(|error| no_fuse(&error))
}

fn no_fuse(error: &std::io::Error) -> Fail {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => {
            "load it with `modprobe fuse`; in a container, add `--device /dev/fuse --cap-add SYS_ADMIN`"
        }
        std::io::ErrorKind::PermissionDenied => {
            "run as root, or let users open it with `chmod 666 /dev/fuse`, as distributions do"
        }
        _ => "it takes the kernel's module fuse",
    };
    Fail::new(format!("/dev/fuse cannot be opened ({}): {hint}", reason(error)))
}

/// A mount of ours.
#[derive(Debug)]
pub struct Mount {
    /// Its root, opened with `O_PATH`: that asks nothing of the server.
    root: OwnedFd,
    line: Line,
}

/// Whether the server of a mount lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerState {
    /// It answers.
    Lives,
    /// It is gone: every call on the mount fails.
    Dead,
    /// It does not answer in time. It may be stopped.
    Silent,
    /// It serves another user alone, and this process may not ask it.
    OfAnother {
        /// The user that mounted it.
        user: u32,
    },
}

impl Mount {
    /// Returns the mount of ours whose root is at this path, if there is one. With several on top of each other,
    /// it is the one that programs see.
    ///
    /// # Errors
    /// If `/proc` cannot be read.
    pub fn at(path: &Path) -> Result<Option<Self>, Fail> {
        let Ok(root) = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) else {
            // Nothing is there, or nothing that this process could change.
            return Ok(None);
        };
        let about = format!("/proc/self/fdinfo/{}", root.as_raw_fd());
        let about = fs::read_to_string(&about).context(&about)?;
        let id = about.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
        let table = fs::read_to_string("/proc/self/mountinfo").context("/proc/self/mountinfo")?;
        let line = table.lines().filter_map(Line::of).find(|line| Some(line.id) == id);
        Ok(line.filter(Line::is_ours).map(|line| Self { root, line }))
    }

    /// Returns the device number of its file system, as `major:minor`: binds of one mount share it.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.line.device
    }

    /// Returns whether only the user who mounted it may use it.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        !self.line.allow_other
    }

    /// Returns the user who mounted it, as this process's user namespace numbers them.
    #[must_use]
    pub const fn user(&self) -> u32 {
        self.line.user
    }

    /// Unmounts it: this mount, whatever is at the path by now. A user other than root needs a helper, which takes
    /// the path.
    ///
    /// # Errors
    /// The errors of [`chardev::unmount`].
    pub fn unmount(&self, path: &Path) -> std::io::Result<()> {
        let root = format!("/proc/self/fd/{}", self.root.as_raw_fd());
        match rustix::mount::unmount(root, UnmountFlags::DETACH) {
            Err(Errno::PERM) => chardev::unmount(path),
            result => Ok(result?),
        }
    }

    /// Asks whether the server lives. Waits for at most 5 s (`PATIENCE_SECONDS`).
    ///
    /// # Errors
    /// If no process can be started to ask.
    pub fn server(&self) -> Result<ServerState, Fail> {
        let flags = rustix::pipe::PipeFlags::CLOEXEC;
        let (reader, writer) = rustix::pipe::pipe_with(flags).context("a pipe cannot be made")?;
        let child = match fork().context("a process cannot be started")? {
            Fork::Child => {
                let errno = self.ask().map_or_else(Errno::raw_os_error, |()| 0);
                let _gone = rustix::io::write(&writer, &errno.to_ne_bytes());
                exit_now(0);
            }
            Fork::Parent(child) => child,
        };
        drop(writer);
        let mut ready = [PollFd::new(&reader, PollFlags::IN)];
        let limit = Timespec { tv_sec: PATIENCE_SECONDS, tv_nsec: 0 };
        let answered = rustix::io::retry_on_intr(|| poll(&mut ready, Some(&limit)));
        if answered.context("cannot wait for a process")? == 0 {
            // It ends once the server has answered or is gone: nobody waits for that.
            let _ended = kill_process(child, Signal::KILL);
            return Ok(ServerState::Silent);
        }
        let mut errno = [0; size_of::<i32>()];
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&reader, &mut errno));
        let _reaped = rustix::io::retry_on_intr(|| waitpid(Some(child), WaitOptions::empty()));
        if read.context("no word from a process")? != errno.len() {
            return Err(Fail::new("the process that asked a server has died"));
        }
        Ok(match Errno::from_raw_os_error(i32::from_ne_bytes(errno)) {
            Errno::NOTCONN | Errno::CONNABORTED => ServerState::Dead,
            Errno::ACCESS => ServerState::OfAnother { user: self.line.user },
            _ => ServerState::Lives,
        })
    }

    /// Asks what the kernel cannot answer from its cache. To be called in a process that ends after it.
    fn ask(&self) -> Result<(), Errno> {
        let stat = || {
            let flags = AtFlags::EMPTY_PATH | statx_flags::FORCE_SYNC;
            statx(&self.root, "", flags, StatxFlags::MODE).map(drop)
        };
        match stat() {
            // Not even root may use what another user has mounted without `allow_other`.
            Err(Errno::ACCESS) => {
                let Line { user, group, .. } = self.line;
                let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
                set_thread_groups(&[])
                    .and_then(|()| set_thread_res_gid(group, group, group))
                    .and_then(|()| set_thread_res_uid(user, user, user))
                    .map_err(|_| Errno::ACCESS)?;
                stat()
            }
            result => result,
        }
    }
}

/// Unmounts all mounts of ours at a path whose servers are dead, so that a new one can be mounted there.
///
/// # Errors
/// If a server lives there, does not answer, or serves another user; if a dead mount cannot be unmounted.
pub fn clear(path: &Path) -> Result<(), Fail> {
    while let Some(mount) = Mount::at(path)? {
        let place = path.display();
        match mount.server()? {
            ServerState::Dead => {}
            // Another one on top would hide it from everybody who comes later.
            ServerState::Lives => return Err(Fail::new(format!("{place} is served already"))),
            ServerState::Silent => {
                return Err(Fail::new(format!(
                    "{place} is served already, by a server that has not answered for \
                     {PATIENCE_SECONDS} s: end it first"
                )));
            }
            ServerState::OfAnother { user } => {
                return Err(Fail::new(format!(
                    "{place} is a mount of user {user}, who alone can tell whether it is served: unmount \
                     it, or serve another folder"
                )));
            }
        }
        mount.unmount(path).with_context(|| {
            format!("{place} is left over from a server that has ended, and cannot be unmounted")
        })?;
    }
    Ok(())
}

/// A line of `/proc/self/mountinfo` (`proc(5)`).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    id: u32,
    device: String,
    kind: String,
    source: String,
    user: u32,
    group: u32,
    allow_other: bool,
}

impl Line {
    fn of(line: &str) -> Option<Self> {
        // Optional fields end with a lone dash; names have their blanks as \040.
        let (first, second) = line.split_once(" - ")?;
        let mut first = first.split(' ');
        let id = first.next()?.parse().ok()?;
        let device = first.nth(1)?.to_owned();
        let mut second = second.split(' ');
        let (kind, source) = (second.next()?.to_owned(), second.next()?.to_owned());
        let options = second.next().unwrap_or_default();
        let number = |name: &str| {
            let mut values = options.split(',').filter_map(|option| option.strip_prefix(name));
            values.next().and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        Some(Self {
            id,
            device,
            kind,
            source,
            user: number("user_id="),
            group: number("group_id="),
            allow_other: options.split(',').any(|option| option == "allow_other"),
        })
    }

    fn is_ours(&self) -> bool {
        self.kind.strip_prefix("fuse.") == Some(NAME) && self.source == NAME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernels_list_says_whose_a_mount_is() {
        let line = "64 63 0:40 /seq /dev/a\\040b rw,nosuid shared:3 master:2 - fuse.aseqd aseqd \
                    rw,user_id=1000,group_id=100,default_permissions,allow_other";
        let read = Line::of(line).unwrap();
        let wanted = Line {
            id: 64,
            device: "0:40".into(),
            kind: "fuse.aseqd".into(),
            source: "aseqd".into(),
            user: 1000,
            group: 100,
            allow_other: true,
        };
        assert_eq!(read, wanted);
        assert!(read.is_ours());
        for other in [
            "22 27 0:21 / /proc rw,relatime - proc proc rw",
            "22 27 0:21 / /x rw - fuse.sshfs aseqd rw,user_id=0",
            "22 27 0:21 / /x rw - fuse.aseqd other rw,user_id=0",
        ] {
            assert!(!Line::of(other).unwrap().is_ours(), "{other}");
        }
        assert_eq!(Line::of("no line"), None);
    }

    #[test]
    fn what_is_no_mount_of_ours_is_none() {
        for path in ["/", "/proc", "/proc/self/status", "/nonexistent"] {
            assert!(Mount::at(Path::new(path)).unwrap().is_none(), "{path}");
        }
    }
}
