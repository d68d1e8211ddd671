//! Hands the calls of programs to the engine, and its replies back.
//!
//! The engine knows no descriptor and a door knows no port: they meet here. A call that sleeps is parked and
//! tried again when the engine names its file; the server itself waits for no program.

mod files;
mod holders;
mod outcome;
mod proc_texts;
mod reports;
mod user_timers;

use crate::budget::FileBounds;
use crate::door::{Answer, Call, CallKind, Door, Readiness};
use crate::recorder::{Recorded, Recorder, Recording};
use crate::timing::Timing;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers::CREATE;
use aseqd_engine::{
    self as engine, Engine, Error, FileId, Identity, Input, Node, Output, Reply, Time,
};
use aseqd_host::log;
use aseqd_wire::proc_text::PROC_TEXT;
use aseqd_wire::report::REPORT;
use aseqd_wire::user_timer::BECOME_USER_TIMER;
use files::{Files, Parked, Work};
use outcome::{Done, Failure, Outcome, readiness};
use proc_texts::ProcTexts;
use reports::Report;

/// Size of the longest answer, in bytes: all events that a client can have unread, 2000 records of 28 bytes.
const OUT_ROOM: usize = 56_000;

/// The engine, and the programs that have files of it open.
#[derive(Debug)]
pub struct Session<D: Door> {
    engine: Engine,
    config: aseqd_engine::Config,
    files: Files<D>,
    /// Bytes that go back to a program.
    out: Vec<u8>,
    texts: ProcTexts,
    /// Answers to writes. They are told after everything that the writes have caused, as on Linux, where an
    /// event is at its reader before the write returns.
    written: Vec<(FileId, D::Token, Result<usize, Error>)>,
    recorder: Option<Recorder>,
    /// What is being read of the recorder.
    report: Option<Report>,
    trace: bool,
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
    /// Returns a session with a fresh sequencer. With `trace`, calls that fail are told on standard error.
    #[must_use]
    pub fn new(config: aseqd_engine::Config, trace: bool) -> Self {
        Self::with_bounds(config, trace, FileBounds::for_clients(config.clients))
    }

    /// Returns a session as [`new`](Self::new) does, with other bounds. Tests reach them with a few calls.
    #[must_use]
    pub fn with_bounds(config: aseqd_engine::Config, trace: bool, bounds: FileBounds) -> Self {
        Self {
            engine: Engine::with_config(config),
            config,
            files: Files::new(bounds),
            out: Vec::with_capacity(OUT_ROOM),
            texts: ProcTexts::default(),
            written: Vec::new(),
            recorder: None,
            report: None,
            trace,
        }
    }

    /// Returns a session with the options of a server, recorded if they say so.
    #[must_use]
    pub fn with_options(options: &Timing, trace: bool) -> Self {
        let mut session = Self::new(options.engine(), trace);
        if let Some(recording) = &options.recording {
            session.record(recording.clone());
        }
        session
    }

    /// Records what enters the engine. Nothing may have entered it yet.
    pub fn record(&mut self, recording: Recording) {
        self.recorder = Some(Recorder::new(recording, self.config));
    }

    /// Returns the engine, to look at.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the process of each open file.
    pub fn processes(&self) -> impl Iterator<Item = i32> {
        self.files.processes()
    }

    /// Returns when the next turn is due if no call comes: at once while long writes are under way.
    #[must_use]
    pub fn deadline(&self, now: Time) -> Option<Time> {
        if self.files.unfinished() == 0 { self.engine.poll_timeout() } else { Some(now) }
    }

    /// Returns the earliest deadline that has passed by `now` and is not handled yet.
    #[must_use]
    pub fn due(&self, now: Time) -> Option<Time> {
        self.engine.poll_timeout().filter(|due| *due <= now)
    }

    /// Does what fell due up to `now`.
    pub fn pass_time(&mut self, now: Time, door: &mut D) {
        // Otherwise the engine would only learn the time, which the next call tells it as well.
        if self.due(now).is_some() {
            self.tell_time(now, door);
        } else {
            self.settle(now, door);
        }
    }

