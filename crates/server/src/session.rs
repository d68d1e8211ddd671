//! Where files and ports meet: the calls of programs go to the engine, its replies go back.
//!
//! The engine never heard of a descriptor, a door never heard of a port. A call that sleeps is
//! parked here and tried again when the engine names its file; the server itself waits for nobody.

mod asound;
mod holders;

use crate::budget::{self, Budget};
use crate::door::{Answer, Call, CallKind, Door, Readiness};
use aseqd_abi::Errno;
use aseqd_engine::{
    self as engine, Engine, Error, FileId, Identity, Input, Node, Output, READABLE, Reply, Time,
    WRITABLE,
};
use aseqd_host::log;
use aseqd_wire::asound::TEXT;
use std::collections::VecDeque;

/// The longest answer: all events that a client can have unread, 2000 records of 28 bytes.
const OUT_ROOM: usize = 56_000;

/// Programs and the engine between them.
#[derive(Debug)]
pub struct Session<D: Door> {
    engine: Engine,
    /// By file number.
    files: Vec<Option<OpenFile<D>>>,
    /// Long writes that go on in the next turn.
    unfinished: VecDeque<(FileId, Parked<D::Token>)>,
    /// Bytes that go back to a program.
    out: Vec<u8>,
    held: Held,
    texts: asound::Texts,
    /// Answers to writes: told after all that the writes have caused, as on Linux, where an event is at
    /// its reader before the write returns.
    written: Vec<(FileId, D::Token, Result<usize, Error>)>,
    trace: bool,
}

/// What is counted of what clients make the server hold.
#[derive(Debug)]
struct Held {
    timer_files: Budget,
    calls: Budget,
    bytes: Budget,
}

/// What the server knows of an open file.
#[derive(Debug)]
struct OpenFile<D: Door> {
    node: Node,
    pid: i32,
    /// On whose account it is.
    user: u32,
    /// Calls that sleep, oldest first.
    parked: VecDeque<Parked<D::Token>>,
    /// A program that sleeps in a poll.
    wakeup: Option<D::Wakeup>,
}

/// A call that is not answered yet.
#[derive(Debug)]
struct Parked<Token> {
    token: Token,
    work: Work,
    /// The user on whose account it is counted, once it waits.
    counted: Option<u32>,
}

#[derive(Debug)]
enum Work {
    Read {
        len: usize,
        nonblock: bool,
    },
    /// The first `done` bytes are taken.
    Write {
        data: Vec<u8>,
        done: usize,
        nonblock: bool,
    },
}

const TOO_MUCH: Error = Error::new(Errno::ENOMEM, "the server holds too much for the user");

/// What came of a call on a file, or of the file itself.
enum Outcome<Token> {
    /// The call is answered.
    Answered(Token, Result<Done, Failure>),
    /// The call sleeps until its file is ready.
    Sleeps(Parked<Token>),
    /// The call goes on after the others had their turn.
    Unfinished(Parked<Token>),
    /// Something came to the file, and all calls that could go on have done so.
    Ready,
}

/// What a call has done. Bytes that go back stand in [`Session::out`], from its beginning.
#[derive(Clone, Copy, Debug)]
enum Done {
    Read(usize),
    Written(usize),
    Ioctl(usize),
    Polled(Readiness),
}

/// Why a call has failed.
#[derive(Clone, Copy, Debug)]
struct Failure {
    /// What the trace calls it.
    name: &'static str,
    is_ioctl: bool,
    error: Error,
}

/// How far a write has come.
enum Written {
    /// To its end. Its answer waits in [`Session::written`].
    Finished,
    /// It sleeps, with this many bytes taken.
    Sleeps(usize),
    /// It goes on in the next turn, with this many bytes taken.
    Unfinished(usize),
}

impl<D: Door> Session<D> {
    /// A session with a fresh sequencer. With `trace`, failed calls are told on standard error.
    #[must_use]
    pub fn new(config: aseqd_engine::Config, trace: bool) -> Self {
        Self {
            engine: Engine::with_config(config),
            files: Vec::new(),
            unfinished: VecDeque::new(),
            out: Vec::with_capacity(OUT_ROOM),
            held: Held {
                timer_files: Budget::new(budget::TIMER_FILES),
                calls: Budget::new(budget::WAITING_CALLS),
                bytes: Budget::new(budget::waiting_bytes(config.clients)),
            },
            texts: asound::Texts::default(),
            written: Vec::new(),
            trace,
        }
    }

