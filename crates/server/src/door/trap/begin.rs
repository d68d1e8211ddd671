//! Reads stopped calls: each is for the session, is answered at once, or is left to the kernel.

use super::asound_text::Fetch;
use super::waiting::{self, Own, Refusal, Waiting, Wanted, Work};
use super::{Trap, TrapBuffer, above_limit};
use crate::door::stopped::call::{
    Transfer, Trapped, descriptor_arguments, fetch, length, scatter, trapped,
};
use crate::door::stopped::filter::ON_FILES;
use crate::door::stopped::identity::Identity;
use crate::door::stopped::look::Met;
use crate::door::stopped::path::low;
use crate::door::stopped::place::Place;
use crate::door::stopped::thread::Found;
use crate::door::{CallKind, Readiness};
use aseqd_engine::{self as engine, Access, FileId};
use aseqd_host::memory::Piece;
use aseqd_host::seccomp::Notification;
use aseqd_wire::record::goes_beyond;
use rustix::fs::{OFlags, fstat};
use rustix::io::Errno;
use rustix::process::{PidfdGetfdFlags, pidfd_getfd};
use std::os::fd::{AsFd as _, OwnedFd};

/// Maximum number of texts that are fetched at the same time.
const MAX_FETCHING: usize = 64;

impl Trap {
    /// Reads a call. Returns what it wants of the session; `None` if it has been answered, or waits for a text.
    ///
    /// # Errors
    /// [`Refusal::Native`] if the kernel should run the call, [`Refusal::Errno`] if it fails.
    pub(super) fn begin(
        &mut self,
        call: &Notification,
        buffer: &mut TrapBuffer,
    ) -> Result<Option<Wanted>, Refusal> {
        if call.number == libc::SYS_pidfd_getfd {
            return self.borrow(call);
        }
        // Reads and writes carry the events: no time is spent on other checks.
        if !ON_FILES.contains(&call.number) {
            let Self { by_identity, files, places, listener, threads, .. } = self;
            let device =
                |identity| by_identity.get(&identity).and_then(|file| files.get(file))?.node;
            match places.meet(listener, call, threads, &device) {
                Met::Other => {}
                Met::Native => return Err(Refusal::Native),
                Met::Answer(result) => return self.done(call, result),
                Met::Done => return Ok(None),
                Met::Open { place, flags } => return self.begin_open(call, place, flags),
            }
        }
        let (found, file) = self.find(call)?;
        let Some(open) = self.files.get_mut(&file) else { return Err(Refusal::Native) };
        let nonblock = found.nonblock;
        // As on Linux, the position of a user-driven timer stays 0.
        if call.number == libc::SYS_lseek && open.node.is_none() {
            return self.done(call, Ok(0));
        }
        let (work, kind) = match trapped(call)? {
            Trapped::Native => return Err(Refusal::Native),
            Trapped::Dup { least, close_on_exec } => {
                let range = self.descriptors.start.max(least)..self.descriptors.end;
                if range.is_empty() {
                    return Err(Errno::INVAL.into());
                }
                let number = self.threads.free(call.thread, &range)?;
                let end = open.line.another(found.copy, nonblock)?;
                let end = end.as_fd();
                self.listener
                    .answer_with(call.id, end, Some(number), close_on_exec)
                    .map_err(above_limit)?;
                return Ok(None);
            }
            Trapped::DupTo { number, close_on_exec } => {
                // Calls on a descriptor outside the range would not be stopped.
                if !self.descriptors.contains(&number) {
                    return Err(Errno::BADF.into());
                }
                let end = open.line.another(found.copy, nonblock)?;
                let end = end.as_fd();
                self.listener.answer_with(call.id, end, Some(number), close_on_exec)?;
                return Ok(None);
            }
            Trapped::Read(_) | Trapped::Write(_) if open.node.is_none() => {
                return Err(Errno::INVAL.into());
            }
            Trapped::Read(pieces) => {
                if open.access == Access::Write {
                    return Err(Errno::BADF.into());
                }
                if pieces.is_empty() {
                    return self.done(call, Ok(0));
                }
                if !open.held.is_empty() {
                    return self.give_held(call, file, &pieces, found.copy);
                }
                let transfer = Transfer::new(pieces, nonblock);
                let len = transfer.piece().len;
                let read = engine::Call::Read { len, nonblock };
                (Work::Read { file, transfer }, CallKind::on(file, read))
            }
            Trapped::Write(pieces) => {
                if open.access == Access::Read {
                    return Err(Errno::BADF.into());
                }
                if pieces.is_empty() {
                    return self.done(call, Ok(0));
                }
                let mut transfer = Transfer::new(pieces, nonblock);
                transfer.cut = !fetch(call.thread, transfer.part(), &mut buffer.0)?;
                // If the first record is all there, it decides.
                transfer.cut &= goes_beyond(&buffer.0, buffer.0.len(), transfer.piece().len);
                if transfer.cut && buffer.0.is_empty() {
                    return Err(Errno::FAULT.into());
                }
                let write = engine::Call::Write { data: &[], nonblock };
                (Work::Write { file, transfer }, CallKind::on(file, write))
            }
            Trapped::Ioctl { request, argument } => {
                let size = aseqd_abi::ioctl::size(request);
                let moves = |direction| request >> 30 & direction != 0;
                let len = if moves(aseqd_abi::ioctl::WRITE) { size } else { 0 };
                // Of memory that is not mapped no bytes come, and the session fails the call where Linux would.
                fetch(call.thread, Piece { at: argument, len }, &mut buffer.0)?;
                let back = moves(aseqd_abi::ioctl::READ) || aseqd_engine::copies_back(request);
                let out_size = if back { size } else { 0 };
                let call = engine::Call::Ioctl { request, compat: false, arg: &[] };
                let kind = CallKind::File { file, call, out_size, wakeup: None };
                (Work::Ioctl { file, argument }, kind)
            }
        };
        // If the call still waits, everything was read from its thread, not from a later one with its number.
        if !self.listener.is_valid(call.id) {
            return Ok(None);
        }
        let waiting = Waiting { call: *call, work, end: found.copy, signalled: None };
        self.waiting.insert(call.id, waiting);
        if !nonblock {
            self.arm(true);
        }
        Ok(Some(kind))
    }

