//! The threads whose calls wait: what their descriptors are, which signals they have.

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

/// How many threads are remembered.
const REMEMBERED: usize = 256;

/// A pidfd that is of one thread (Linux 6.9), and dies with it.
const PIDFD_THREAD: PidfdFlags = PidfdFlags::from_bits_retain(OFlags::EXCL.bits());

/// What a descriptor of a thread is.
#[derive(Debug)]
pub(in crate::door) struct Found {
    pub(in crate::door) identity: Identity,
    pub(in crate::door) nonblock: bool,
    /// The same open file, where this process may take it.
    pub(in crate::door) copy: Option<OwnedFd>,
}

/// Does a thread have a signal to handle, for which it would leave a call?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::door) enum Signalled {
    No,
    /// It will handle one when it leaves.
    Yes,
    /// It, or another thread of its process.
    Perhaps,
}

/// Who asks whether something may be done.
#[derive(Debug)]
pub(in crate::door) struct User {
    pub(in crate::door) id: u32,
    pub(in crate::door) groups: Vec<u32>,
}

/// A thread; both descriptors are of it alone, not of one that has its number later.
#[derive(Debug)]
pub(in crate::door) struct Target {
    /// Its directory in procfs.
    directory: OwnedFd,
    pidfd: Option<OwnedFd>,
}

/// The threads that called of late, and the file systems that may be looked at for them.
#[derive(Debug, Default)]
pub(in crate::door) struct Targets {
    recent: HashMap<i32, Target>,
    locals: Locals,
}

impl Targets {
    /// Looks a descriptor of a waiting thread up.
    ///
    /// # Errors
    /// `EBADF`, or `ESRCH` if the thread is gone.
    pub(in crate::door) fn find(&mut self, thread: i32, number: i32) -> Result<Found, Errno> {
        self.with(thread, |target| target.find(number))
    }

    /// May this process take descriptors out of the thread's table?
    pub(in crate::door) fn lends(&mut self, thread: i32) -> bool {
        self.with(thread, |target| match target.take(i32::MAX) {
            Err(Errno::BADF) => Ok(true),
            Err(Errno::SRCH) => Err(Errno::SRCH),
            _ => Ok(false),
        })
        .unwrap_or(false)
    }

    /// A number of this range that is free in the thread's table: the lowest, so that files which a program
    /// leaves open end in the order in which it has opened them.
    ///
    /// # Errors
    /// `EMFILE` if there is none.
    pub(in crate::door) fn free(&mut self, thread: i32, range: &Range<i32>) -> Result<i32, Errno> {
        self.with(thread, |target| {
            for number in range.clone() {
                if !target.has(number)? {
                    return Ok(number);
                }
            }
            Err(Errno::MFILE)
        })
    }

    /// A link in the thread's directory of procfs: `cwd`, `root`, `fd/3`.
    ///
    /// # Errors
    /// `ENOENT` if nothing is there.
    pub(in crate::door) fn link(&mut self, thread: i32, name: &str) -> Result<PathBuf, Errno> {
        self.with(thread, |target| {
            let link = target.alive(readlinkat(&target.directory, name, Vec::new()))?;
            Ok(PathBuf::from(OsString::from_vec(link.into_bytes())))
        })
    }

    /// Which file a descriptor is of that procfs shows, at this path as the thread sees it.
    ///
    /// # Errors
    /// `ENOENT` if none is.
    pub(in crate::door) fn descriptor(
        &mut self,
        thread: i32,
        path: &Path,
    ) -> Result<Identity, Errno> {
        let path = Path::new("root").join(path.strip_prefix("/").unwrap_or(path));
        self.with(thread, |target| target.alive(target.identity(&path)))
    }

    /// Which file a descriptor of the thread is of.
    ///
    /// # Errors
    /// `ENOENT` if it has none.
    pub(in crate::door) fn file(&mut self, thread: i32, number: i32) -> Result<Identity, Errno> {
        let path = PathBuf::from(format!("fd/{number}"));
        self.with(thread, |target| target.alive(target.identity(&path)))
    }