    /// Tells the engine the time, and does what fell due.
    fn tell_time(&mut self, now: Time, door: &mut D) {
        let _nothing_to_say = self.ask(now, Input::Timeout);
        self.settle(now, door)
    }

    /// Handles one call, and everything that follows from it.
    pub fn call(&mut self, now: Time, call: Call<'_, D::Token, D::Wakeup>, door: &mut D) {
        self.handle(now, call, door);
        self.settle(now, door)
    }

    /// Lets each long write that is under way go on for one batch.
    pub fn go_on(&mut self, now: Time, door: &mut D) {
        for _ in 0..self.files.unfinished() {
            let Some((file, parked)) = self.files.next_unfinished() else { break };
            self.attempt(now, file, parked, door);
            self.settle(now, door);
        }
        // The last thing in a turn: nobody waits for it.
        let deadline = self.deadline(now);
        if let Some(recorder) = &mut self.recorder {
            recorder.wake();
            recorder.send_state_if_quiet(&self.engine, now, deadline);
        }
    }

    fn handle(&mut self, now: Time, call: Call<'_, D::Token, D::Wakeup>, door: &mut D) {
        let Call { token, thread, kind } = call;
        match kind {
            CallKind::Open { node, access, pid, user } => {
                let admitted = self.files.admit(node, user);
                let opened = admitted.and_then(|()| {
                    self.open(now, Input::Open { node, access, identity: Identity::User { pid } })
                });
                self.settle(now, door);
                match opened {
                    Ok(file) => {
                        let state = self.poll(now, file);
                        if door.answer(token, Answer::Opened { file, state }) {
                            return self.files.insert(file, node, pid, user);
                        }
                        // The program was killed meanwhile.
                        self.close(now, file);
                    }
                    Err(error) => {
                        self.answer(door, token, Err(Failure::of("open", error)));
                        if self.trace && node == Node::Sequencer && error.errno == Errno::ENOMEM {
                            for line in holders::lines(&self.engine) {
                                log::trace(format_args!("{line}"));
                            }
                        }
                    }
                }
                if admitted.is_ok() {
                    self.files.dismiss(node, user);
                }
            }
            CallKind::File {
                file,
                call: engine::Call::Ioctl { request: PROC_TEXT, arg, .. },
                ..
            } => {
                // The text has the positions of queues.
                self.tell_time(now, door);
                let text = self.text(file, arg);
                self.answer(door, token, text);
            }
            CallKind::File {
                file, call: engine::Call::Ioctl { request: REPORT, arg, .. }, ..
            } => {
                let piece = self.piece_of_report(file, arg);
                self.answer(door, token, piece);
            }
            CallKind::File {
                file,
                call: engine::Call::Ioctl { request: BECOME_USER_TIMER, arg, .. },
                ..
            } => {
                let made = self.become_user_timer(now, file, arg, door);
                self.answer(door, token, made);
            }
            CallKind::File {
                file,
                call: call @ engine::Call::Ioctl { request: CREATE, .. },
                ..
            } => {
                self.create_user_timer(now, (token, file, call), door);
            }
            CallKind::File { file, call, out_size, wakeup } => match call {
                engine::Call::Ioctl { request, compat, arg } => {
                    if request == aseqd_abi::ioctl::timers::SELECT {
                        let _of_timers = self.ask(now, Input::Thread { file, thread });
                    }
                    let result = self.ask(now, Input::Call { file, call }).finish();
                    // Calls that it wakes use the buffer too.
                    let out = std::mem::take(&mut self.out);
                    self.settle(now, door);
                    self.out = out;
                    let result = match result {
                        // Where the door cannot carry bytes back, the call succeeds without them.
                        Ok(_) => Ok(Done::Ioctl(self.out.len().min(out_size))),
                        Err(error) => {
                            let about = self.trace.then(|| outcome::in_words(request, compat, arg));
                            Err(Failure {
                                about: about.flatten(),
                                ..Failure::of_ioctl(request, error)
                            })
                        }
                    };
                    self.conclude(now, file, Outcome::Answered(token, result), door);
                }
                engine::Call::Read { len, nonblock } => {
                    self.attempt(now, file, Parked::read(token, len, nonblock), door);
                }
                engine::Call::Write { data, nonblock } => {
                    // Most writes finish at once: their bytes need not be kept.
                    let mut recorded = Recorded::default();
                    let tried = self.write(now, file, token, (data, 0), nonblock, &mut recorded);
                    let (done, sleeps) = match tried {
                        Written::Finished => return,
                        Written::Sleeps(done) => (done, true),
                        Written::Unfinished(done) => (done, false),
                    };
                    let kept = self.files.keep_write(file, token, (data, done), nonblock, recorded);
                    let outcome = match kept {
                        Ok(parked) if sleeps => Outcome::Sleeps(parked),
                        Ok(parked) => Outcome::Unfinished(parked),
                        Err(_) if done > 0 => Outcome::Answered(token, Ok(Done::Written(done))),
                        Err(error) => Outcome::Answered(token, Err(Failure::of("write", error))),
                    };
                    self.conclude(now, file, outcome, door);
                }
                engine::Call::Poll => {
                    if let Some(open) = self.files.get_mut(file) {
                        open.wakeup = wakeup.or(open.wakeup);
                    }
                    let state = self.ask(now, Input::Call { file, call }).finish();
                    let polled = state.map(|state| Done::Polled(readiness(state)));
                    self.answer(door, token, polled.map_err(|error| Failure::of("poll", error)));
                }
            },
            CallKind::Close { file } => {
                self.texts.forget(file);
                self.end_report(file);
                for parked in self.files.remove(file) {
                    door.answer(parked.token, Answer::Failed(Errno::EBADF));
                }
                self.close(now, file);
            }
            CallKind::Interrupt { target } => self.interrupt(target, door),
        }
    }

