//! Answers: each ends a call of a program, or leads to the next piece of it.

use super::line::Line;
use super::records::whole_events;
use super::waiting::{Own, Waiting, Wanted, Work};
use super::{File, Trap, TrapBuffer, TrapToken, above_limit};
use crate::door::stopped::call::{Transfer, fetch, put, scatter};
use crate::door::stopped::thread::Signalled;
use crate::door::stopped::user_timer;
use crate::door::{Answer, CallKind, Door, Readiness};
use aseqd_abi::timer::TimerUinfo;
use aseqd_engine::{self as engine, Access, FileId, Node};
use aseqd_host::log;
use aseqd_host::memory::Piece;
use aseqd_host::seccomp::Notification;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::os::fd::{AsFd as _, OwnedFd};

/// Maximum number of bytes that are kept for a file after reads whose threads were killed: as many as 18 threads
/// can read from a full client at the same moment.
const MAX_HELD: usize = 1 << 20;

/// `ERESTARTSYS`: after the signal the kernel makes the call again or fails it with `EINTR`, as the handler's
/// `SA_RESTART` says. Only for threads with a signal: a program must never see this number.
const RESTART: i32 = 512;

impl Door for Trap {
    type Token = TrapToken;
    type Wakeup = ();

    fn answer(&mut self, token: TrapToken, answer: Answer<'_>) -> bool {
        match answer {
            Answer::Opened { file, state } => return self.opened(token, file, state),
            Answer::Created { file, state, info } => {
                return self.created(token, file, state, info);
            }
            Answer::Read(data) => self.read(token, data),
            Answer::Written(count) => self.written(token, count),
            Answer::Ioctl(Ok(out)) => self.controlled(token, out),
            Answer::Ioctl(Err(errno)) | Answer::Failed(errno) => self.failed(token, errno),
            // This is never asked: the kernel answers polls, by what the descriptor shows.
            Answer::Polled(_) => self.finish(token, Ok(0)),
        }
        true
    }

    fn gives_descriptors(&self, token: TrapToken) -> bool {
        matches!(token, TrapToken::Waiting(_))
    }

    fn wake(&mut self, (): ()) {}

    fn shows(&self, file: FileId) -> bool {
        self.files.contains_key(&file)
    }

    fn show(&mut self, file: FileId, state: Readiness, fresh: bool) {
        let Some(open) = self.files.get_mut(&file) else { return };
        let mut calls = self.waiting.values().filter(|call| call.work.file() == Some(file));
        let end = calls.find_map(|call| call.end.as_ref());
        let readable = state.readable || !open.held.is_empty();
        let state = Readiness { readable, ..state };
        open.line.show(state, end.map(OwnedFd::as_fd));
        if fresh {
            open.line.renew();
        }
    }
}

impl Trap {
    fn opened(&mut self, token: TrapToken, file: FileId, state: Readiness) -> bool {
        match token {
            TrapToken::Fetching(id) => {
                let Some(fetch) = self.fetching.get_mut(&id) else { return false };
                fetch.opened(file);
                self.ask(Own::Ask(id));
                true
            }
            TrapToken::Waiting(id) => {
                let Some(Waiting { call, work, .. }) = self.waiting.remove(&id) else {
                    return false;
                };
                let given = self.give(&call, &work, file, state);
                if let Err(error) = given {
                    let _gone = self.listener.answer(id, Err(error.raw_os_error()));
                }
                given.is_ok()
            }
            TrapToken::Nobody => false,
        }
    }

    /// Gives a program the user-driven timer that it has created. Returns whether it has the timer.
    fn created(
        &mut self,
        token: TrapToken,
        file: FileId,
        state: Readiness,
        info: TimerUinfo,
    ) -> bool {
        let TrapToken::Waiting(id) = token else { return false };
        let Some(Waiting { call, .. }) = self.waiting.remove(&id) else { return false };
        let given = self.make(&call, None, (Access::ReadWrite, false), file, state).and_then(
            |(end, number)| {
                let given =
                    user_timer::give(&self.listener, &call, end.as_fd(), Some(number), info);
                if given.is_err() {
                    self.forget(file);
                }
                given.map_err(above_limit)
            },
        );
        let _gone = self.listener.answer(id, given.map(|()| 0).map_err(Errno::raw_os_error));
        given.is_ok()
    }

