//! A sequencer inside of a program, without any device file.

#![expect(
    clippy::disallowed_types,
    reason = "programs call from threads of their own: the one that holds the lock is the engine's thread"
)]

use crate::clock::{Clock, Monotonic, VirtualClock};
use crate::door::in_process::{InProcess, OwnCall, Reply};
use crate::door::{CallKind, Readiness};
use crate::recorder::Recording;
use crate::session::Session;
use crate::timing::Timing;
use crate::turn::{Core, Unmanaged};
use aseqd_abi::Errno;
use aseqd_client::{Client, DeviceFile, Direction, Error};
use aseqd_engine::{Access, Call, Config, FileId, Node, Time};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A sequencer in this process. Copies of it are the same sequencer, which ends with the last copy and the
/// last [`File`].
///
/// It has no thread of its own: each call first does what has fallen due. See [`TimeSource`] for how time passes.
#[derive(Clone)]
pub struct Sequencer {
    shared: Arc<Shared>,
}

/// How time passes for a sequencer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeSource {
    /// As it does for everybody: `CLOCK_MONOTONIC`.
    Real,
    /// Only when a call has to wait: the call moves the time on to the next instant at which something happens,
    /// or to the end of its timeout. So an hour passes at once, and a program sees the same instants in every
    /// run. The time begins at 0. With several threads, the first one that waits moves the time for all.
    Virtual,
}

/// The program on whose behalf a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its process id, as other clients see it.
    pub pid: i32,
    /// Its user, on whose account the file is counted.
    pub user: u32,
}

/// An open device file: what a program has as a file descriptor. Closed when it is dropped.
pub struct File {
    shared: Arc<Shared>,
    id: FileId,
    nonblocking: AtomicBool,
}

struct Shared {
    state: Mutex<State>,
    /// A thread that waits should look again.
    changed: Condvar,
    clock: EitherClock,
}

struct State {
    core: Core<EitherClock, InProcess, Unmanaged>,
    /// Threads that wait in [`Shared::changed`].
    waiting: usize,
    /// How often a thread has begun to wait there.
    #[cfg(test)]
    waits: usize,
}

#[derive(Clone, Debug)]
enum EitherClock {
    Real(Monotonic),
    Virtual(VirtualClock),
}

impl Clock for EitherClock {
    fn now(&self) -> Time {
        match self {
            Self::Real(clock) => clock.now(),
            Self::Virtual(clock) => clock.now(),
        }
    }

    fn spin(&self) {
        match self {
            Self::Real(clock) => clock.spin(),
            Self::Virtual(clock) => clock.spin(),
        }
    }
}

impl Process {
    /// This process, as its own user.
    #[must_use]
    pub fn own() -> Self {
        Self {
            pid: rustix::process::getpid().as_raw_pid(),
            user: rustix::process::geteuid().as_raw(),
        }
    }
}

impl Sequencer {
    /// Returns a sequencer like Linux's, in [virtual time](TimeSource::Virtual): for tests.
    #[must_use]
    pub fn in_virtual_time() -> Self {
        Self::new(TimeSource::Virtual, Config::default())
    }

    /// Returns a sequencer with options. It has no timers that programs drive themselves.
    #[must_use]
    pub fn new(time: TimeSource, config: Config) -> Self {
        Self::with_session(time, Session::new(without_user_timers(config), false))
    }

    /// Returns a sequencer that records what enters it. The recording begins with the first call, and ends with the
    /// sequencer.
    #[must_use]
    pub fn recorded(time: TimeSource, config: Config, recording: Recording) -> Self {
        let config = without_user_timers(config);
        recording.begin();
        let mut session = Session::new(config, false);
        session.record(recording);
        Self::with_session(time, session)
    }

    fn with_session(time: TimeSource, session: Session<InProcess>) -> Self {
        let clock = match time {
            TimeSource::Real => EitherClock::Real(Monotonic),
            TimeSource::Virtual => EitherClock::Virtual(VirtualClock::default()),
        };
        let doors = InProcess::default();
        let core = Core::new(clock.clone(), doors, Unmanaged, session, &Timing::default());
        let state = Mutex::new(State {
            core,
            waiting: 0,
            #[cfg(test)]
            waits: 0,
        });
        Self { shared: Arc::new(Shared { state, changed: Condvar::new(), clock }) }
    }