    /// Answers a call that the session need not see.
    fn done(
        &self,
        call: &Notification,
        result: Result<i64, Errno>,
    ) -> Result<Option<Wanted>, Refusal> {
        self.listener.answer(call.id, result.map_err(Errno::raw_os_error))?;
        Ok(None)
    }

    /// Answers `pidfd_getfd`: a program that takes a file of ours out of another one gets it in the range, where
    /// calls on it are stopped.
    fn borrow(&mut self, call: &Notification) -> Result<Option<Wanted>, Refusal> {
        let [pidfd, number, flags, ..] = call.args;
        // The kernel would check the rights of the caller, which may be less than those of this process.
        let user = self.threads.user(call.thread, true).map(|user| user.id);
        if user != Some(rustix::process::geteuid().as_raw()) || low(flags) != 0 {
            return Err(Refusal::Native);
        }
        let Ok(Found { copy: Some(pidfd), .. }) = self.threads.find(call.thread, low(pidfd)) else {
            return Err(Refusal::Native);
        };
        let none = PidfdGetfdFlags::empty();
        let taken = pidfd_getfd(&pidfd, low(number), none).map_err(|_| Refusal::Native)?;
        if !self.by_identity.contains_key(&Identity::of(&fstat(&taken)?)) {
            return Err(Refusal::Native);
        }
        let number = self.threads.free(call.thread, &self.descriptors)?;
        self.listener
            .answer_with(call.id, taken.as_fd(), Some(number), true)
            .map_err(above_limit)?;
        Ok(None)
    }

    /// Returns the file of ours that a call is about, and its descriptor.
    fn find(&mut self, call: &Notification) -> Result<(Found, FileId), Refusal> {
        for argument in descriptor_arguments(call) {
            let number = low(call.args[*argument]);
            if self.descriptors.contains(&number) {
                let found = self.threads.find(call.thread, number)?;
                if let Some(file) = self.by_identity.get(&found.identity) {
                    let file = *file;
                    return Ok((found, file));
                }
                if ON_FILES.contains(&call.number)
                    && let Some(error) = self.places.refused(found.identity, call.number)
                {
                    return Err(error.into());
                }
            }
        }
        Err(Refusal::Native)
    }

    /// Begins an open of a file of ours.
    fn begin_open(
        &mut self,
        call: &Notification,
        place: Place,
        flags: OFlags,
    ) -> Result<Option<Wanted>, Refusal> {
        if flags.contains(OFlags::CREATE | OFlags::EXCL) {
            return Err(Errno::EXIST.into());
        }
        if flags.contains(OFlags::DIRECTORY) {
            return Err(Errno::NOTDIR.into());
        }
        let access = match flags & OFlags::ACCMODE {
            OFlags::RDONLY => Access::Read,
            OFlags::WRONLY => Access::Write,
            _ => Access::ReadWrite,
        };
        let close_on_exec = flags.contains(OFlags::CLOEXEC);
        let pid = self.threads.process(call.thread);
        match place {
            Place::Folder(_) => Err(Refusal::Native),
            Place::Text(_) if access != Access::Read => Err(Errno::ACCESS.into()),
            Place::Text(_) if self.fetching.len() >= MAX_FETCHING => Err(Errno::NOMEM.into()),
            Place::Text(text) => {
                self.fetching.insert(call.id, Fetch::new(text, close_on_exec, pid));
                self.ask(Own::Ask(call.id));
                Ok(None)
            }
            Place::Device(node) => {
                let nonblock = flags.contains(OFlags::NONBLOCK);
                let work = Work::Open { node, access, nonblock, close_on_exec };
                let waiting = Waiting { call: *call, work, end: None, signalled: None };
                self.waiting.insert(call.id, waiting);
                Ok(Some(CallKind::Open { node, access, pid, user: waiting::USER }))
            }
        }
    }

    /// Answers a read with bytes that an earlier one has left.
    fn give_held(
        &mut self,
        call: &Notification,
        file: FileId,
        pieces: &[Piece],
        end: Option<OwnedFd>,
    ) -> Result<Option<Wanted>, Refusal> {
        let Some(open) = self.files.get_mut(&file) else { return Err(Refusal::Native) };
        let count = open.held.len().min(length(pieces));
        let bytes: Vec<u8> = open.held.iter().copied().take(count).collect();
        scatter(call.thread, pieces, &bytes)?;
        self.listener.answer(call.id, Ok(i64::try_from(count).unwrap_or(0)))?;
        drop(open.held.drain(..count));
        // Only the session knows whether more is readable. Until it says so, yes: a read for nothing is better than
        // a missed one.
        let shown = Readiness { readable: true, ..open.line.shown() };
        open.line.show(shown, end.as_ref().map(OwnedFd::as_fd));
        Ok(None)
    }
}