    fn read(&mut self, token: TrapToken, data: &[u8]) {
        let TrapToken::Waiting(id) = token else { return };
        let Some(Waiting { call, work: Work::Read { file, transfer }, end, .. }) =
            self.waiting.get_mut(&id)
        else {
            return;
        };
        let file = *file;
        if !self.listener.is_valid(id) {
            let end = end.take();
            self.waiting.remove(&id);
            self.hold(file, data, end.as_ref());
            return;
        }
        let moved = put(call.thread, transfer.piece(), data);
        let whole = moved == data.len();
        if whole && transfer.advance(data.len()) {
            self.ask(Own::GoOn(id));
            return;
        }
        let outcome = transfer.outcome(if whole { 0 } else { Errno::FAULT.raw_os_error() });
        let end = end.take();
        self.waiting.remove(&id);
        if self.listener.answer(id, outcome).is_err() {
            self.hold(file, data, end.as_ref());
        } else if !whole
            && self.files.get(&file).is_some_and(|open| open.node == Some(Node::Sequencer))
        {
            // The first event that did not fit can still be read. Of a timer all records are gone.
            self.hold(file, &data[whole_events(data, moved)..], end.as_ref());
        }
    }

    fn written(&mut self, token: TrapToken, count: usize) {
        let TrapToken::Waiting(id) = token else { return };
        let Some(Waiting { work: Work::Write { transfer, .. }, .. }) = self.waiting.get_mut(&id)
        else {
            return;
        };
        if transfer.advance_part(count) {
            self.ask(Own::GoOn(id));
        } else {
            let outcome = transfer.outcome(0);
            self.finish(token, outcome);
        }
    }

    fn controlled(&mut self, token: TrapToken, out: &[u8]) {
        match token {
            TrapToken::Waiting(id) => {
                let Some(Waiting { call, work, .. }) = self.waiting.get(&id) else {
                    return;
                };
                let result = match work {
                    Work::Ioctl { argument, .. } if !out.is_empty() => {
                        let pieces = [Piece { at: *argument, len: out.len() }];
                        scatter(call.thread, &pieces, out)
                    }
                    _ => Ok(()),
                };
                self.finish(token, result.map(|()| 0).map_err(Errno::raw_os_error));
            }
            TrapToken::Fetching(id) => {
                match self.fetching.get_mut(&id).map(|fetch| fetch.take(out)) {
                    Some(Ok(true)) => self.deliver(id, Ok(())),
                    Some(Ok(false)) => self.ask(Own::Ask(id)),
                    Some(Err(error)) => self.deliver(id, Err(error)),
                    None => {}
                }
            }
            TrapToken::Nobody => {}
        }
    }

    fn failed(&mut self, token: TrapToken, errno: aseqd_abi::Errno) {
        match token {
            TrapToken::Waiting(id) => {
                let Some(Waiting { work, signalled, .. }) = self.waiting.get(&id) else {
                    return;
                };
                let mut number = errno.0.into();
                if errno == aseqd_abi::Errno::EINTR && *signalled == Some(Signalled::Yes) {
                    number = RESTART;
                }
                let outcome = match work {
                    // The memory ended within a record, and the engine misses the rest.
                    Work::Write { transfer, .. }
                        if transfer.cut && errno == aseqd_abi::Errno::EINVAL =>
                    {
                        transfer.outcome(Errno::FAULT.raw_os_error())
                    }
                    Work::Read { transfer, .. } | Work::Write { transfer, .. } => {
                        transfer.outcome(number)
                    }
                    _ => Err(number),
                };
                self.finish(token, outcome);
            }
            TrapToken::Fetching(id) => {
                self.deliver(id, Err(Errno::from_raw_os_error(errno.0.into())));
            }
            TrapToken::Nobody => {}
        }
    }

