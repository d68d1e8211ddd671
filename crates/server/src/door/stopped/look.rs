//! Looks at places of ours: `stat`, `access`, `readlink` and the like of their paths, and the directories
//! that they stand in. Both doors answer these alike.

use super::call::put;
use super::filter::ON_FILES;
use super::folder::{Folders, inode, list_with};
use super::identity::Identity;
use super::path::{Asking, Question, asking, low};
use super::place::{Folder, Goal};
use super::target::{Found, Targets, User};
use super::walk::{End, Known};
use aseqd_engine::Node;
use aseqd_host::memory::{self, Piece};
use aseqd_host::seccomp::{Listener, Notification};
use rustix::fs::inotify::{self, WatchFlags};
use rustix::fs::{
    AtFlags, CWD, FileType, MemfdFlags, Mode, OFlags, Stat, fstat, memfd_create, openat, statat,
};
use rustix::io::Errno;
use std::mem::offset_of;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The major number of sound devices, and the minor ones (`Documentation/admin-guide/devices.txt`).
const MAJOR: u32 = 116;
const SEQUENCER_MINOR: u32 = 1;
const TIMER_MINOR: u32 = 33;
const CONTROL_MINOR: u32 = 0;

/// What `stat` recommends as the size of a read, as for every device.
const BLOCK: u32 = 4096;

/// Directories in which nothing happens, for watches on directories that are not there.
const QUIET: [&str; 3] = ["/proc/self/ns", "/proc/self/net", "/proc/self/attr"];

/// What a call turned out to be.
#[derive(Debug)]
pub(in crate::door) enum Met {
    /// Not one of those that are met here, or not about a place of ours.
    Other,
    /// The kernel does it right.
    Native,
    /// The call returns this.
    Answer(Result<i64, Errno>),
    /// It is answered.
    Done,
    /// It opens a file of ours.
    Open { goal: Goal, flags: OFlags },
}

/// What the places look like, and who has their directories open.
#[derive(Debug)]
pub(in crate::door) struct Places {
    /// Permissions and owner of the device files.
    mode: u32,
    uid: u32,
    gid: u32,
    made: Time,
    /// Descriptors of programs that are stopped.
    range: Range<i32>,
    folders: Folders,
    /// Files that stand for places, where a descriptor names one without opening it.
    stand_ins: Vec<(Goal, OwnedFd, Identity)>,
}

#[derive(Clone, Copy, Debug)]
struct Time {
    seconds: i64,
    nanoseconds: u32,
}

/// What `stat` shows.
struct Looks {
    device: u64,
    inode: u64,
    mode: u32,
    links: u64,
    uid: u32,
    gid: u32,
    /// Of a device file.
    number: u64,
    size: u64,
    blocks: u64,
    accessed: Time,
    modified: Time,
    changed: Time,
}

impl Looks {
    /// Of a file of the kernel's.
    fn of(stat: &Stat) -> Self {
        // The widths of these differ between machines.
        fn narrow<T: Default>(value: impl TryInto<T>) -> T {
            value.try_into().unwrap_or_default()
        }
        fn time(seconds: i64, nanoseconds: impl TryInto<u32>) -> Time {
            Time { seconds, nanoseconds: narrow(nanoseconds) }
        }
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            mode: stat.st_mode,
            links: narrow(stat.st_nlink),
            uid: stat.st_uid,
            gid: stat.st_gid,
            number: stat.st_rdev,
            size: stat.st_size.cast_unsigned(),
            blocks: stat.st_blocks.cast_unsigned(),
            accessed: time(stat.st_atime, stat.st_atime_nsec),
            modified: time(stat.st_mtime, stat.st_mtime_nsec),
            changed: time(stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// `struct stat` of this machine, all of which are little endian.
    fn stat(&self) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<libc::stat>()];
        let mut set = |at: usize, value: u64, size: usize| {
            bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
        };
        set(offset_of!(libc::stat, st_dev), self.device, 8);
        set(offset_of!(libc::stat, st_ino), self.inode, 8);
        set(offset_of!(libc::stat, st_mode), self.mode.into(), 4);
        set(offset_of!(libc::stat, st_nlink), self.links, size_of::<libc::nlink_t>());
        set(offset_of!(libc::stat, st_uid), self.uid.into(), 4);
        set(offset_of!(libc::stat, st_gid), self.gid.into(), 4);
        set(offset_of!(libc::stat, st_rdev), self.number, 8);
        set(offset_of!(libc::stat, st_size), self.size, 8);
        set(offset_of!(libc::stat, st_blksize), BLOCK.into(), size_of::<libc::blksize_t>());
        set(offset_of!(libc::stat, st_blocks), self.blocks, 8);
        let accessed = offset_of!(libc::stat, st_atime);
        let modified = offset_of!(libc::stat, st_mtime);
        let changed = offset_of!(libc::stat, st_ctime);
        for (at, time) in
            [(accessed, self.accessed), (modified, self.modified), (changed, self.changed)]
        {
            set(at, time.seconds.cast_unsigned(), 8);
            set(at + 8, time.nanoseconds.into(), 8);
        }
        bytes
    }

