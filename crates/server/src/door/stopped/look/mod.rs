//! Answers calls that look at places of ours, by path or by descriptor: `stat`, `access`, `readlink`, opens of
//! directories, and the like. The hand-over and the trap answer them alike.

mod appearance;
mod descriptor;
mod open;
mod status;

use self::appearance::Appearance;
use self::descriptor::{is_dup, is_empty_path};
use self::status::FileStatus;
use super::call::{put_all, write};
use super::filter::ON_FILES;
use super::folder::Folders;
use super::identity::Identity;
use super::path::{Asking, Question, asking, low};
use super::place::Place;
use super::thread::StoppedThreads;
use super::walk::{End, Known};
use aseqd_engine::Node;
use aseqd_host::seccomp::{Listener, Notification};
use rustix::fs::{OFlags, Stat};
use rustix::io::Errno;
use std::ops::Range;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

/// What became of a call.
#[derive(Debug)]
pub(in crate::door) enum Met {
    /// The call is not about a place of ours, or is not handled here.
    Other,
    /// The kernel does the right thing by itself.
    Native,
    /// The call returns this.
    Answer(Result<i64, Errno>),
    /// It has been answered, or its thread is gone.
    Done,
    /// It opens a file of ours, which the door does.
    Open { place: Place, flags: OFlags },
}

/// The places of ours: how they look, and which of their directories programs have open.
#[derive(Debug)]
pub(in crate::door) struct Places {
    appearance: Appearance,
    /// The range of descriptors on which calls are stopped.
    range: Range<i32>,
    folders: Folders,
    /// Files in memory that stand for places in descriptors opened with `O_PATH`, and in watches.
    stand_ins: Vec<(Place, OwnedFd, Identity)>,
}

impl Places {
    /// Returns the places, for programs whose calls are stopped on this range of descriptors.
    ///
    /// # Errors
    /// `EMFILE` or `ENFILE` if there are too many open files, `ENOMEM`.
    pub(in crate::door) fn new(range: Range<i32>) -> Result<Self, Errno> {
        Ok(Self {
            appearance: Appearance::new(),
            range,
            folders: Folders::new()?,
            stand_ins: Vec::new(),
        })
    }

    /// Gives the device files the permissions and the owner of this file.
    pub(in crate::door) fn look_like(&mut self, file: &Stat) {
        self.appearance.take_from(file);
    }