    /// Gives a program the descriptor of a file that is open now.
    ///
    /// # Errors
    /// Those of [`make`](Self::make), or those of the listener.
    fn give(
        &mut self,
        call: &Notification,
        work: &Work,
        file: FileId,
        state: Readiness,
    ) -> Result<(), Errno> {
        let Work::Open { node, access, nonblock, close_on_exec } = *work else {
            return Err(Errno::IO);
        };
        let (end, number) = self.make(call, Some(node), (access, nonblock), file, state)?;
        let given = self.listener.answer_with(call.id, end.as_fd(), Some(number), close_on_exec);
        if given.is_err() {
            self.forget(file);
        }
        given.map_err(above_limit)
    }

    /// Makes the descriptor of a file for a program, and finds a number for it.
    ///
    /// # Errors
    /// `EMFILE` if the program or this process has no descriptor left, `ENOMEM`.
    fn make(
        &mut self,
        call: &Notification,
        node: Option<Node>,
        (access, nonblock): (Access, bool),
        file: FileId,
        state: Readiness,
    ) -> Result<(OwnedFd, i32), Errno> {
        let number = self.threads.free(call.thread, &self.descriptors)?;
        let (mut line, end) = if self.threads.lends(call.thread) {
            Line::socket()?
        } else {
            // A FIFO for both directions cannot show a file that is neither readable nor writable. The timer device
            // and the card are never writable, so they get a FIFO for reading.
            let reads_only = matches!(node, Some(Node::Timer | Node::Control));
            Line::fifo(if reads_only { Access::Read } else { access })?
        };
        if nonblock {
            fcntl_setfl(&end.descriptor, fcntl_getfl(&end.descriptor)? | OFlags::NONBLOCK)?;
        }
        line.show(state, Some(end.descriptor.as_fd()));
        // Without flags the epoll still reports a hang-up.
        let name = EventData::new_u64(file.0.into());
        epoll::add(&self.epoll, &line, name, EventFlags::empty())?;
        self.by_identity.insert(end.identity, file);
        let identity = end.identity;
        let open = File { line, identity, node, access, held: VecDeque::new() };
        self.files.insert(file, open);
        Ok((end.descriptor, number))
    }

    /// Returns the call for the next piece of a read or write. Ends the call if its memory ends there.
    pub(super) fn go_on(&mut self, id: u64, buffer: &mut TrapBuffer) -> Option<Wanted> {
        let Waiting { call, work, .. } = self.waiting.get_mut(&id)?;
        match work {
            Work::Read { file, transfer } => {
                let Transfer { nonblock, .. } = *transfer;
                let read = engine::Call::Read { len: transfer.piece().len, nonblock };
                Some(CallKind::on(*file, read))
            }
            Work::Write { file, transfer } => {
                transfer.cut = fetch(call.thread, transfer.part(), &mut buffer.0) != Ok(true);
                if !transfer.cut || !buffer.0.is_empty() {
                    let write = engine::Call::Write { data: &[], nonblock: transfer.nonblock };
                    return Some(CallKind::on(*file, write));
                }
                let outcome = transfer.outcome(Errno::FAULT.raw_os_error());
                self.finish(TrapToken::Waiting(id), outcome);
                None
            }
            Work::Open { .. } | Work::Ioctl { .. } => None,
        }
    }

    /// Keeps bytes of a read that could not be put into the program's memory.
    fn hold(&mut self, file: FileId, data: &[u8], end: Option<&OwnedFd>) {
        if let Some(open) = self.files.get_mut(&file) {
            if open.held.len() + data.len() > MAX_HELD {
                log::tell(
                    "lost",
                    format_args!("{} bytes that nobody has read are lost", data.len()),
                );
                return;
            }
            open.held.extend(data);
            let shown = Readiness { readable: true, ..open.line.shown() };
            open.line.show(shown, end.map(OwnedFd::as_fd));
        }
    }

    /// Answers an open of a text: the text is complete, or cannot be had.
    fn deliver(&mut self, id: u64, result: Result<(), Errno>) {
        let Some(fetch) = self.fetching.remove(&id) else { return };
        if let Some(file) = fetch.file() {
            self.ask(Own::Close(file));
        }
        let close_on_exec = fetch.close_on_exec;
        let given = result
            .and_then(|()| fetch.into_file())
            .and_then(|file| self.listener.answer_with(id, file.as_fd(), None, close_on_exec));
        if let Err(error) = given {
            let _gone = self.listener.answer(id, Err(error.raw_os_error()));
        }
    }
}