    /// `struct statx`.
    fn statx(&self) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<libc::statx>()];
        let mut set = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        let mode = u16::try_from(self.mode).unwrap_or(0);
        let links = u32::try_from(self.links).unwrap_or(u32::MAX);
        set(offset_of!(libc::statx, stx_mask), &libc::STATX_BASIC_STATS.to_ne_bytes());
        set(offset_of!(libc::statx, stx_blksize), &BLOCK.to_ne_bytes());
        set(offset_of!(libc::statx, stx_nlink), &links.to_ne_bytes());
        set(offset_of!(libc::statx, stx_uid), &self.uid.to_ne_bytes());
        set(offset_of!(libc::statx, stx_gid), &self.gid.to_ne_bytes());
        set(offset_of!(libc::statx, stx_mode), &mode.to_ne_bytes());
        set(offset_of!(libc::statx, stx_ino), &self.inode.to_ne_bytes());
        set(offset_of!(libc::statx, stx_size), &self.size.to_ne_bytes());
        set(offset_of!(libc::statx, stx_blocks), &self.blocks.to_ne_bytes());
        let accessed = offset_of!(libc::statx, stx_atime);
        let modified = offset_of!(libc::statx, stx_mtime);
        let changed = offset_of!(libc::statx, stx_ctime);
        for (at, time) in
            [(accessed, self.accessed), (modified, self.modified), (changed, self.changed)]
        {
            set(at, &time.seconds.to_ne_bytes());
            set(at + 8, &time.nanoseconds.to_ne_bytes());
        }
        let major = offset_of!(libc::statx, stx_rdev_major);
        set(major, &libc::major(self.number).to_ne_bytes());
        set(major + 4, &libc::minor(self.number).to_ne_bytes());
        let major = offset_of!(libc::statx, stx_dev_major);
        set(major, &libc::major(self.device).to_ne_bytes());
        set(major + 4, &libc::minor(self.device).to_ne_bytes());
        bytes
    }
}

