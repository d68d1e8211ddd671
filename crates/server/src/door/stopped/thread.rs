//! Threads whose calls are stopped: what their descriptors are, who they are, and which signals wait for them.

use super::identity::{Identity, identify};
use super::peek::{Locals, Peeked};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use std::collections::HashMap;
use std::ffi::OsString;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// Maximum number of threads whose procfs directories are kept open. If there are more, all are forgotten.
const MAX_REMEMBERED: usize = 256;

/// `PIDFD_THREAD` (Linux 6.9): a pidfd of one thread, which ends with it.
const PIDFD_THREAD: PidfdFlags = PidfdFlags::from_bits_retain(OFlags::EXCL.bits());

/// A descriptor of a thread, as found by its number.
#[derive(Debug)]
pub(in crate::door) struct Found {
    pub(in crate::door) identity: Identity,
    pub(in crate::door) nonblock: bool,
    /// A copy of the descriptor, if this process may take one.
    pub(in crate::door) copy: Option<OwnedFd>,
}

/// Whether a signal waits for a thread, for which it would leave a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::door) enum Signalled {
    /// No signal waits.
    No,
    /// A signal waits that the thread will handle when it leaves the call.
    Yes,
    /// A signal waits that this thread or another one of its process will handle.
    Perhaps,
}

/// The user and the groups of a thread, for checks of permissions.
#[derive(Debug)]
pub(in crate::door) struct User {
    pub(in crate::door) id: u32,
    pub(in crate::door) groups: Vec<u32>,
}

/// A thread. Its descriptors are of this thread alone, not of a later one with the same number.
#[derive(Debug)]
pub(in crate::door) struct StoppedThread {
    /// The thread's directory in procfs.
    directory: OwnedFd,
    pidfd: Option<OwnedFd>,
}

/// The threads that called recently, and the file systems that may be looked at for them.
#[derive(Debug, Default)]
pub(in crate::door) struct StoppedThreads {
    recent: HashMap<i32, StoppedThread>,
    locals: Locals,
}

impl StoppedThreads {
    /// Finds a descriptor of a thread.
    ///
    /// # Errors
    /// `EBADF` if it is not open, `ESRCH` if the thread is gone.
    pub(in crate::door) fn find(&mut self, thread: i32, number: i32) -> Result<Found, Errno> {
        self.with(thread, |stopped| stopped.find(number))
    }

    /// Returns which file a descriptor of a thread is of. Unlike [`find`](Self::find) it takes no copy, because to close
    /// one may have to wait for the server of the file's file system.
    ///
    /// # Errors
    /// `EBADF` if it is not open, `ESRCH` if the thread is gone.
    pub(in crate::door) fn identity(
        &mut self,
        thread: i32,
        number: i32,
    ) -> Result<Identity, Errno> {
        self.with(thread, |stopped| stopped.identity_of(number))
    }

    /// Returns whether this process may take copies of the thread's descriptors.
    pub(in crate::door) fn lends(&mut self, thread: i32) -> bool {
        self.with(thread, |stopped| match stopped.take(i32::MAX) {
            Err(Errno::BADF) => Ok(true),
            Err(Errno::SRCH) => Err(Errno::SRCH),
            _ => Ok(false),
        })
        .unwrap_or(false)
    }

    /// Returns the lowest number of a range that is free in the thread's table. It is the lowest so that files
    /// which a program leaves open are closed in the order in which it has opened them.
    ///
    /// # Errors
    /// `EMFILE` if none is free, `ESRCH` if the thread is gone.
    pub(in crate::door) fn free(&mut self, thread: i32, range: &Range<i32>) -> Result<i32, Errno> {
        self.with(thread, |stopped| {
            for number in range.clone() {
                if !stopped.has(number)? {
                    return Ok(number);
                }
            }
            Err(Errno::MFILE)
        })
    }

    /// Returns the target of a link in the thread's directory of procfs: `cwd`, `root`, `fd/3`.
    ///
    /// # Errors
    /// `ENOENT` if there is no such link, `EACCES` if this process must not look, `ESRCH` if the thread is gone.
    pub(in crate::door) fn link(&mut self, thread: i32, name: &str) -> Result<PathBuf, Errno> {
        self.with(thread, |stopped| {
            let link = stopped.alive(readlinkat(&stopped.directory, name, Vec::new()))?;
            Ok(PathBuf::from(OsString::from_vec(link.into_bytes())))
        })
    }

    /// Returns the file of a descriptor by its path in procfs, as the thread sees it.
    ///
    /// # Errors
    /// `ENOENT` if there is no such descriptor, `EACCES` if this process must not look, `ESRCH` if the thread is
    /// gone.
    pub(in crate::door) fn descriptor(
        &mut self,
        thread: i32,
        path: &Path,
    ) -> Result<Identity, Errno> {
        let path = Path::new("root").join(path.strip_prefix("/").unwrap_or(path));
        self.with(thread, |stopped| stopped.alive(stopped.identity(&path)))
    }