    /// Opens the sequencer for this process, and names the client. As for a client of a device file, no call
    /// sleeps but [`Client::wait`], unless [`Client::set_nonblocking`] says otherwise.
    ///
    /// # Errors
    /// `ENOMEM` if no client number is free.
    pub fn client(&self, name: &str) -> aseqd_client::Result<Client<File>> {
        let file = self.open(Node::Sequencer, Access::ReadWrite);
        let file = file.map_err(|errno| Error::new("the sequencer cannot be opened", errno))?;
        let client = Client::over(file, name)?;
        client.set_nonblocking(true)?;
        Ok(client)
    }

    /// Opens a device file for this process. Its calls sleep until they can be answered, unless
    /// [`DeviceFile::set_nonblocking`] says otherwise.
    ///
    /// # Errors
    /// `ENOMEM` if no client number is free, or the user has too many files open.
    pub fn open(&self, node: Node, access: Access) -> Result<File, Errno> {
        self.open_as(Process::own(), node, access)
    }

    /// Opens a device file on behalf of another program.
    ///
    /// # Errors
    /// As [`Sequencer::open`].
    pub fn open_as(&self, process: Process, node: Node, access: Access) -> Result<File, Errno> {
        let Process { pid, user } = process;
        match self.shared.call(CallKind::Open { node, access, pid, user }, &[])? {
            Reply::Opened(id) => {
                let shared = Arc::clone(&self.shared);
                Ok(File { shared, id, nonblocking: AtomicBool::new(false) })
            }
            _ => Err(Errno::EIO),
        }
    }

    /// Lets a flight recorder write what it has to a file, soon, and say where on standard error. Returns whether there
    /// is one.
    pub fn report(&self) -> bool {
        self.shared.lock().core.session_mut().report()
    }

    /// Returns the time on the sequencer's clock.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.shared.clock.now().0)
    }

    /// Lets time pass, and does what falls due in it, each event at its own instant. In real time this
    /// sleeps.
    pub fn advance(&self, duration: Duration) {
        let end = self.shared.end_of(duration);
        let mut state = self.shared.lock();
        loop {
            self.shared.turn(&mut state);
            if self.shared.clock.now() >= end {
                return;
            }
            state = self.shared.sleep(state, Some(end));
        }
    }
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequencer").field("clock", &self.shared.clock).finish_non_exhaustive()
    }
}

impl File {
    /// Returns what a poll finds: whether a read or a write would not sleep.
    ///
    /// # Errors
    /// Never for an open file.
    pub fn poll(&self) -> Result<Readiness, Errno> {
        let mut state = self.shared.lock();
        self.shared.poll(&mut state, self.id)
    }

    fn is_nonblocking(&self) -> bool {
        self.nonblocking.load(Ordering::Relaxed)
    }

    fn bytes(&self, kind: OwnCall, bytes: &[u8]) -> Result<Vec<u8>, Errno> {
        match self.shared.call(kind, bytes)? {
            Reply::Bytes(bytes) => Ok(bytes),
            _ => Err(Errno::EIO),
        }
    }
}