impl Places {
    /// # Errors
    /// `EMFILE`, `ENFILE`, `ENOMEM`.
    pub(in crate::door) fn new(range: Range<i32>) -> Result<Self, Errno> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(now.as_secs()).unwrap_or(0);
        Ok(Self {
            mode: 0o666,
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            made: Time { seconds, nanoseconds: now.subsec_nanos() },
            range,
            folders: Folders::new()?,
            stand_ins: Vec::new(),
        })
    }

    /// The files look like this one.
    pub(in crate::door) fn look_like(&mut self, file: &Stat) {
        self.mode = file.st_mode & 0o777;
        (self.uid, self.gid) = (file.st_uid, file.st_gid);
    }

    /// Readable when [`sweep`](Self::sweep) has something to do.
    pub(in crate::door) fn closed(&self) -> BorrowedFd<'_> {
        self.folders.as_fd()
    }

    /// Forgets the directories that programs have closed.
    pub(in crate::door) fn sweep(&mut self) {
        self.folders.sweep();
    }

    /// Meets a call with a path, and one on a descriptor of a directory or of a file that `device` knows.
    pub(in crate::door) fn meet(
        &mut self,
        listener: &Listener,
        call: &Notification,
        targets: &mut Targets,
        device: &dyn Fn(Identity) -> Option<Node>,
    ) -> Met {
        let met = match call.number {
            libc::SYS_getdents64 | libc::SYS_lseek | libc::SYS_fstat => {
                self.descriptor(listener, call, targets, device)
            }
            number if ON_FILES.contains(&number) => {
                self.descriptor(listener, call, targets, device)
            }
            libc::SYS_newfstatat if is_empty_path(call, 3) => {
                self.descriptor(listener, call, targets, device)
            }
            libc::SYS_statx if is_empty_path(call, 2) => {
                self.descriptor(listener, call, targets, device)
            }
            number if is_dup(number) => self.dup(listener, call, targets),
            _ => self.path(listener, call, targets, device),
        };
        met.unwrap_or_else(|error| Met::Answer(Err(error)))
    }

    /// What a call that is for files fails with, on a directory of ours or on a descriptor that only
    /// names a place.
    pub(in crate::door) fn refused(
        &self,
        identity: Identity,
        number: libc::c_long,
    ) -> Option<Errno> {
        if self.folders.known(identity).is_some() {
            return Some(match number {
                libc::SYS_read | libc::SYS_readv | libc::SYS_preadv2 => Errno::ISDIR,
                libc::SYS_ioctl => Errno::NOTTY,
                _ => Errno::BADF,
            });
        }
        let names = self.stand_ins.iter().any(|(_, _, own)| *own == identity);
        names.then_some(Errno::BADF)
    }

    fn known(&self, identity: Identity, device: &dyn Fn(Identity) -> Option<Node>) -> Option<Goal> {
        let stand_in = || {
            let mut all = self.stand_ins.iter();
            all.find(|(_, _, own)| *own == identity).map(|(goal, ..)| *goal)
        };
        device(identity)
            .map(Goal::Device)
            .or_else(|| self.folders.known(identity).map(Goal::Folder))
            .or_else(stand_in)
    }

    /// A call with a path.
    fn path(
        &mut self,
        listener: &Listener,
        call: &Notification,
        targets: &mut Targets,
        device: &dyn Fn(Identity) -> Option<Node>,
    ) -> Result<Met, Errno> {
        let known: &Known<'_> = &|identity| self.known(identity, device);
        let asked = asking(call, targets, known)?;
        let Some(Asking { end, question }) = asked else { return Ok(Met::Other) };
        if !listener.is_valid(call.id) {
            return Ok(Met::Done);
        }
        let goal = match end {
            End::Place(goal) => goal,
            End::Link(goal) => {
                // All else of a link in procfs is the kernel's.
                let Question::ReadLink { at, size } = question else { return Ok(Met::Native) };
                return Ok(Met::Answer(read_link(call.thread, goal, at, size)));
            }
            End::Around(path) => {
                let Ok(stat) = targets.stat(call.thread, &path) else {
                    return Ok(Met::Native);
                };
                let looks = Looks::of(&stat);
                let changes = |mode| mode & !(libc::R_OK | libc::X_OK) != 0;
                return Ok(match question {
                    Question::Stat(at) => answer(write(call.thread, at, &looks.stat())),
                    Question::Statx(at) => answer(write(call.thread, at, &looks.statx())),
                    Question::Access { mode, .. } if !changes(mode) => answer(Ok(())),
                    Question::Attributes { list } => answer(no_attributes(list)),
                    Question::ReadLink { .. } => answer(Err(Errno::INVAL)),
                    _ => Met::Native,
                });
            }
        };
        if let Goal::Folder(folder) = goal {
            let exists = targets.peek(call.thread, Path::new(folder.path())).is_ok();
            if let Question::Open(flags) = question {
                return self.open_folder(listener, call, targets, folder, flags, exists);
            }
            if exists {
                return Ok(Met::Native);
            }
        }
        let answered = match question {
            Question::Open(flags) if flags.contains(OFlags::PATH) => {
                return self.name(listener, call, targets, goal, flags);
            }
            Question::Open(flags) => return Ok(Met::Open { goal, flags }),
            Question::Stat(at) => write(call.thread, at, &self.looks(goal).stat()),
            Question::Statx(at) => {
                // Reserved, and both ways of asking at once.
                let (flags, mask) = (low(call.args[2]), low(call.args[3]));
                if mask < 0 || flags & 0x6000 == 0x6000 {
                    return Err(Errno::INVAL);
                }
                write(call.thread, at, &self.looks(goal).statx())
            }
            Question::Access { mode, effective } => {
                let user = targets.user(call.thread, effective);
                self.access(goal, mode, user.as_ref())
            }
            Question::ReadLink { .. } => Err(Errno::INVAL),
            Question::Attributes { list } => no_attributes(list),
            Question::Watch { instance, mask } => {
                return self.watch(call, targets, goal, instance, mask);
            }
        };
        Ok(answer(answered))
    }

    fn looks(&self, goal: Goal) -> Looks {
        let (kind, mode, links) = match goal {
            Goal::Device(_) => (FileType::CharacterDevice, self.mode, 1),
            Goal::Folder(Folder::Dev | Folder::Sound) => (FileType::Directory, 0o755, 2),
            Goal::Folder(_) => (FileType::Directory, 0o555, 2),
            Goal::Text(_) => (FileType::RegularFile, 0o444, 1),
        };
        let minor = match goal {
            Goal::Device(Node::Sequencer) => Some(SEQUENCER_MINOR),
            Goal::Device(Node::Timer) => Some(TIMER_MINOR),
            Goal::Device(Node::Control) => Some(CONTROL_MINOR),
            _ => None,
        };
        let below_dev = matches!(goal, Goal::Device(_) | Goal::Folder(Folder::Sound));
        let (uid, gid) = if below_dev { (self.uid, self.gid) } else { (0, 0) };
        Looks {
            // Where the files are said to be.
            device: statat(CWD, "/dev", AtFlags::empty()).map_or(0, |stat| stat.st_dev),
            inode: inode(goal),
            mode: kind.as_raw_mode() | mode,
            links,
            uid,
            gid,
            number: minor.map_or(0, |minor| libc::makedev(MAJOR, minor)),
            size: 0,
            blocks: 0,
            accessed: self.made,
            modified: self.made,
            changed: self.made,
        }
    }

    fn access(&self, goal: Goal, mode: i32, user: Option<&User>) -> Result<(), Errno> {
        if mode & !(libc::R_OK | libc::W_OK | libc::X_OK) != 0 {
            return Err(Errno::INVAL);
        }
        let looks = self.looks(goal);
        let owner = user.is_some_and(|user| user.id == looks.uid);
        let group = user.is_some_and(|user| user.groups.contains(&looks.gid));
        let root = user.is_some_and(|user| user.id == 0) && !matches!(goal, Goal::Text(_));
        let shift = if owner {
            6
        } else if group {
            3
        } else {
            0
        };
        let mut allowed = looks.mode >> shift & 7;
        if root {
            allowed |= if goal.is_file() { 6 } else { 7 };
        }
        if mode.cast_unsigned() & !allowed == 0 { Ok(()) } else { Err(Errno::ACCESS) }
    }

    /// Opens a directory. One of the kernel's, with what it has of ours.
    fn open_folder(
        &mut self,
        listener: &Listener,
        call: &Notification,
        targets: &mut Targets,
        folder: Folder,
        flags: OFlags,
        exists: bool,
    ) -> Result<Met, Errno> {
        if exists {
            // Without the program's descriptor it cannot be listed together.
            if flags.intersects(OFlags::PATH | OFlags::CREATE)
                || flags & OFlags::ACCMODE != OFlags::RDONLY
                || !targets.lends(call.thread)
            {
                return Ok(Met::Native);
            }
            let path = Path::new(folder.path());
            let kept = OFlags::NONBLOCK | OFlags::NOATIME;
            let Ok(file) = targets.open_directory(call.thread, path, flags & kept) else {
                return Ok(Met::Native);
            };
            // No number is left: then it is without ours.
            return match self.give(listener, call, targets, &file, flags) {
                Err(Errno::MFILE) => Ok(Met::Native),
                given => given,
            };
        }
        if flags.contains(OFlags::PATH) {
            return self.name(listener, call, targets, Goal::Folder(folder), flags);
        }
        if flags.contains(OFlags::CREATE | OFlags::EXCL) {
            return Err(Errno::EXIST);
        }
        if flags.contains(OFlags::CREATE) || flags & OFlags::ACCMODE != OFlags::RDONLY {
            return Err(Errno::ISDIR);
        }
        let end = self.folders.open(folder)?;
        self.give(listener, call, targets, &end, flags)
    }

    /// Gives a descriptor of the range.
    fn give(
        &self,
        listener: &Listener,
        call: &Notification,
        targets: &mut Targets,
        file: &OwnedFd,
        flags: OFlags,
    ) -> Result<Met, Errno> {
        let number = targets.free(call.thread, &self.range)?;
        let close_on_exec = flags.contains(OFlags::CLOEXEC);
        match listener.answer_with(call.id, file.as_fd(), Some(number), close_on_exec) {
            Err(Errno::BADF) => Err(Errno::MFILE),
            given => given.map(|()| Met::Done),
        }
    }

    /// Gives a descriptor that only names a place.
    fn name(
        &mut self,
        listener: &Listener,
        call: &Notification,
        targets: &mut Targets,
        goal: Goal,
        flags: OFlags,
    ) -> Result<Met, Errno> {
        if flags.contains(OFlags::DIRECTORY) && goal.is_file() {
            return Err(Errno::NOTDIR);
        }
        // One with `O_PATH` cannot be given by a listener.
        let path = self.stand_in(goal)?;
        let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        self.give(listener, call, targets, &file, flags)
    }

    /// The path, for this process, of the file that stands for a place.
    fn stand_in(&mut self, goal: Goal) -> Result<String, Errno> {
        let found = self.stand_ins.iter().find(|(own, ..)| *own == goal);
        let number = if let Some((_, file, _)) = found {
            file.as_raw_fd()
        } else {
            let file = memfd_create(goal.path(), MemfdFlags::CLOEXEC)?;
            let identity = Identity::of(&fstat(&file)?);
            let number = file.as_raw_fd();
            self.stand_ins.push((goal, file, identity));
            number
        };
        Ok(format!("/proc/self/fd/{number}"))
    }

    /// A watch on something that stays as it is, as the place does.
    fn watch(
        &mut self,
        call: &Notification,
        targets: &mut Targets,
        goal: Goal,
        instance: i32,
        mask: u32,
    ) -> Result<Met, Errno> {
        let Ok(Found { copy: Some(copy), .. }) = targets.find(call.thread, instance) else {
            return Ok(Met::Native);
        };
        let mask = WatchFlags::from_bits_retain(mask);
        let path = match goal {
            Goal::Folder(folder) => QUIET[folder as usize % QUIET.len()].to_owned(),
            _ if mask.contains(WatchFlags::ONLYDIR) => return Err(Errno::NOTDIR),
            _ => self.stand_in(goal)?,
        };
        Ok(Met::Answer(inotify::add_watch(copy, path, mask).map(i64::from)))
    }

    /// A call on a descriptor that may be of a directory, or of a file that shows what it is.
    fn descriptor(
        &mut self,
        listener: &Listener,
        call: &Notification,
        targets: &mut Targets,
        device: &dyn Fn(Identity) -> Option<Node>,
    ) -> Result<Met, Errno> {
        let Notification { number, args, thread, .. } = *call;
        let descriptor = low(args[0]);
        if !self.range.contains(&descriptor) {
            return Ok(Met::Other);
        }
        let found = targets.find(thread, descriptor)?;
        let goal = self.known(found.identity, device);
        if !listener.is_valid(call.id) {
            return Ok(Met::Done);
        }
        let answered = match (number, goal) {
            (libc::SYS_fstat, Some(goal)) => write(thread, args[1], &self.looks(goal).stat()),
            (libc::SYS_newfstatat, Some(goal)) => write(thread, args[2], &self.looks(goal).stat()),
            (libc::SYS_statx, Some(goal)) => write(thread, args[4], &self.looks(goal).statx()),
            (libc::SYS_getdents64, Some(Goal::Folder(_))) => {
                let size = usize::try_from(low(args[2])).map_err(|_| Errno::INVAL)?;
                let listed = self.folders.list(found.identity, size);
                return Ok(Met::Answer(
                    listed.and_then(|records| moved(thread, args[1], &records)),
                ));
            }
            (libc::SYS_lseek, Some(Goal::Folder(_))) => {
                let sought = self.folders.seek(found.identity, args[1].cast_signed(), low(args[2]));
                return Ok(Met::Answer(sought));
            }
            (number, Some(_)) if ON_FILES.contains(&number) => {
                let Some(error) = self.refused(found.identity, number) else {
                    return Ok(Met::Other);
                };
                Err(error)
            }
            (libc::SYS_getdents64, None) => return Ok(list_native(call, targets, &found)),
            _ => return Ok(Met::Other),
        };
        Ok(answer(answered))
    }

    /// Copies the descriptor of a directory.
    fn dup(
        &mut self,
        listener: &Listener,
        call: &Notification,
        targets: &mut Targets,
    ) -> Result<Met, Errno> {
        let Notification { number, args, thread, .. } = *call;
        if !self.range.contains(&low(args[0])) {
            return Ok(Met::Other);
        }
        let found = targets.find(thread, low(args[0]))?;
        // To a number that the program says: the kernel's.
        let at_lowest = number == libc::SYS_dup || number == libc::SYS_fcntl;
        if !at_lowest || self.folders.known(found.identity).is_none() {
            return Ok(Met::Other);
        }
        let command = low(args[1]);
        let least = if number == libc::SYS_fcntl { low(args[2]) } else { 0 };
        if least < 0 || least >= self.range.end {
            return Err(Errno::INVAL);
        }
        let range = self.range.start.max(least)..self.range.end;
        let free = targets.free(thread, &range)?;
        let end = self.folders.another(found.identity)?;
        let close_on_exec = number == libc::SYS_fcntl && command == libc::F_DUPFD_CLOEXEC;
        listener.answer_with(call.id, end.as_fd(), Some(free), close_on_exec)?;
        Ok(Met::Done)
    }
}

