//! Calls on descriptors: listing and copying directories, and `stat` of any place of ours.

use super::{Met, Places, answer};
use crate::door::stopped::call::{put_all, write};
use crate::door::stopped::filter::ON_FILES;
use crate::door::stopped::folder::list_with;
use crate::door::stopped::identity::Identity;
use crate::door::stopped::path::low;
use crate::door::stopped::place::{Folder, Place};
use crate::door::stopped::thread::{Found, StoppedThreads};
use aseqd_engine::Node;
use aseqd_host::memory;
use aseqd_host::seccomp::{Listener, Notification};
use rustix::io::Errno;
use std::os::fd::AsFd as _;
use std::path::Path;

impl Places {
    /// Handles a call on a descriptor of the range.
    pub(super) fn descriptor(
        &mut self,
        listener: &Listener,
        call: &Notification,
        threads: &mut StoppedThreads,
        device: &dyn Fn(Identity) -> Option<Node>,
    ) -> Result<Met, Errno> {
        let Notification { number, args, thread, .. } = *call;
        let descriptor = low(args[0]);
        if !self.range.contains(&descriptor) {
            return Ok(Met::Other);
        }
        let found = threads.find(thread, descriptor)?;
        let place = self.known(found.identity, device);
        if !listener.is_valid(call.id) {
            return Ok(Met::Done);
        }
        let answered = match (number, place) {
            (libc::SYS_fstat, Some(place)) => {
                write(thread, args[1], &self.appearance.status(place).stat())
            }
            (libc::SYS_newfstatat, Some(place)) => {
                write(thread, args[2], &self.appearance.status(place).stat())
            }
            (libc::SYS_statx, Some(place)) => {
                write(thread, args[4], &self.appearance.status(place).statx())
            }
            (libc::SYS_getdents64, Some(Place::Folder(_))) => {
                let size = usize::try_from(low(args[2])).map_err(|_| Errno::INVAL)?;
                let listed = self.folders.list(found.identity, size);
                return Ok(Met::Answer(
                    listed.and_then(|records| put_all(thread, args[1], &records)),
                ));
            }
            (libc::SYS_lseek, Some(Place::Folder(_))) => {
                let sought = self.folders.seek(found.identity, args[1].cast_signed(), low(args[2]));
                return Ok(Met::Answer(sought));
            }
            (number, Some(_)) if ON_FILES.contains(&number) => {
                let Some(error) = self.refused(found.identity, number) else {
                    return Ok(Met::Other);
                };
                Err(error)
            }
            (libc::SYS_getdents64, None) => return Ok(list_native(call, threads, &found)),
            _ => return Ok(Met::Other),
        };
        Ok(answer(answered))
    }

    /// Handles a call that copies the descriptor of a directory.
    pub(super) fn dup(
        &mut self,
        listener: &Listener,
        call: &Notification,
        threads: &mut StoppedThreads,
    ) -> Result<Met, Errno> {
        let Notification { number, args, thread, .. } = *call;
        if !self.range.contains(&low(args[0])) {
            return Ok(Met::Other);
        }
        let found = threads.find(thread, low(args[0]))?;
        // The kernel handles copies to a number that the program gives.
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
        let free = threads.free(thread, &range)?;
        let end = self.folders.another(found.identity)?;
        let close_on_exec = number == libc::SYS_fcntl && command == libc::F_DUPFD_CLOEXEC;
        listener.answer_with(call.id, end.as_fd(), Some(free), close_on_exec)?;
        Ok(Met::Done)
    }
}

/// Lists a directory of the kernel's that contains something of ours.
fn list_native(call: &Notification, threads: &mut StoppedThreads, found: &Found) -> Met {
    let Some(copy) = &found.copy else { return Met::Native };
    let mut at = |path: &Path| threads.peek(call.thread, path).ok().map(|peeked| peeked.identity);
    let here = |folder: &&Folder| at(Path::new(folder.path())) == Some(found.identity);
    let Some(folder) = Folder::ALL.iter().find(here) else { return Met::Native };
    let mut ours = folder.entries();
    ours.retain(|(_, place)| at(&place.path()).is_none());
    let size = usize::try_from(low(call.args[2])).unwrap_or(0);
    // At most 1 MiB, since the server holds it; C libraries ask for 32 KiB.
    let listed = list_with(copy, &ours, size.min(1 << 20));
    Met::Answer(listed.and_then(|records| put_all(call.thread, call.args[1], &records)))
}

/// Returns whether a call is about its descriptor: its flags have `AT_EMPTY_PATH`, and it has no path.
/// `flags` is the index of the argument.
pub(super) fn is_empty_path(call: &Notification, flags: usize) -> bool {
    let mut first = [0];
    low(call.args[flags]) & libc::AT_EMPTY_PATH != 0
        && (call.args[1] == 0
            || memory::read(call.thread, call.args[1], &mut first) == Ok(1) && first == [0])
}

/// Returns whether a call copies a descriptor.
pub(super) fn is_dup(number: libc::c_long) -> bool {
    #[cfg(target_arch = "x86_64")]
    if number == libc::SYS_dup2 {
        return true;
    }
    [libc::SYS_dup, libc::SYS_dup3, libc::SYS_fcntl].contains(&number)
}
