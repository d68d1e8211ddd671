//! The full trap: every call on a file of ours is answered by the server; nothing of it runs in the
//! kernel but poll, select, epoll, close and what is the same for every kind of file.

mod asound_text;
mod line;
mod waiting;

pub use self::waiting::TrapToken;

use self::asound_text::Fetch;
use self::line::Line;
use self::waiting::{Own, Refusal, Waiting, Wanted, Work};
use crate::door::stopped::call::{
    Transfer, Trapped, descriptor_arguments, fetch, length, put, scatter, trapped,
};
use crate::door::stopped::filter::ON_FILES;
use crate::door::stopped::identity::Identity;
use crate::door::stopped::look::{Met, Places};
use crate::door::stopped::path::low;
use crate::door::stopped::place::Place;
use crate::door::stopped::thread::{Found, Signalled, StoppedThreads};
use crate::door::{Answer, Call, CallKind, Door, Readiness, Received, Transport};
use aseqd_engine::{self as engine, Access, FileId, Node};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::log;
use aseqd_host::memory::Piece;
use aseqd_host::seccomp::{Listener, Notification, can_wait_killable};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::Errno;
use rustix::process::{PidfdGetfdFlags, pidfd_getfd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// How long a signal of a thread whose call sleeps may wait: nothing tells of it.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 15_000_000 };
const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// How many calls may be let through in one look for a call of ours.
const OTHERS_PER_LOOK: usize = 64;

/// Up to so many sleeping calls are looked after before each call, more by time only.
const FEW: usize = 8;

/// The most bytes of reads that are kept for a file: those of 18 readers of a full client, all killed
/// at the same moment.
const MAX_HELD: usize = 1 << 20;

/// The most texts that are fetched at the same time.
const MAX_FETCHING: usize = 64;

/// `ERESTARTSYS`: the call is made again after the signal, or fails with `EINTR`, by the handler's
/// `SA_RESTART`. For a thread without a signal it would be a number that programs do not know.
const RESTART: i32 = 512;

/// What the inner epoll names: files by their numbers, and these.
const LISTENER: u64 = 1 << 32;
const TIMER: u64 = LISTENER + 1;
const NUDGE: u64 = LISTENER + 2;
const FOLDERS: u64 = LISTENER + 3;

/// The bytes of a call.
#[derive(Debug, Default)]
pub struct TrapBuffer(Vec<u8>);

/// A door whose programs were started behind a filter of [`install`](super::stopped::install).
#[derive(Debug)]
pub struct Trap {
    listener: Listener,
    /// Are the calls answered exactly, because signals do not end them?
    killable: bool,
    descriptors: Range<i32>,
    files: BTreeMap<FileId, File>,
    by_identity: HashMap<Identity, FileId>,
    places: Box<Places>,
    waiting: BTreeMap<u64, Waiting>,
    fetching: BTreeMap<u64, Fetch>,
    /// Files that programs have closed, for the session.
    closed: VecDeque<FileId>,
    /// Calls of this door itself, for the session.
    own: VecDeque<Own>,
    threads: StoppedThreads,
    epoll: OwnedFd,
    timer: OwnedFd,
    armed: bool,
    nudge: OwnedFd,
}

/// An open file.
#[derive(Debug)]
struct File {
    line: Line,
    identity: Identity,
    node: Node,
    access: Access,
    /// Bytes of reads that nobody was there any more to take: the next read has them.
    held: VecDeque<u8>,
}

impl Trap {
    /// A door at this listener, for programs whose filter has this range of descriptors.
    ///
    /// # Errors
    /// As a sentence: out of descriptors.
    pub fn new(listener: OwnedFd, descriptors: Range<i32>) -> Result<Self, Fail> {
        let listener = Listener::new(listener);
        listener.wake_here();
        let new = || -> Result<_, Errno> {
            let epoll = epoll::create(CreateFlags::CLOEXEC)?;
            let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            let nudge = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
            epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
            epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN)?;
            epoll::add(&epoll, &nudge, EventData::new_u64(NUDGE), EventFlags::IN)?;
            let places = Places::new(descriptors.clone())?;
            epoll::add(&epoll, places.closed(), EventData::new_u64(FOLDERS), EventFlags::IN)?;
            Ok((epoll, timer, nudge, places))
        };
        let (epoll, timer, nudge, places) = new().context("the trap cannot be served")?;
        Ok(Self {
            listener,
            killable: can_wait_killable(),
            descriptors,
            files: BTreeMap::new(),
            by_identity: HashMap::new(),
            places: Box::new(places),
            waiting: BTreeMap::new(),
            fetching: BTreeMap::new(),
            closed: VecDeque::new(),
            own: VecDeque::new(),
            threads: StoppedThreads::default(),
            epoll,
            timer,
            armed: false,
            nudge,
        })
    }

    /// Queues a call of this door itself, and makes the door's descriptor readable.
    fn ask(&mut self, own: Own) {
        self.own.push_back(own);
        let _never_full = rustix::io::write(&self.nudge, &1_u64.to_ne_bytes());
    }

    /// The next call of this door itself that still makes sense.
    fn next_own(&mut self) -> Option<Own> {
        loop {
            let own = self.own.pop_front()?;
            if self.own.is_empty() {
                let _emptied = rustix::io::read(&self.nudge, &mut [0; 8]);
            }
            match own {
                Own::Interrupt(id) | Own::GoOn(id) if !self.waiting.contains_key(&id) => {}
                Own::Ask(id) if !self.fetching.contains_key(&id) => {}
                own => return Some(own),
            }
        }
    }

    /// The next file that was closed.
    fn next_closed<'b>(&mut self) -> Option<Call<'b, TrapToken, ()>> {
        let file = self.closed.pop_front()?;
        self.forget(file);
        let kind = CallKind::Close { file };
        Some(Call { token: TrapToken::Nobody, thread: 0, kind })
    }

    fn own_call<'b>(&mut self, own: Own, buffer: &'b mut TrapBuffer) -> Call<'b, TrapToken, ()> {
        let (token, kind) = match own {
            Own::GoOn(id) => {
                let kind = self.go_on(id, buffer).map(|kind| kind.with_bytes(&buffer.0));
                // One that has gone meanwhile: nobody is to be interrupted.
                let nothing = CallKind::Interrupt { target: TrapToken::Nobody };
                (TrapToken::Waiting(id), kind.unwrap_or(nothing))
            }
            Own::Interrupt(id) => {
                (TrapToken::Nobody, CallKind::Interrupt { target: TrapToken::Waiting(id) })
            }
            Own::Close(file) => (TrapToken::Nobody, CallKind::Close { file }),
            Own::Ask(id) => {
                let fetch = &self.fetching[&id];
                (TrapToken::Fetching(id), fetch.question(&mut buffer.0))
            }
        };
        Call { token, thread: 0, kind }
    }

    /// Looks after the calls that sleep: those that are gone, and those whose threads have signals.
    fn look_after(&mut self, signals: bool) {
        let mut found = Vec::new();
        for (id, waiting) in self.waiting.iter_mut().filter(|(_, call)| call.signalled.is_none()) {
            if !self.listener.is_valid(*id) {
                waiting.signalled = Some(Signalled::No);
            } else if signals && self.killable {
                match self.threads.signalled(waiting.call.thread) {
                    Signalled::No => continue,
                    signalled => waiting.signalled = Some(signalled),
                }
            } else {
                continue;
            }
            found.push(*id);
        }
        for id in found {
            self.ask(Own::Interrupt(id));
        }
    }

    /// Rings from time to time while calls sleep.
    fn arm(&mut self, on: bool) {
        if self.armed != on {
            let value = if on { LOOK_EVERY } else { NEVER };
            let time = Itimerspec { it_interval: value, it_value: value };
            let set = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &time);
            self.armed = on && set.is_ok();
        }
    }

    /// Takes a call from the listener. What is not ours, or fails at once, is answered here.
    fn take(&mut self, buffer: &mut TrapBuffer) -> Option<(Notification, Wanted)> {
        let call = self.listener.receive().ok()?;
        // One that is gone needs no answer.
        let _gone = match self.begin(&call, buffer) {
            Ok(Some(kind)) => return Some((call, kind)),
            Ok(None) => Ok(()),
            Err(Refusal::Native) => self.listener.let_through(call.id),
            Err(Refusal::Errno(errno)) => self.listener.answer(call.id, Err(errno.raw_os_error())),
        };
        None
    }

    /// What a call is; `None` if it is answered, or something else is to be done first.
    fn begin(
        &mut self,
        call: &Notification,
        buffer: &mut TrapBuffer,
    ) -> Result<Option<Wanted>, Refusal> {
        if call.number == libc::SYS_pidfd_getfd {
            return self.borrow(call);
        }
        // The way of an event: not looked at twice.
        if !ON_FILES.contains(&call.number) {
            let Self { by_identity, files, places, listener, threads, .. } = self;
            let device = |identity| {
                by_identity.get(&identity).and_then(|file| files.get(file)).map(|file| file.node)
            };
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
                // Nowhere else would the calls on it be stopped.
                if !self.descriptors.contains(&number) {
                    return Err(Errno::BADF.into());
                }
                let end = open.line.another(found.copy, nonblock)?;
                let end = end.as_fd();
                self.listener.answer_with(call.id, end, Some(number), close_on_exec)?;
                return Ok(None);
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
                // Less than a record is refused before its memory is looked at.
                transfer.cut &= transfer.piece().len >= aseqd_abi::event::EVENT_SIZE;
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
                // What of it is not there, the session misses where Linux would.
                fetch(call.thread, Piece { at: argument, len }, &mut buffer.0)?;
                let back = moves(aseqd_abi::ioctl::READ) || aseqd_engine::copies_back(request);
                let out_size = if back { size } else { 0 };
                let call = engine::Call::Ioctl { request, compat: false, arg: &[] };
                let kind = CallKind::File { file, call, out_size, wakeup: None };
                (Work::Ioctl { file, argument }, kind)
            }
        };
        // What was read was this thread's, not of one that has its number now.
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

    /// Answers a call with which the session has nothing to do.
    fn done(
        &self,
        call: &Notification,
        result: Result<i64, Errno>,
    ) -> Result<Option<Wanted>, Refusal> {
        self.listener.answer(call.id, result.map_err(Errno::raw_os_error))?;
        Ok(None)
    }

    /// Gives a program the file of ours that it takes out of another, at a number where its calls stop.
    fn borrow(&mut self, call: &Notification) -> Result<Option<Wanted>, Refusal> {
        let [pidfd, number, flags, ..] = call.args;
        // The kernel asks what the caller may; this process could do more.
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

    /// The file of ours that a call is about.
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

    /// Answers a read with bytes of an earlier one.
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
        // What is readable now, the session knows: a spurious byte is better than none.
        let shown = Readiness { readable: true, ..open.line.shown() };
        open.line.show(shown, end.as_ref().map(OwnedFd::as_fd));
        Ok(None)
    }

    /// Makes the descriptor of a file that is open, and gives it to the program.
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
        let number = self.threads.free(call.thread, &self.descriptors)?;
        let (mut line, end) = if self.threads.lends(call.thread) {
            Line::socket()?
        } else {
            // Only the sequencer has room: no other has a state that a FIFO for both cannot show.
            Line::fifo(if node == Node::Sequencer { access } else { Access::Read })?
        };
        if nonblock {
            fcntl_setfl(&end.descriptor, fcntl_getfl(&end.descriptor)? | OFlags::NONBLOCK)?;
        }
        line.show(state, Some(end.descriptor.as_fd()));
        // Hanging up is always told.
        let name = EventData::new_u64(file.0.into());
        epoll::add(&self.epoll, &line, name, EventFlags::empty())?;
        self.by_identity.insert(end.identity, file);
        let identity = end.identity;
        let open = File { line, identity, node, access, held: VecDeque::new() };
        self.files.insert(file, open);
        let descriptor = end.descriptor.as_fd();
        let given = self.listener.answer_with(call.id, descriptor, Some(number), close_on_exec);
        if given.is_err() {
            self.forget(file);
        }
        given.map_err(above_limit)
    }

    fn forget(&mut self, file: FileId) {
        if let Some(File { line, identity, .. }) = self.files.remove(&file) {
            let _closed = epoll::delete(&self.epoll, &line);
            self.by_identity.remove(&identity);
        }
    }

    /// The next piece of a read or write.
    fn go_on(&mut self, id: u64, buffer: &mut TrapBuffer) -> Option<Wanted> {
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

    /// Keeps bytes that a read could not put down.
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

    /// Answers a call, if it still waits.
    fn finish(&mut self, token: TrapToken, result: Result<i64, i32>) {
        if let TrapToken::Waiting(id) = token {
            self.waiting.remove(&id);
            // One that is gone needs no answer.
            let _gone = self.listener.answer(id, result);
        }
    }

    /// The text is complete, or cannot be had.
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

/// The program has lowered its limit below the range since: it has no descriptor left.
fn above_limit(error: Errno) -> Errno {
    if error == Errno::BADF { Errno::MFILE } else { error }
}

impl Drop for Trap {
    /// Calls that wait find the device gone, whoever answers at the listener from now on.
    fn drop(&mut self) {
        for id in self.waiting.keys().chain(self.fetching.keys()) {
            let _gone = self.listener.answer(*id, Err(Errno::NODEV.raw_os_error()));
        }
    }
}

/// The answers, each on its way to the program or to the next piece of its call.
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
        } else if !whole && self.files.get(&file).is_some_and(|open| open.node == Node::Sequencer) {
            // The event that did not fit stays to be read, those before it are gone. A timer's are all.
            let gone = moved - moved % aseqd_abi::event::EVENT_SIZE;
            self.hold(file, &data[gone..], end.as_ref());
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
                    // It came to the end of the memory within a record.
                    Work::Write { transfer, .. } if transfer.cut => {
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
}

impl Door for Trap {
    type Token = TrapToken;
    type Wakeup = ();

    fn answer(&mut self, token: TrapToken, answer: Answer<'_>) -> bool {
        match answer {
            Answer::Opened { file, state } => return self.opened(token, file, state),
            Answer::Read(data) => self.read(token, data),
            Answer::Written(count) => self.written(token, count),
            Answer::Ioctl(Ok(out)) => self.controlled(token, out),
            Answer::Ioctl(Err(errno)) | Answer::Failed(errno) => self.failed(token, errno),
            // Nobody asks: the kernel answers polls by what is shown.
            Answer::Polled(_) => self.finish(token, Ok(0)),
        }
        true
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

impl Transport for Trap {
    type Buffer = TrapBuffer;

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    fn is_end(&self, inode: u64) -> bool {
        self.by_identity.keys().any(|identity| identity.inode() == inode)
    }

    fn receive<'b>(&mut self, buffer: &'b mut TrapBuffer) -> Received<'b, TrapToken, ()> {
        if !self.waiting.is_empty() && self.waiting.len() <= FEW {
            self.look_after(false);
        }
        if let Some(closed) = self.next_closed() {
            return Received::Call(closed);
        }
        let mut events = Vec::with_capacity(16);
        for _ in 0..OTHERS_PER_LOOK {
            events.clear();
            let now = Some(&NEVER);
            // Only a descriptor that is no epoll makes this fail, and ours is one.
            let looked = rustix::io::retry_on_intr(|| {
                epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), now)
            });
            if looked.is_err() || events.is_empty() {
                break;
            }
            let mut waits = false;
            for event in &events {
                let flags = event.flags;
                match event.data.u64() {
                    LISTENER if flags.contains(EventFlags::IN) => waits = true,
                    // Every program behind the filter has ended.
                    LISTENER => drop(epoll::delete(&self.epoll, &self.listener)),
                    TIMER => {
                        let _rung = rustix::io::read(&self.timer, &mut [0; 8]);
                        self.look_after(true);
                        self.arm(!self.waiting.is_empty());
                    }
                    NUDGE => {}
                    FOLDERS => self.places.sweep(),
                    // As the program has closed them: the kernel tells in the order of the hang-ups.
                    number => self.closed.extend(u32::try_from(number).map(FileId)),
                }
            }
            // What was closed before a call is closed when it is handled.
            if let Some(closed) = self.next_closed() {
                return Received::Call(closed);
            }
            if let Some(own) = self.next_own() {
                return Received::Call(self.own_call(own, buffer));
            }
            if !waits {
                break;
            }
            if let Some((call, kind)) = self.take(buffer) {
                let token = TrapToken::Waiting(call.id);
                let kind = kind.with_bytes(&buffer.0);
                return Received::Call(Call { token, thread: call.thread, kind });
            }
        }
        Received::Nothing
    }
}