    /// The engine, to look at.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The processes that have a file open.
    pub fn processes(&self) -> impl Iterator<Item = i32> {
        self.files.iter().flatten().map(|file| file.pid)
    }

    /// When the next turn is wanted if nobody calls: at once while long writes are under way.
    #[must_use]
    pub fn deadline(&self, now: Time) -> Option<Time> {
        if self.unfinished.is_empty() { self.engine.poll_timeout() } else { Some(now) }
    }

    /// The instant of the earliest event that fell due by `now` and is not handled yet.
    #[must_use]
    pub fn due(&self, now: Time) -> Option<Time> {
        self.engine.poll_timeout().filter(|due| *due <= now)
    }

    /// Handles the calls of one turn, in order, and all that follows from them.
    pub fn turn<'a>(
        &mut self,
        now: Time,
        calls: impl IntoIterator<Item = Call<'a, D::Token, D::Wakeup>>,
        door: &mut D,
    ) {
        self.pass_time(now, door);
        for call in calls {
            self.call(now, call, door);
        }
        self.go_on(now, door)
    }

    /// Does what fell due up to `now`.
    pub fn pass_time(&mut self, now: Time, door: &mut D) {
        let _nothing_to_say = self.ask(now, Input::Timeout);
        self.settle(now, door)
    }

    /// Handles one call, and all that follows from it.
    pub fn call(&mut self, now: Time, call: Call<'_, D::Token, D::Wakeup>, door: &mut D) {
        self.handle(now, call, door);
        self.settle(now, door)
    }

    /// Gives each long write that is under way another turn.
    pub fn go_on(&mut self, now: Time, door: &mut D) {
        for _ in 0..self.unfinished.len() {
            let Some((file, parked)) = self.unfinished.pop_front() else { break };
            self.attempt(now, file, parked, door);
            self.settle(now, door);
        }
    }

    fn handle(&mut self, now: Time, call: Call<'_, D::Token, D::Wakeup>, door: &mut D) {
        let Call { token, thread, kind } = call;
        match kind {
            CallKind::Open { node, access, pid, user } => {
                let counted = node != Node::Timer || self.held.timer_files.take(user, 1);
                let opened = if counted {
                    self.engine.open_node(now, node, access, Identity::User { pid })
                } else {
                    budget::tell(user, "timer files");
                    Err(TOO_MUCH)
                };
                self.settle(now, door);
                let state =
                    opened.map_or_else(|_| Readiness::default(), |file| self.poll(now, file));
                match opened {
                    Ok(file) if door.answer(token, Answer::Opened { file, state }) => {
                        let parked = VecDeque::new();
                        let open = OpenFile { node, pid, user, parked, wakeup: None };
                        let slot = file.0 as usize;
                        if self.files.len() <= slot {
                            self.files.resize_with(slot + 1, || None);
                        }
                        self.files[slot] = Some(open);
                        return;
                    }
                    // The program was killed meanwhile.
                    Ok(file) => self.close(now, file),
                    Err(error) => {
                        self.answer(door, token, Err(Failure::of("open", error)));
                        if self.trace && node == Node::Sequencer && error.errno == Errno::ENOMEM {
                            for line in holders::lines(&self.engine) {
                                log::trace(format_args!("{line}"));
                            }
                        }
                    }
                }
                if counted && node == Node::Timer {
                    self.held.timer_files.give_back(user, 1);
                }
            }
            CallKind::File { file, call, out_size, wakeup } => match call {
                engine::Call::Ioctl { request: TEXT, arg, .. } => {
                    self.pass_time(now, door);
                    let text = self.text(file, arg);
                    self.answer(door, token, text);
                }
                engine::Call::Ioctl { request, .. } => {
                    if request == aseqd_abi::ioctl::timers::SELECT {
                        let _of_timers = self.ask(now, Input::Thread { file, thread });
                    }
                    let result = self.ask(now, Input::Call { file, call }).finish();
                    // What follows from it has bytes of its own.
                    let out = std::mem::take(&mut self.out);
                    self.settle(now, door);
                    self.out = out;
                    let result = match result {
                        // Where the door cannot carry bytes back, the call succeeds without them.
                        Ok(_) => Ok(Done::Ioctl(self.out.len().min(out_size))),
                        Err(error) => {
                            Err(Failure { name: name_of(request), is_ioctl: true, error })
                        }
                    };
                    self.conclude(now, file, Outcome::Answered(token, result), door);
                }
                engine::Call::Read { len, nonblock } => {
                    let work = Work::Read { len, nonblock };
                    self.attempt(now, file, Parked { token, work, counted: None }, door);
                }
                engine::Call::Write { data, nonblock } => {
                    // Most writes are done at once: their bytes need not be kept.
                    let (done, sleeps) = match self.write(now, file, token, data, 0, nonblock) {
                        Written::Finished => return,
                        Written::Sleeps(done) => (done, true),
                        Written::Unfinished(done) => (done, false),
                    };
                    let outcome = if let Some(user) = self.count(file, data.len()) {
                        let work = Work::Write { data: data.to_vec(), done, nonblock };
                        let parked = Parked { token, work, counted: Some(user) };
                        match sleeps {
                            true => Outcome::Sleeps(parked),
                            false => Outcome::Unfinished(parked),
                        }
                    } else if done > 0 {
                        Outcome::Answered(token, Ok(Done::Written(done)))
                    } else {
                        Outcome::Answered(token, Err(Failure::of("write", TOO_MUCH)))
                    };
                    self.conclude(now, file, outcome, door);
                }
                engine::Call::Poll => {
                    if let Some(open) = self.file_mut(file) {
                        open.wakeup = wakeup.or(open.wakeup);
                    }
                    let state = self.ask(now, Input::Call { file, call }).finish();
                    let polled = state.map(|state| Done::Polled(readiness(state)));
                    self.answer(door, token, polled.map_err(|error| Failure::of("poll", error)));
                }
            },
            CallKind::Close { file } => {
                for parked in self.forget(file) {
                    door.answer(parked.token, Answer::Failed(Errno::EBADF));
                    self.no_longer_counts(&parked);
                }
                self.close(now, file);
            }
            CallKind::Interrupt { target } => self.interrupt(target, door),
        }
    }

    /// Answers our own request: the engine's texts, which no request of the kernel's has.
    fn text(&mut self, file: FileId, argument: &[u8]) -> Result<Done, Failure> {
        let open = self.files.get(file.0 as usize).and_then(Option::as_ref);
        let open = open.ok_or(Error::new(Errno::EBADF, "no such file is open"));
        let answered = open.and_then(|open| {
            self.texts.answer(&self.engine, (file, open.user), argument, &mut self.out)
        });
        match answered {
            Ok(()) => Ok(Done::Ioctl(self.out.len())),
            Err(error) => Err(Failure { name: "our request for a text", is_ioctl: true, error }),
        }
    }

    /// Counts a call that is to wait with this many bytes: on whose account, if that has room for it.
    fn count(&mut self, file: FileId, bytes: usize) -> Option<u32> {
        let user = self.file_mut(file).map_or(0, |open| open.user);
        let room = self.held.calls.take(user, 1);
        if room && self.held.bytes.take(user, bytes as u64) {
            return Some(user);
        }
        if room {
            self.held.calls.give_back(user, 1);
        }
        budget::tell(user, "calls that wait");
        None
    }

    /// A call that waited is answered.
    fn no_longer_counts(&mut self, parked: &Parked<D::Token>) {
        let Some(user) = parked.counted else { return };
        self.held.calls.give_back(user, 1);
        if let Work::Write { data, .. } = &parked.work {
            self.held.bytes.give_back(user, data.len() as u64);
        }
    }

    fn close(&mut self, now: Time, file: FileId) {
        let _closed = self.ask(now, Input::Close { file });
    }

    /// Hands an input to the engine. In the kernel's words: opens, ioctls, writes and closes run in the
    /// caller's context and may allocate; what time brings, and what a reader or a poll finds, is
    /// found in a hardirq, where nothing may allocate, wait, or call the operating system.
    fn ask(&mut self, now: Time, input: Input<'_>) -> Reply {
        let _section = match input {
            Input::Timeout
            | Input::Call { call: engine::Call::Read { .. } | engine::Call::Poll, .. } => {
                lockdep::hardirq_enter("turn").no_syscalls()
            }
            _ => lockdep::task_enter("call"),
        };
        self.engine.handle(now, input, &mut self.out)
    }

    /// What a poll of a file finds.
    fn poll(&mut self, now: Time, file: FileId) -> Readiness {
        readiness(
            self.ask(now, Input::Call { file, call: engine::Call::Poll }).finish().unwrap_or(0),
        )
    }

    /// Takes all calls of a file back.
    fn forget(&mut self, file: FileId) -> Vec<Parked<D::Token>> {
        let mut calls = Vec::new();
        let slot = self.files.get_mut(file.0 as usize);
        if let Some(open) = slot.and_then(Option::take) {
            if open.node == Node::Timer {
                self.held.timer_files.give_back(open.user, 1);
            }
            calls.extend(open.parked);
        }
        self.texts.forget(file);
        let (gone, others) = self.unfinished.drain(..).partition(|(other, _)| *other == file);
        self.unfinished = others;
        let gone: VecDeque<_> = gone;
        calls.extend(gone.into_iter().map(|(_, parked)| parked));
        calls
    }

    /// Tries a call that may sleep.
    fn attempt(&mut self, now: Time, file: FileId, mut parked: Parked<D::Token>, door: &mut D) {
        let token = parked.token;
        match &mut parked.work {
            Work::Read { len, nonblock } => {
                let call = engine::Call::Read { len: *len, nonblock: *nonblock };
                let read = match self.ask(now, Input::Call { file, call }) {
                    Reply::Wait(_) if !*nonblock => {
                        return self.conclude(now, file, Outcome::Sleeps(parked), door);
                    }
                    reply => reply.finish(),
                };
                self.no_longer_counts(&parked);
                let read = read.map(Done::Read).map_err(|error| Failure::of("read", error));
                self.conclude(now, file, Outcome::Answered(token, read), door);
            }
            Work::Write { data, done, nonblock } => {
                match self.write(now, file, token, data, *done, *nonblock) {
                    Written::Finished => self.no_longer_counts(&parked),
                    Written::Sleeps(more) => {
                        *done = more;
                        self.conclude(now, file, Outcome::Sleeps(parked), door);
                    }
                    Written::Unfinished(more) => {
                        *done = more;
                        self.conclude(now, file, Outcome::Unfinished(parked), door);
                    }
                }
            }
        }
    }

    /// Hands on a write of which the first `done` bytes are taken.
    fn write(
        &mut self,
        now: Time,
        file: FileId,
        token: D::Token,
        data: &[u8],
        done: usize,
        nonblock: bool,
    ) -> Written {
        let input =
            Input::Call { file, call: engine::Call::Write { data: &data[done..], nonblock } };
        let result = match self.ask(now, input) {
            Reply::Wait(more) => return Written::Sleeps(done + more),
            Reply::More(more) => return Written::Unfinished(done + more),
            Reply::Done(more) => Ok(done + more),
            Reply::Failed(_) if done > 0 => Ok(done),
            Reply::Failed(error) => Err(error),
        };
        self.written.push((file, token, result));
        Written::Finished
    }

    fn file_mut(&mut self, file: FileId) -> Option<&mut OpenFile<D>> {
        self.files.get_mut(file.0 as usize)?.as_mut()
    }

    /// Tells the door what has become of a file and of a call on it: first what polls find, if the door
    /// shows that, then the answer, if there is one.
    fn conclude(&mut self, now: Time, file: FileId, outcome: Outcome<D::Token>, door: &mut D) {
        // A read that sleeps leaves everything as it was.
        let same = matches!(outcome, Outcome::Sleeps(Parked { work: Work::Read { .. }, .. }));
        if !same && door.shows(file) {
            // An answer that is on its way stays in the buffer: a poll leaves none.
            let out = std::mem::take(&mut self.out);
            let state = self.poll(now, file);
            self.out = out;
            door.show(file, state, matches!(outcome, Outcome::Ready));
        }
        match outcome {
            Outcome::Answered(token, result) => self.answer(door, token, result),
            Outcome::Sleeps(parked) => self.park(file, parked, door),
            Outcome::Unfinished(parked) => self.unfinished.push_back((file, parked)),
            Outcome::Ready => {}
        }
    }

    /// Keeps a call that sleeps, if its user may have one more.
    fn park(&mut self, file: FileId, mut parked: Parked<D::Token>, door: &mut D) {
        if parked.counted.is_none() {
            parked.counted = self.count(file, 0);
        }
        if parked.counted.is_none() {
            let failure = Failure::of("a call that is to wait", TOO_MUCH);
            return self.answer(door, parked.token, Err(failure));
        }
        match self.file_mut(file) {
            Some(open) => open.parked.push_back(parked),
            None => self.no_longer_counts(&parked),
        }
    }

    /// Gives the engine's outputs to the programs that wait for them: sleeping calls first, then those
    /// that poll, and at last the answers to the writes.
    fn settle(&mut self, now: Time, door: &mut D) {
        while let Some(Output::Ready(file)) = self.engine.poll_output() {
            let sleeping = self.file_mut(file).map_or(0, |open| open.parked.len());
            for _ in 0..sleeping {
                let parked = self.file_mut(file).and_then(|open| open.parked.pop_front());
                let Some(parked) = parked else { break };
                self.attempt(now, file, parked, door);
            }
            let wakeup = self.file_mut(file).and_then(|open| open.wakeup.take());
            if let Some(wakeup) = wakeup {
                door.wake(wakeup);
            }
            self.conclude(now, file, Outcome::Ready, door);
        }
        let mut written = std::mem::take(&mut self.written);
        for (file, token, result) in written.drain(..) {
            let result = result.map(Done::Written).map_err(|error| Failure::of("write", error));
            self.conclude(now, file, Outcome::Answered(token, result), door);
        }
        self.written = written;
    }

    /// A signal ends a sleeping call: with what a write has done, or `EINTR`.
    fn interrupt(&mut self, target: D::Token, door: &mut D) {
        let sleeping = self.files.iter_mut().flatten().find_map(|open| {
            let at = open.parked.iter().position(|parked| parked.token == target)?;
            open.parked.remove(at)
        });
        let parked = sleeping.or_else(|| {
            let at = self.unfinished.iter().position(|(_, parked)| parked.token == target)?;
            self.unfinished.remove(at).map(|(_, parked)| parked)
        });
        if let Some(parked) = &parked {
            self.no_longer_counts(parked);
        }
        match parked {
            Some(Parked { work: Work::Write { done, .. }, .. }) if done > 0 => {
                door.answer(target, Answer::Written(done));
            }
            Some(_) => {
                door.answer(target, Answer::Failed(Errno::EINTR));
            }
            // It was answered before the signal came through.
            None => {}
        }
    }

    /// Answers a call. Bytes that go back are the first of `self.out`.
    fn answer(&self, door: &mut D, token: D::Token, result: Result<Done, Failure>) {
        let answer = match result {
            Ok(Done::Read(len)) => Answer::Read(&self.out[..len]),
            Ok(Done::Written(len)) => Answer::Written(len),
            Ok(Done::Ioctl(len)) => Answer::Ioctl(Ok(&self.out[..len])),
            Ok(Done::Polled(state)) => Answer::Polled(state),
            Err(Failure { name, is_ioctl, error }) => {
                if self.trace && !is_normal(name, error) {
                    log::trace(format_args!("{name}: {error}"));
                }
                match is_ioctl {
                    true => Answer::Ioctl(Err(error.errno)),
                    false => Answer::Failed(error.errno),
                }
            }
        };
        // Only an open matters to the session that nobody takes.
        let _taken = door.answer(token, answer);
    }
}

impl Failure {
    /// Of a call that is no ioctl.
    const fn of(name: &'static str, error: Error) -> Self {
        Self { name, is_ioctl: false, error }
    }
}

const fn readiness(state: usize) -> Readiness {
    Readiness { readable: state & READABLE != 0, writable: state & WRITABLE != 0 }
}

/// Returns whether programs expect a call to fail so: it is the end of a list, or nothing is there to read yet.
fn is_normal(call: &str, error: Error) -> bool {
    match error.errno {
        Errno::ENOENT => matches!(call, "QUERY_NEXT_CLIENT" | "QUERY_NEXT_PORT" | "QUERY_SUBS"),
        Errno::EAGAIN => call == "read",
        _ => false,
    }
}

/// Name of a request, for people.
fn name_of(request: u32) -> &'static str {
    aseqd_engine::request(request).map_or("ioctl", |request| request.name)
}

#[cfg(test)]
mod tests;