    fn open(&mut self, now: Time, input: Input<'_>) -> Result<FileId, Error> {
        let number = u32::try_from(self.ask(now, input).finish()?);
        number.map(FileId).map_err(|_| Error::new(Errno::ENOMEM, "too many files"))
    }

    fn close(&mut self, now: Time, file: FileId) {
        let _closed = self.ask(now, Input::Close { file });
    }

    /// Hands an input to the engine.
    fn ask(&mut self, now: Time, input: Input<'_>) -> Reply {
        let _section = section(&input);
        if let Some(recorder) = &mut self.recorder {
            recorder.input(now, &input);
        }
        self.hand_on(now, input)
    }

    /// Hands the engine what it has not taken of a write: the bytes after the first `done`.
    fn ask_write(
        &mut self,
        now: Time,
        file: FileId,
        (data, done): (&[u8], usize),
        nonblock: bool,
        recorded: &mut Recorded,
    ) -> Reply {
        let call = engine::Call::Write { data: &data[done..], nonblock };
        let input = Input::Call { file, call };
        let _section = section(&input);
        if let Some(recorder) = &mut self.recorder {
            recorder.write(now, file, (data, done), nonblock, recorded);
        }
        self.hand_on(now, input)
    }

    /// Hands a recorded input to the engine.
    fn hand_on(&mut self, now: Time, input: Input<'_>) -> Reply {
        let reply = self.engine.handle(now, input, &mut self.out);
        if let Some(recorder) = &mut self.recorder {
            recorder.answer(&input, reply, &self.out);
        }
        reply
    }

    /// Takes an output from the engine.
    fn next_output(&mut self) -> Option<Output> {
        let output = self.engine.poll_output();
        if let (Some(recorder), Some(output)) = (&mut self.recorder, output) {
            recorder.output(output);
        }
        output
    }