/// Lists a directory of the kernel's, if it has something of ours in it.
fn list_native(call: &Notification, targets: &mut Targets, found: &Found) -> Met {
    let Some(copy) = &found.copy else { return Met::Native };
    let mut at = |path: &Path| targets.peek(call.thread, path).ok().map(|peeked| peeked.identity);
    let here = |folder: &&Folder| at(Path::new(folder.path())) == Some(found.identity);
    let Some(folder) = Folder::ALL.iter().find(here) else { return Met::Native };
    let mut ours = folder.entries();
    ours.retain(|(_, goal)| at(&goal.path()).is_none());
    let size = usize::try_from(low(call.args[2])).unwrap_or(0);
    // As much as a C library asks for, and more: it is held here.
    let listed = list_with(copy, &ours, size.min(1 << 20));
    Met::Answer(listed.and_then(|records| moved(call.thread, call.args[1], &records)))
}

/// Is a call with these flags about what its descriptor is of? It may have a path nevertheless.
fn is_empty_path(call: &Notification, flags: usize) -> bool {
    let mut first = [0];
    low(call.args[flags]) & libc::AT_EMPTY_PATH != 0
        && (call.args[1] == 0
            || memory::read(call.thread, call.args[1], &mut first) == Ok(1) && first == [0])
}

