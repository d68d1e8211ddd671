//! Looks at places of ours: `stat`, `access`, `readlink` and the like of their paths, and the directories
//! that they stand in. Both doors answer these alike.

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
use super::place::Goal;
use super::target::Targets;
use super::walk::{End, Known};
use aseqd_engine::Node;
use aseqd_host::seccomp::{Listener, Notification};
use rustix::fs::{OFlags, Stat};
use rustix::io::Errno;
use std::ops::Range;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

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
    appearance: Appearance,
    /// Descriptors of programs that are stopped.
    range: Range<i32>,
    folders: Folders,
    /// Files that stand for places, where a descriptor names one without opening it.
    stand_ins: Vec<(Goal, OwnedFd, Identity)>,
}

impl Places {
    /// # Errors
    /// `EMFILE`, `ENFILE`, `ENOMEM`.
    pub(in crate::door) fn new(range: Range<i32>) -> Result<Self, Errno> {
        Ok(Self {
            appearance: Appearance::new(),
            range,
            folders: Folders::new()?,
            stand_ins: Vec::new(),
        })
    }

    /// The files look like this one.
    pub(in crate::door) fn look_like(&mut self, file: &Stat) {
        self.appearance.take_from(file);
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
            Question::Stat(at) => write(call.thread, at, &self.appearance.status(goal).stat()),
            Question::Statx(at) => {
                // Reserved, and both ways of asking at once.
                let (flags, mask) = (low(call.args[2]), low(call.args[3]));
                if mask < 0 || flags & 0x6000 == 0x6000 {
                    return Err(Errno::INVAL);
                }
                write(call.thread, at, &self.appearance.status(goal).statx())
            }
            Question::Access { mode, effective } => {
                let user = targets.user(call.thread, effective);
                self.appearance.access(goal, mode, user.as_ref())
            }
            Question::ReadLink { .. } => Err(Errno::INVAL),
            Question::Attributes { list } => no_attributes(list),
            Question::Watch { instance, mask } => {
                return self.watch(call, targets, goal, instance, mask);
            }
        };
        Ok(answer(answered))
    }
}

/// Nothing has extended attributes, as nothing in `/dev` has.
fn no_attributes(list: bool) -> Result<(), Errno> {
    if list { Ok(()) } else { Err(Errno::NODATA) }
}

fn answer(result: Result<(), Errno>) -> Met {
    Met::Answer(result.map(|()| 0))
}

fn read_link(thread: i32, goal: Goal, at: u64, size: i32) -> Result<i64, Errno> {
    let size = usize::try_from(size).ok().filter(|size| *size > 0).ok_or(Errno::INVAL)?;
    let path = goal.path();
    let bytes = path.as_os_str().as_encoded_bytes();
    put_all(thread, at, &bytes[..bytes.len().min(size)])
}
