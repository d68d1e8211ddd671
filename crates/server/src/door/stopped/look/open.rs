//! Opens of directories, descriptors that only name a place, and watches.

use super::{Met, Places};
use crate::door::stopped::identity::Identity;
use crate::door::stopped::place::{Folder, Goal};
use crate::door::stopped::target::{Found, Targets};
use aseqd_host::seccomp::{Listener, Notification};
use rustix::fs::inotify::{self, WatchFlags};
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, fstat, memfd_create, openat};
use rustix::io::Errno;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;

/// Directories in which nothing happens, for watches on directories that are not there.
const QUIET: [&str; 3] = ["/proc/self/ns", "/proc/self/net", "/proc/self/attr"];

impl Places {
    /// Opens a directory. One of the kernel's, with what it has of ours.
    pub(super) fn open_folder(
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
    pub(super) fn name(
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
    pub(super) fn watch(
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
}