    /// What is at a path, as the thread sees it, so far as that is known without waiting.
    ///
    /// # Errors
    /// As [`Locals::peek`]'s.
    pub(in crate::door) fn peek(&mut self, thread: i32, path: &Path) -> Result<Peeked, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = self.with(thread, |target| {
            target.alive(openat(&target.directory, "root", flags, Mode::empty()))
        })?;
        self.locals.peek(&root, path)
    }

    /// Where a symbolic link points to, if it is one.
    pub(in crate::door) fn target_of(&self, peeked: &Peeked) -> Option<PathBuf> {
        self.locals.link(peeked)
    }

    /// Opens a directory at a path, as the thread sees it, if that is on a local file system.
    ///
    /// # Errors
    /// Those of `openat(2)`.
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

    /// What `stat` shows of a path, as the thread sees it, if that is on a local file system.
    ///
    /// # Errors
    /// Those of `stat(2)`.
    pub(in crate::door) fn stat(&mut self, thread: i32, path: &Path) -> Result<Stat, Errno> {
        let peeked = self.peek(thread, path)?;
        if !self.locals.is_local(&peeked) {
            return Err(Errno::AGAIN);
        }
        fstat(&peeked.file)
    }

    /// Who a thread is: by its real ids, or by those that count for opens.
    pub(in crate::door) fn user(&mut self, thread: i32, effective: bool) -> Option<User> {
        let status = self.with(thread, |target| target.status()).ok()?;
        let at = usize::from(effective);
        let (id, group) = (*status.users.get(at)?, *status.groups.get(at)?);
        Some(User { id, groups: status.other_groups.into_iter().chain([group]).collect() })
    }

    /// The process of a thread; the thread's own number if it is gone.
    pub(in crate::door) fn process(&mut self, thread: i32) -> i32 {
        let status = self.with(thread, |target| target.status());
        status.ok().and_then(|status| status.process).unwrap_or(thread)
    }

    /// Looks for signals of a thread whose call waits.
    pub(in crate::door) fn signalled(&mut self, thread: i32) -> Signalled {
        let Ok(status) = self.with(thread, |target| target.status()) else { return Signalled::No };
        if status.own & !status.blocked != 0 {
            return Signalled::Yes;
        }
        let leader = status.process.unwrap_or(thread);
        let shared = status.shared & !status.blocked;
        if leader == thread {
            return if shared == 0 { Signalled::No } else { Signalled::Yes };
        }
        // The kernel gives a signal to the first thread if that takes it, else to any of the others.
        let Ok(first) = self.with(leader, |target| target.status()) else {
            return if shared == 0 { Signalled::No } else { Signalled::Perhaps };
        };
        if first.stopped {
            return Signalled::Yes;
        }
        if shared & first.blocked == 0 { Signalled::No } else { Signalled::Perhaps }
    }

    /// With what is known of the thread; once more with fresh knowledge if that was of another.
    fn with<T>(
        &mut self,
        thread: i32,
        mut ask: impl FnMut(&Target) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        if let Some(target) = self.recent.get(&thread) {
            match ask(target) {
                Err(Errno::SRCH) => drop(self.recent.remove(&thread)),
                result => return result,
            }
        }
        let target = Target::new(thread)?;
        let result = ask(&target);
        if self.recent.len() >= REMEMBERED {
            self.recent.clear();
        }
        self.recent.insert(thread, target);
        result
    }
}

impl Target {
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
                let path = PathBuf::from(format!("fd/{number}"));
                let identity = self.alive(self.identity(&path)).map_err(|error| match error {
                    Errno::NOENT => Errno::BADF,
                    error => error,
                })?;
                let nonblock = self.flags(number)?.contains(OFlags::NONBLOCK);
                Ok(Found { identity, nonblock, copy: None })
            }
        }
    }

    /// A copy of a descriptor.
    fn take(&self, number: i32) -> Result<OwnedFd, Errno> {
        if let Some(pidfd) = &self.pidfd {
            return pidfd_getfd(pidfd, number, PidfdGetfdFlags::empty());
        }
        // Before Linux 6.9 only the first thread of a process has one. Its number is looked up each
        // time: this thread's may be another process's meanwhile.
        let leader = self.status()?.process.and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
        let pidfd = pidfd_open(leader, PidfdFlags::empty())?;
        pidfd_getfd(&pidfd, number, PidfdGetfdFlags::empty())
    }

    /// Is there something at a number?
    fn has(&self, number: i32) -> Result<bool, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        match self.alive(statat(&self.directory, format!("fd/{number}"), flags)) {
            Err(Errno::NOENT) => Ok(false),
            result => result.map(|_| true),
        }
    }

    /// Which file is behind a link below this directory.
    fn identity(&self, path: &Path) -> Result<Identity, Errno> {
        identify(&self.directory, path, AtFlags::empty()).map(|(identity, _)| identity)
    }

    /// Of what is not there: is it that, or is the thread gone?
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

/// What procfs says of a thread.
#[derive(Debug)]
struct Status {
    process: Option<i32>,
    /// Real, effective, saved, and for files.
    users: Vec<u32>,
    /// The same of groups.
    groups: Vec<u32>,
    other_groups: Vec<u32>,
    /// Signals that wait for this thread.
    own: u64,
    /// Signals that wait for any thread of its process.
    shared: u64,
    blocked: u64,
    stopped: bool,
}