    /// Returns a descriptor that is readable when [`sweep`](Self::sweep) has something to do.
    pub(in crate::door) fn closed(&self) -> BorrowedFd<'_> {
        self.folders.as_fd()
    }

    /// Forgets the directories that programs have closed.
    pub(in crate::door) fn sweep(&mut self) {
        self.folders.sweep();
    }

    /// Handles a call with a path, or one on a descriptor of the range. `device` returns which device a file is,
    /// if it is one of the door's.
    pub(in crate::door) fn meet(
        &mut self,
        listener: &Listener,
        call: &Notification,
        threads: &mut StoppedThreads,
        device: &dyn Fn(Identity) -> Option<Node>,
    ) -> Met {
        let met = match call.number {
            libc::SYS_getdents64 | libc::SYS_lseek | libc::SYS_fstat => {
                self.descriptor(listener, call, threads, device)
            }
            number if ON_FILES.contains(&number) => {
                self.descriptor(listener, call, threads, device)
            }
            libc::SYS_newfstatat if is_empty_path(call, 3) => {
                self.descriptor(listener, call, threads, device)
            }
            libc::SYS_statx if is_empty_path(call, 2) => {
                self.descriptor(listener, call, threads, device)
            }
            number if is_dup(number) => self.dup(listener, call, threads),
            _ => self.path(listener, call, threads, device),
        };
        met.unwrap_or_else(|error| Met::Answer(Err(error)))
    }

    /// Returns the error of a call for files on a directory of ours, or on a descriptor that was opened with
    /// `O_PATH`; `None` for other files.
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

    /// Returns the place of ours that a program's open file is, if any.
    fn known(
        &self,
        identity: Identity,
        device: &dyn Fn(Identity) -> Option<Node>,
    ) -> Option<Place> {
        let stand_in = || {
            let mut all = self.stand_ins.iter();
            all.find(|(_, _, own)| *own == identity).map(|(place, ..)| *place)
        };
        device(identity)
            .map(Place::Device)
            .or_else(|| self.folders.known(identity).map(Place::Folder))
            .or_else(stand_in)
    }

    /// Handles a call with a path.
    fn path(
        &mut self,
        listener: &Listener,
        call: &Notification,
        threads: &mut StoppedThreads,
        device: &dyn Fn(Identity) -> Option<Node>,
    ) -> Result<Met, Errno> {
        let known: &Known<'_> = &|identity| self.known(identity, device);
        let asked = asking(call, threads, known)?;
        let Some(Asking { end, question }) = asked else { return Ok(Met::Other) };
        if !listener.is_valid(call.id) {
            return Ok(Met::Done);
        }
        let place = match end {
            End::Place(place) => place,
            End::Link(place) => {
                // The kernel handles everything else about a link in procfs.
                let Question::ReadLink { at, size } = question else { return Ok(Met::Native) };
                return Ok(Met::Answer(read_link(call.thread, place, at, size)));
            }
            End::Around(path) => {
                let Ok(stat) = threads.stat(call.thread, &path) else {
                    return Ok(Met::Native);
                };
                let status = FileStatus::of(&stat);
                let changes = |mode| mode & !(libc::R_OK | libc::X_OK) != 0;
                return Ok(match question {
                    Question::Stat(at) => answer(write(call.thread, at, &status.stat())),
                    Question::Statx(at) => answer(write(call.thread, at, &status.statx())),
                    Question::Access { mode, .. } if !changes(mode) => answer(Ok(())),
                    Question::Attributes { list } => answer(no_attributes(list)),
                    Question::ReadLink { .. } => answer(Err(Errno::INVAL)),
                    _ => Met::Native,
                });
            }
        };
        if let Place::Folder(folder) = place {
            let exists = threads.peek(call.thread, Path::new(folder.path())).is_ok();
            if let Question::Open(flags) = question {
                return self.open_folder(listener, call, threads, folder, flags, exists);
            }
            if exists {
                return Ok(Met::Native);
            }
        }
        let answered = match question {
            Question::Open(flags) if flags.contains(OFlags::PATH) => {
                return self.name(listener, call, threads, place, flags);
            }
            Question::Open(flags) => return Ok(Met::Open { place, flags }),
            Question::Stat(at) => write(call.thread, at, &self.appearance.status(place).stat()),
            Question::Statx(at) => {
                // A reserved bit of the mask, and two flags that exclude each other.
                let (flags, mask) = (low(call.args[2]), low(call.args[3]));
                if mask < 0 || flags & 0x6000 == 0x6000 {
                    return Err(Errno::INVAL);
                }
                write(call.thread, at, &self.appearance.status(place).statx())
            }
            Question::Access { mode, effective } => {
                let user = threads.user(call.thread, effective);
                self.appearance.access(place, mode, user.as_ref())
            }
            Question::ReadLink { .. } => Err(Errno::INVAL),
            Question::Attributes { list } => no_attributes(list),
            Question::Watch { instance, mask } => {
                return self.watch(call, threads, place, instance, mask);
            }
        };
        Ok(answer(answered))
    }
}

/// Answers that a place has no extended attributes, like the files in `/dev`.
fn no_attributes(list: bool) -> Result<(), Errno> {
    if list { Ok(()) } else { Err(Errno::NODATA) }
}

fn answer(result: Result<(), Errno>) -> Met {
    Met::Answer(result.map(|()| 0))
}

/// Puts the path of a place into the thread's memory, as the target of a link.
fn read_link(thread: i32, place: Place, at: u64, size: i32) -> Result<i64, Errno> {
    let size = usize::try_from(size).ok().filter(|size| *size > 0).ok_or(Errno::INVAL)?;
    let path = place.path();
    let bytes = path.as_os_str().as_encoded_bytes();
    put_all(thread, at, &bytes[..bytes.len().min(size)])
}