    /// Returns the file of one of the thread's descriptors.
    ///
    /// # Errors
    /// `ENOENT` if it is not open, `EACCES` if this process must not look, `ESRCH` if the thread is gone.
    pub(in crate::door) fn file(&mut self, thread: i32, number: i32) -> Result<Identity, Errno> {
        let path = PathBuf::from(format!("fd/{number}"));
        self.with(thread, |stopped| stopped.alive(stopped.identity(&path)))
    }

    /// Opens the file at a path, as the thread sees it, if that needs no waiting.
    ///
    /// # Errors
    /// The errors of [`Locals::peek`], and `ESRCH` if the thread is gone.
    pub(in crate::door) fn peek(&mut self, thread: i32, path: &Path) -> Result<Peeked, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = self.with(thread, |stopped| {
            stopped.alive(openat(&stopped.directory, "root", flags, Mode::empty()))
        })?;
        self.locals.peek(&root, path)
    }

    /// Returns the target of a symbolic link; `None` for other files and where reading it might wait.
    pub(in crate::door) fn link_target(&self, peeked: &Peeked) -> Option<PathBuf> {
        self.locals.link(peeked)
    }

    /// Opens a directory at a path, as the thread sees it.
    ///
    /// # Errors
    /// `EAGAIN` if it is not on a local file system, and those of [`peek`](Self::peek) and `openat(2)`.
    pub(in crate::door) fn open_directory(
        &mut self,
        thread: i32,
        path: &Path,
        flags: OFlags,
    ) -> Result<OwnedFd, Errno> {
        let peeked = self.peek(thread, path)?;
        if !self.locals.is_local(&peeked) {
            return Err(Errno::AGAIN);
        }
        openat(&peeked.file, ".", flags | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    }

    /// Returns what `stat` shows of a path, as the thread sees it.
    ///
    /// # Errors
    /// `EAGAIN` if it is not on a local file system, and those of [`peek`](Self::peek).
    pub(in crate::door) fn stat(&mut self, thread: i32, path: &Path) -> Result<Stat, Errno> {
        let peeked = self.peek(thread, path)?;
        if !self.locals.is_local(&peeked) {
            return Err(Errno::AGAIN);
        }
        fstat(&peeked.file)
    }

    /// Returns the user and groups of a thread: its real ones, or those that count for opens.
    pub(in crate::door) fn user(&mut self, thread: i32, effective: bool) -> Option<User> {
        let status = self.with(thread, |stopped| stopped.status()).ok()?;
        let at = usize::from(effective);
        let (id, group) = (*status.users.get(at)?, *status.groups.get(at)?);
        Some(User { id, groups: status.other_groups.into_iter().chain([group]).collect() })
    }

    /// Returns the process of a thread, or the thread's own number if it is gone.
    pub(in crate::door) fn process(&mut self, thread: i32) -> i32 {
        let status = self.with(thread, |stopped| stopped.status());
        status.ok().and_then(|status| status.process).unwrap_or(thread)
    }

    /// Returns whether signals wait for a thread whose call waits.
    pub(in crate::door) fn signalled(&mut self, thread: i32) -> Signalled {
        let Ok(status) = self.with(thread, |stopped| stopped.status()) else {
            return Signalled::No;
        };
        if status.own & !status.blocked != 0 {
            return Signalled::Yes;
        }
        let leader = status.process.unwrap_or(thread);
        let shared = status.shared & !status.blocked;
        if leader == thread {
            return if shared == 0 { Signalled::No } else { Signalled::Yes };
        }
        // The kernel gives a signal to the first thread, or to any other one if that blocks it.
        let Ok(first) = self.with(leader, |stopped| stopped.status()) else {
            return if shared == 0 { Signalled::No } else { Signalled::Perhaps };
        };
        if first.stopped {
            return Signalled::Yes;
        }
        if shared & first.blocked == 0 { Signalled::No } else { Signalled::Perhaps }
    }

    /// Asks something about a thread; once more with fresh descriptors if the known ones are of an earlier thread.
    fn with<T>(
        &mut self,
        thread: i32,
        mut ask: impl FnMut(&StoppedThread) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        if let Some(stopped) = self.recent.get(&thread) {
            match ask(stopped) {
                Err(Errno::SRCH) => drop(self.recent.remove(&thread)),
                result => return result,
            }
        }
        let stopped = StoppedThread::new(thread)?;
        let result = ask(&stopped);
        if self.recent.len() >= MAX_REMEMBERED {
            self.recent.clear();
        }
        self.recent.insert(thread, stopped);
        result
    }
}