    /// Returns what a poll of a file finds.
    fn poll(&mut self, now: Time, file: FileId) -> Readiness {
        readiness(
            self.ask(now, Input::Call { file, call: engine::Call::Poll }).finish().unwrap_or(0),
        )
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
                self.files.release(&parked);
                let read = read.map(Done::Read).map_err(|error| Failure::of("read", error));
                self.conclude(now, file, Outcome::Answered(token, read), door);
            }
            Work::Write { data, done, nonblock, recorded } => {
                match self.write(now, file, token, (data, *done), *nonblock, recorded) {
                    Written::Finished => self.files.release(&parked),
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
        (data, done): (&[u8], usize),
        nonblock: bool,
        recorded: &mut Recorded,
    ) -> Written {
        let result = match self.ask_write(now, file, (data, done), nonblock, recorded) {
            Reply::Wait(more) => return Written::Sleeps(done + more),
            Reply::More(more) => return Written::Unfinished(done + more),
            Reply::Done(more) => Ok(done + more),
            Reply::Failed(_) if done > 0 => Ok(done),
            Reply::Failed(error) => Err(error),
        };
        self.written.push((file, token, result));
        Written::Finished
    }

    /// Tells the door what has become of a file and of a call on it: first what polls find, if the door
    /// shows that, then the answer, if there is one.
    fn conclude(&mut self, now: Time, file: FileId, outcome: Outcome<D::Token>, door: &mut D) {
        // A read that sleeps leaves everything as it was, unless it has dropped packets that a client without UMP cannot read.
        let reads = matches!(outcome, Outcome::Sleeps(Parked { work: Work::Read { .. }, .. }));
        let same = reads && !self.config.ump;
        if !same && door.shows(file) {
            // An answer that is on its way stays in the buffer: a poll leaves none.
            let out = std::mem::take(&mut self.out);
            let state = self.poll(now, file);
            self.out = out;
            door.show(file, state, matches!(outcome, Outcome::Ready));
        }
        match outcome {
            Outcome::Answered(token, result) => self.answer(door, token, result),
            Outcome::Sleeps(parked) => {
                let token = parked.token;
                if let Err(error) = self.files.park(file, parked) {
                    let failure = Failure::of("a call that has to wait", error);
                    self.answer(door, token, Err(failure));
                }
            }
            Outcome::Unfinished(parked) => self.files.postpone(file, parked),
            Outcome::Ready => {}
        }
    }

    /// Gives the engine's outputs to the programs that wait for them: sleeping calls first, then those
    /// that poll, and at last the answers to the writes.
    fn settle(&mut self, now: Time, door: &mut D) {
        while let Some(Output::Ready(file)) = self.next_output() {
            self.ready(now, file, door);
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
        // One that is not there was answered before the signal came through.
        let Some(parked) = self.files.take(target) else { return };
        let answer = match parked.written() {
            0 => Answer::Failed(Errno::EINTR),
            done => Answer::Written(done),
        };
        door.answer(target, answer);
    }

    /// Answers a call. Bytes that go back are the first of `self.out`.
    fn answer(&self, door: &mut D, token: D::Token, result: Result<Done, Failure>) {
        let answer = match result {
            Ok(Done::Read(len)) => Answer::Read(&self.out[..len]),
            Ok(Done::Written(len)) => Answer::Written(len),
            Ok(Done::Ioctl(len)) => Answer::Ioctl(Ok(&self.out[..len])),
            Ok(Done::Polled(state)) => Answer::Polled(state),
            Err(failure) => {
                if self.trace && !failure.is_normal() {
                    let name = failure.about.as_deref().unwrap_or(failure.name);
                    log::trace(format_args!("{name}: {}", failure.error));
                }
                let Failure { is_ioctl, error, .. } = failure;
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

/// Enters the section that an input belongs to. In the kernel's words: opens, ioctls, writes and closes run in the
/// caller's context and may allocate; what time brings, and what a reader or a poll finds, is found in a hardirq, where
/// nothing may allocate, wait, or call the operating system.
fn section(input: &Input<'_>) -> lockdep::Section {
    match input {
        Input::Timeout
        | Input::Call { call: engine::Call::Read { .. } | engine::Call::Poll, .. } => {
            lockdep::hardirq_enter("turn").no_syscalls()
        }
        _ => lockdep::task_enter("call"),
    }
}

#[cfg(test)]
mod tests;
