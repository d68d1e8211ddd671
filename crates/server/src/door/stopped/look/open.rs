//! Opens of directories, opens with `O_PATH`, and watches.

use super::{Met, Places};
use crate::door::stopped::identity::Identity;
use crate::door::stopped::place::{Folder, Place};
use crate::door::stopped::thread::{Found, StoppedThreads};
use aseqd_host::seccomp::{Listener, Notification};
use rustix::fs::inotify::{self, WatchFlags};
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, fstat, memfd_create, openat};
use rustix::io::Errno;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;

/// Directories in which nothing ever changes. They are watched in place of directories that only we have.
const QUIET: [&str; 3] = ["/proc/self/ns", "/proc/self/net", "/proc/self/attr"];

impl Places {
    /// Opens a directory. Where the kernel has it too (`exists`), the program gets the kernel's, and lists it with
    /// our entries.
    pub(super) fn open_folder(
        &mut self,
        listener: &Listener,
        call: &Notification,
        threads: &mut StoppedThreads,
        folder: Folder,
        flags: OFlags,
        exists: bool,
    ) -> Result<Met, Errno> {
        if exists {
            // Both can only be listed together if this process can take the program's descriptor.
            if flags.intersects(OFlags::PATH | OFlags::CREATE)
                || flags & OFlags::ACCMODE != OFlags::RDONLY
                || !threads.lends(call.thread)
            {
                return Ok(Met::Native);
            }
            let path = Path::new(folder.path());
            let kept = OFlags::NONBLOCK | OFlags::NOATIME;
            let Ok(file) = threads.open_directory(call.thread, path, flags & kept) else {
                return Ok(Met::Native);
            };
            // No descriptor is free in the range: the program sees the directory without our entries.
            return match self.give(listener, call, threads, &file, flags) {
                Err(Errno::MFILE) => Ok(Met::Native),
                given => given,
            };
        }
        if flags.contains(OFlags::PATH) {
            return self.name(listener, call, threads, Place::Folder(folder), flags);
        }
        if flags.contains(OFlags::CREATE | OFlags::EXCL) {
            return Err(Errno::EXIST);
        }
        if flags.contains(OFlags::CREATE) || flags & OFlags::ACCMODE != OFlags::RDONLY {
            return Err(Errno::ISDIR);
        }
        let end = self.folders.open(folder)?;
        self.give(listener, call, threads, &end, flags)
    }

    /// Answers a call with a descriptor of the range.
    fn give(
        &self,
        listener: &Listener,
        call: &Notification,
        threads: &mut StoppedThreads,
        file: &OwnedFd,
        flags: OFlags,
    ) -> Result<Met, Errno> {
        let number = threads.free(call.thread, &self.range)?;
        let close_on_exec = flags.contains(OFlags::CLOEXEC);
        match listener.answer_with(call.id, file.as_fd(), Some(number), close_on_exec) {
            Err(Errno::BADF) => Err(Errno::MFILE),
            given => given.map(|()| Met::Done),
        }
    }

    /// Answers an open with `O_PATH`.
    pub(super) fn name(
        &mut self,
        listener: &Listener,
        call: &Notification,
        threads: &mut StoppedThreads,
        place: Place,
        flags: OFlags,
    ) -> Result<Met, Errno> {
        if flags.contains(OFlags::DIRECTORY) && place.is_file() {
            return Err(Errno::NOTDIR);
        }
        // The kernel does not let a listener give a descriptor that has `O_PATH`.
        let path = self.stand_in(place)?;
        let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        self.give(listener, call, threads, &file, flags)
    }

    /// Returns the path, in this process, of the file in memory that stands for a place.
    fn stand_in(&mut self, place: Place) -> Result<String, Errno> {
        let found = self.stand_ins.iter().find(|(own, ..)| *own == place);
        let number = if let Some((_, file, _)) = found {
            file.as_raw_fd()
        } else {
            let file = memfd_create(place.path(), MemfdFlags::CLOEXEC)?;
            let identity = Identity::of(&fstat(&file)?);
            let number = file.as_raw_fd();
            self.stand_ins.push((place, file, identity));
            number
        };
        Ok(format!("/proc/self/fd/{number}"))
    }

    /// Adds a watch. It is on a file that never changes, because the place never changes either.
    pub(super) fn watch(
        &mut self,
        call: &Notification,
        threads: &mut StoppedThreads,
        place: Place,
        instance: i32,
        mask: u32,
    ) -> Result<Met, Errno> {
        let Ok(Found { copy: Some(copy), .. }) = threads.find(call.thread, instance) else {
            return Ok(Met::Native);
        };
        let mask = WatchFlags::from_bits_retain(mask);
        let path = match place {
            Place::Folder(folder) => QUIET[folder as usize % QUIET.len()].to_owned(),
            _ if mask.contains(WatchFlags::ONLYDIR) => return Err(Errno::NOTDIR),
            _ => self.stand_in(place)?,
        };
        Ok(Met::Answer(inotify::add_watch(copy, path, mask).map(i64::from)))
    }
}