impl StoppedThread {
    fn new(thread: i32) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, format!("/proc/{thread}"), flags, Mode::empty())
            .map_err(|_| Errno::SRCH)?;
        let pid = Pid::from_raw(thread).ok_or(Errno::SRCH)?;
        let pidfd = pidfd_open(pid, PIDFD_THREAD).or_else(|_| pidfd_open(pid, PidfdFlags::empty()));
        Ok(Self { directory, pidfd: pidfd.ok() })
    }

    fn find(&self, number: i32) -> Result<Found, Errno> {
        match self.take(number) {
            Ok(copy) => Ok(Found {
                identity: identify(&copy, Path::new(""), AtFlags::EMPTY_PATH)?.0,
                nonblock: rustix::fs::fcntl_getfl(&copy)?.contains(OFlags::NONBLOCK),
                copy: Some(copy),
            }),
            Err(error @ (Errno::SRCH | Errno::BADF)) => Err(error),
            Err(_) => {
                let identity = self.identity_of(number)?;
                let nonblock = self.flags(number)?.contains(OFlags::NONBLOCK);
                Ok(Found { identity, nonblock, copy: None })
            }
        }
    }

    /// Returns which file a descriptor is of.
    fn identity_of(&self, number: i32) -> Result<Identity, Errno> {
        let path = PathBuf::from(format!("fd/{number}"));
        self.alive(self.identity(&path)).map_err(|error| match error {
            Errno::NOENT => Errno::BADF,
            error => error,
        })
    }

    /// Takes a copy of a descriptor.
    fn take(&self, number: i32) -> Result<OwnedFd, Errno> {
        if let Some(pidfd) = &self.pidfd {
            return pidfd_getfd(pidfd, number, PidfdGetfdFlags::empty());
        }
        // Before Linux 6.9 only the first thread of a process has a pidfd. Its number is looked up each time,
        // because the kernel may have given it to another process.
        let leader = self.status()?.process.and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
        let pidfd = pidfd_open(leader, PidfdFlags::empty())?;
        pidfd_getfd(&pidfd, number, PidfdGetfdFlags::empty())
    }

    /// Returns whether a descriptor is open at a number.
    fn has(&self, number: i32) -> Result<bool, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        match self.alive(statat(&self.directory, format!("fd/{number}"), flags)) {
            Err(Errno::NOENT) => Ok(false),
            result => result.map(|_| true),
        }
    }

    /// Returns the file behind a link below this directory.
    fn identity(&self, path: &Path) -> Result<Identity, Errno> {
        identify(&self.directory, path, AtFlags::empty()).map(|(identity, _)| identity)
    }

    /// Turns `ENOENT` into `ESRCH` if it is the thread that is gone.
    fn alive<T>(&self, result: Result<T, Errno>) -> Result<T, Errno> {
        if matches!(result, Err(Errno::NOENT)) {
            statat(&self.directory, "fd", AtFlags::empty()).map_err(|_| Errno::SRCH)?;
        }
        result
    }

    fn flags(&self, number: i32) -> Result<OFlags, Errno> {
        let info = self.text(&format!("fdinfo/{number}"))?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        flags.map(OFlags::from_bits_retain).ok_or(Errno::BADF)
    }

    fn status(&self) -> Result<Status, Errno> {
        let text = self.text("status")?;
        let field =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let ids = |name: &str| -> Vec<u32> {
            let ids = field(name).unwrap_or_default().split_whitespace();
            ids.filter_map(|id| id.parse().ok()).collect()
        };
        let set = |name| field(name).and_then(|set| u64::from_str_radix(set, 16).ok()).unwrap_or(0);
        Ok(Status {
            process: field("Tgid:").and_then(|number| number.parse().ok()),
            users: ids("Uid:"),
            groups: ids("Gid:"),
            other_groups: ids("Groups:"),
            own: set("SigPnd:"),
            shared: set("ShdPnd:"),
            blocked: set("SigBlk:"),
            stopped: field("State:").is_some_and(|state| state.starts_with('T')),
        })
    }

    fn text(&self, name: &str) -> Result<String, Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(&self.directory, name, flags, Mode::empty())
            .map_err(|error| if error == Errno::NOENT { Errno::SRCH } else { error })?;
        let mut text = Vec::with_capacity(4096);
        loop {
            match rustix::io::read(&file, rustix::buffer::spare_capacity(&mut text)) {
                Ok(0) => return Ok(String::from_utf8_lossy(&text).into_owned()),
                Ok(_) => text.reserve(1024),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The fields of `/proc/PID/status` that matter here.
#[derive(Debug)]
struct Status {
    process: Option<i32>,
    /// The real, effective, saved and file system user id.
    users: Vec<u32>,
    /// The same four group ids.
    groups: Vec<u32>,
    other_groups: Vec<u32>,
    /// The signals that wait for this thread.
    own: u64,
    /// The signals that wait for any thread of its process.
    shared: u64,
    blocked: u64,
    stopped: bool,
}