impl DeviceFile for File {
    /// Makes a request.
    ///
    /// # Errors
    /// The device's; `EFAULT` if the argument is shorter than the code says.
    fn ioctl(&self, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        let size = aseqd_abi::ioctl::size(code);
        let argument = argument.get_mut(..size).ok_or(Errno::EFAULT)?;
        let passes = code >> 30 & aseqd_abi::ioctl::WRITE != 0;
        let call = Call::Ioctl { request: code, compat: false, arg: &[] };
        let kind = CallKind::File { file: self.id, call, out_size: size, wakeup: None };
        let bytes = self.bytes(kind, if passes { argument } else { &[] })?;
        argument[..bytes.len()].copy_from_slice(&bytes);
        Ok(0)
    }

    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let call = Call::Read { len: buffer.len(), nonblock: self.is_nonblocking() };
        let bytes = self.bytes(CallKind::on(self.id, call), &[])?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let call = Call::Write { data: &[], nonblock: self.is_nonblocking() };
        match self.shared.call(CallKind::on(self.id, call), bytes)? {
            Reply::Written(count) => Ok(count),
            _ => Err(Errno::EIO),
        }
    }

    fn set_nonblocking(&self, nonblocking: bool) -> Result<(), Errno> {
        self.nonblocking.store(nonblocking, Ordering::Relaxed);
        Ok(())
    }

    fn wait(&self, direction: Direction, timeout: Option<Duration>) -> Result<bool, Errno> {
        let end = timeout.map(|timeout| self.shared.end_of(timeout));
        let mut state = self.shared.lock();
        loop {
            let found = self.shared.poll(&mut state, self.id)?;
            let ready = match direction {
                Direction::Read => found.readable,
                Direction::Write => found.writable,
            };
            if ready || end.is_some_and(|end| self.shared.clock.now() >= end) {
                return Ok(ready);
            }
            state = self.shared.sleep(state, end);
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.core.doors_mut().call(thread(), CallKind::Close { file: self.id }, &[]);
        self.shared.turn(&mut state);
        self.shared.wake_others(&state);
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Shared {
    /// Makes a call, and sleeps until it is answered.
    fn call(&self, kind: OwnCall, bytes: &[u8]) -> Result<Reply, Errno> {
        let mut state = self.lock();
        let token = state.core.doors_mut().call(thread(), kind, bytes);
        self.turn(&mut state);
        // There may be another deadline now.
        self.wake_others(&state);
        loop {
            match state.core.doors_mut().answer_to(token) {
                Some(Reply::Failed(errno)) => return Err(errno),
                Some(reply) => return Ok(reply),
                None => state = self.sleep(state, None),
            }
            self.turn(&mut state);
        }
    }

    /// Polls a file. Whoever waits afterwards is woken when that changes.
    fn poll(&self, state: &mut State, file: FileId) -> Result<Readiness, Errno> {
        let kind = CallKind::File { file, call: Call::Poll, out_size: 0, wakeup: Some(()) };
        let token = state.core.doors_mut().call(thread(), kind, &[]);
        self.turn(state);
        match state.core.doors_mut().answer_to(token) {
            Some(Reply::Polled(found)) => Ok(found),
            Some(Reply::Failed(errno)) => Err(errno),
            _ => Err(Errno::EIO),
        }
    }

    /// Handles what has been put in line, and what has fallen due. Wakes others only if that concerns them:
    /// threads that wait do this too, and would keep each other awake.
    fn turn(&self, state: &mut State) {
        // This door is never gone, and no turn has more than the one call that was put in line before it.
        let _served = state.core.turn();
        if state.core.doors_mut().take_news() {
            self.wake_others(state);
        }
    }

    fn wake_others(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Sleeps until something happens in the sequencer, or until `end`.
    fn sleep<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        end: Option<Time>,
    ) -> MutexGuard<'a, State> {
        let deadline = match &self.clock {
            EitherClock::Real(_) => state.core.rest(),
            EitherClock::Virtual(_) => state.core.deadline(),
        };
        let now = self.clock.now();
        let wake = [deadline, end].into_iter().flatten().min();
        match (&self.clock, wake) {
            (_, Some(wake)) if wake <= now => return state,
            (EitherClock::Virtual(clock), Some(wake)) => {
                clock.advance_to(wake);
                return state;
            }
            _ => {}
        }
        state.waiting += 1;
        #[cfg(test)]
        {
            state.waits += 1;
        }
        let mut state = match wake {
            Some(wake) => {
                let timeout = Duration::from_nanos(wake - now);
                let woken = self.changed.wait_timeout(state, timeout);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
        state.waiting -= 1;
        state
    }

    fn end_of(&self, duration: Duration) -> Time {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Time(self.clock.now().0.saturating_add(nanoseconds))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the settings without timers that programs drive: such a timer is a file that an ioctl opens, and there would
/// be no way to get it.
fn without_user_timers(config: Config) -> Config {
    Config { user_timers: false, ..config }
}

/// The calling thread, as the engine names the owner of a timer.
fn thread() -> i32 {
    rustix::thread::gettid().as_raw_pid()
}

#[cfg(test)]
mod tests;