fn is_dup(number: libc::c_long) -> bool {
    #[cfg(target_arch = "x86_64")]
    if number == libc::SYS_dup2 {
        return true;
    }
    [libc::SYS_dup, libc::SYS_dup3, libc::SYS_fcntl].contains(&number)
}

/// Nothing has extended attributes, as nothing in `/dev` has.
fn no_attributes(list: bool) -> Result<(), Errno> {
    if list { Ok(()) } else { Err(Errno::NODATA) }
}

fn answer(result: Result<(), Errno>) -> Met {
    Met::Answer(result.map(|()| 0))
}

/// Puts a struct into the thread's memory.
fn write(thread: i32, at: u64, bytes: &[u8]) -> Result<(), Errno> {
    moved(thread, at, bytes).map(drop)
}

/// Puts bytes into the thread's memory; how many.
fn moved(thread: i32, at: u64, bytes: &[u8]) -> Result<i64, Errno> {
    let piece = Piece { at, len: bytes.len() };
    if put(thread, piece, bytes) == bytes.len() {
        Ok(i64::try_from(bytes.len()).unwrap_or(0))
    } else {
        Err(Errno::FAULT)
    }
}

fn read_link(thread: i32, goal: Goal, at: u64, size: i32) -> Result<i64, Errno> {
    let size = usize::try_from(size).ok().filter(|size| *size > 0).ok_or(Errno::INVAL)?;
    let path = goal.path();
    let bytes = path.as_os_str().as_encoded_bytes();
    moved(thread, at, &bytes[..bytes.len().min(size)])
}
