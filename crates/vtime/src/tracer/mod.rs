//! The tracer: its loop.
//!
//! It runs in one thread. In virtual time it takes turns: it handles all stops; if any thread may still run, it waits a
//! little; if all sleep, it serves the world or ends the wait that is due next.
//!
//! All sleep if the looks at all threads say so, and meanwhile neither the kernel reports a stop nor the world has a
//! request. A thread that waits for an answer of the world is asleep as well, but its request was sent before, so it is
//! seen. See [`look`].

mod ending;
mod exec;
mod look;
mod patience;
mod signals;
mod sockets;
mod stops;

use crate::clock::START;
use crate::error::Error;
use crate::options::{Cpus, Options, Pace};
use crate::quiet::Shared;
use crate::start;
use crate::state::{Doing, State};
use crate::sys::{self, Change};
use crate::timers;
use crate::world::{Control, World};
pub use ending::{Ended, Reason, Stats};
use look::Seen;
use patience::Patience;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

/// After how many jumps in a row the tracer looks for what its caller wants: signals and sockets of the world.
const JUMPS: u32 = 64;

/// After how many stops in a row it looks for that, though the program makes more of them without end.
const STOPS: u64 = 256;

/// After how many reads that have moved the clock requests are served, though not everybody sleeps: a thread may read
/// the clock until another one, which waits for an answer, has done something.
const SPINS: u32 = 16;

/// After how long, in real time, the user is told that the run waits for something outside.
const IDLE: Duration = Duration::from_secs(1);

/// After how long a computation the user is told that time stands meanwhile. Most are shorter.
const LONG: Duration = Duration::from_secs(10);

/// How often in a row nothing must be left to do before that is a deadlock, and how long the tracer waits each time.
const LULLS: u32 = 4;
const LULL: Duration = Duration::from_millis(10);

/// Runs a process, and everything that it starts, in virtual time.
pub struct Tracer {
    state: State,
    /// Readable when a thread has stopped.
    children: Option<OwnedFd>,
    /// The number of the command's process.
    root: i32,
    /// Its status of `waitpid`.
    status: Option<i32>,
    /// Changes that have been taken and not handled yet.
    changes: VecDeque<(i32, Change)>,
    /// Threads that have stopped before their maker has said that it made them.
    unannounced: BTreeSet<i32>,
    /// Up to when the clock may jump.
    limit: u64,
    /// Whether the world knows that the limit has been reached.
    settled: bool,
    /// When processes that outlive the command are killed.
    kill_at: Option<Instant>,
    /// Why the run ends before the command.
    ending: Option<(u8, Reason)>,
    /// Who waits for what, at a deadlock.
    waits: Vec<String>,
    stats: Stats,
    /// Whether a thread may run that has not been looked at since.
    resumed: bool,
    /// What is known about the processor of this thread, if all threads of the run share it.
    shared: Option<Shared>,
    /// How often in a row nothing was left to do.
    lulls: u32,
    /// Whether the user knows that the run waits for something outside.
    idle_told: bool,
    /// Whether the user knows that a thread runs for long.
    busy_told: bool,
    /// Whether the world knows that all programs have been stopped.
    stop_told: bool,
    patience: Patience,
}

impl Tracer {
    /// Makes a tracer, with its clock at the start.
    ///
    /// # Errors
    /// None at present.
    pub fn new(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            state: State::new(options),
            children: None,
            root: 0,
            status: None,
            changes: VecDeque::new(),
            unannounced: BTreeSet::new(),
            limit: if options.pace == Pace::Step { START } else { u64::MAX },
            settled: false,
            kill_at: None,
            ending: None,
            waits: Vec::new(),
            stats: Stats::default(),
            resumed: false,
            shared: None,
            lulls: 0,
            idle_told: false,
            busy_told: false,
            stop_told: false,
            patience: Patience::default(),
        })
    }

    /// Returns the present, in ns of virtual `CLOCK_MONOTONIC`.
    pub const fn now(&self) -> u64 {
        self.state.clock.now()
    }

    /// Becomes the tracer of the command's process, which must be a descendant of this one, and not have threads yet.
    ///
    /// From here on only this thread may use the tracer. It blocks `SIGCHLD` for itself, and takes the statuses of all
    /// child processes of the caller, who gets those of others by [`World::reaped`].
    ///
    /// # Errors
    /// [`Error::Refused`] if the system does not let this process trace others.
    pub fn seize(&mut self, process: i32) -> Result<(), Error> {
        let children = sys::signal_descriptor(&[libc::SIGCHLD])
            .map_err(|why| Error::System("signals cannot be received", why))?;
        sys::seize(process).map_err(Error::Refused)?;
        if let Cpus::Count(count) = self.state.options.cpus {
            // Where it is refused, this only costs time.
            let narrowed = start::narrow(count, Some(process));
            self.shared = (count == 1 && narrowed.is_ok()).then(Shared::default);
        }
        self.children = Some(children);
        self.root = process;
        self.state.add(process, process);
        Ok(())
    }

    /// Runs until the command and all that it has started have ended.
    ///
    /// Processes that outlive the command get `SIGTERM`, and a second later `SIGKILL`: they cannot go on without a
    /// tracer. If this returns an error, or the tracer is dropped, they are killed.
    ///
    /// # Errors
    /// [`Error::World`] for each error of the world.
    pub fn run(&mut self, world: &mut dyn World) -> Result<Ended, Error> {
        let began = Instant::now();
        let result = self.turns(world).map(|ended| {
            let stats = Stats { real: began.elapsed(), ..self.stats };
            Ended { stats, ..ended }
        });
        if result.is_err() {
            self.kill_all();
        }
        result
    }

    fn turns(&mut self, world: &mut dyn World) -> Result<Ended, Error> {
        let (mut jumps, mut spins, mut attended) = (0_u32, 0_u32, 0);
        loop {
            if self.stats.stops - attended >= STOPS {
                self.attend(world, Some(Duration::ZERO))?;
                attended = self.stats.stops;
            }
            let stopped = self.take_stops(world)?;
            if self.state.threads.is_empty() {
                return Ok(self.ended());
            }
            self.end_leftovers();
            if stopped {
                self.patience.reset();
                self.lulls = 0;
                self.stop_told = false;
            }
            if self.state.clock.runs() {
                self.run_scaled(world)?;
                continue;
            }
            // A thread that reads the clock again and again may stop before every turn.
            if std::mem::take(&mut self.state.reads_moved) {
                self.do_passed(world)?;
                spins = spins.wrapping_add(1);
                if spins % SPINS == 0 && world.collect().map_err(Error::World)? > 0 {
                    self.serve(world)?;
                }
            }
            // On the same processor, a thread that may go on runs first, until it stops or sleeps. It often does so
            // after a few microseconds, which saves a look.
            if std::mem::take(&mut self.resumed) {
                rustix::thread::sched_yield();
                continue;
            }
            self.do_passed(world)?;
            match self.look(world)? {
                Seen::Busy => self.wait_a_little(world)?,
                Seen::Requests => {
                    self.serve(world)?;
                    self.patience.reset();
                    // As above: the answer lets a program go on.
                    rustix::thread::sched_yield();
                }
                Seen::Quiet => {
                    jumps = jumps.wrapping_add(1);
                    if jumps % JUMPS == 0 {
                        self.attend(world, Some(Duration::ZERO))?;
                    }
                    self.look_at_sockets();
                    self.jump(world)?;
                    self.patience.reset();
                }
            }
        }
    }

    /// Handles the stops that there are, but not without end. Returns whether there were any.
    fn take_stops(&mut self, world: &mut dyn World) -> Result<bool, Error> {
        let mut any = false;
        for _ in 0..STOPS {
            let Some((thread, change)) = self.next_change()? else { break };
            any = true;
            self.stats.stops += 1;
            self.handle(thread, change, world).map_err(traced)?;
        }
        if any {
            for (text, said) in &mut self.state.notices {
                if !std::mem::replace(said, true) {
                    world.notice(text);
                }
            }
        }
        Ok(any)
    }

    fn next_change(&mut self) -> Result<Option<(i32, Change)>, Error> {
        match self.changes.pop_front() {
            Some(change) => Ok(Some(change)),
            None => self.wait(),
        }
    }

    /// Takes the next change from the system.
    fn wait(&mut self) -> Result<Option<(i32, Change)>, Error> {
        match sys::wait() {
            // Nobody is left, whoever is still in the table: a number there could soon be that of a stranger.
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => {
                self.state.forget_all();
                Ok(None)
            }
            result => result.map_err(traced),
        }
    }

    fn serve(&mut self, world: &mut dyn World) -> Result<(), Error> {
        self.stats.served += 1;
        let state = &self.state;
        world.serve(state.clock.now(), &|number| state.rank(number)).map_err(Error::World)
    }

    /// Everybody sleeps: moves the clock to what is due next, and does that.
    fn jump(&mut self, world: &mut dyn World) -> Result<(), Error> {
        if self.state.threads.values().all(|thread| thread.doing == Doing::Stopped) {
            // Only once: the command may go on a little later than this process does.
            if !std::mem::replace(&mut self.stop_told, true) {
                world.stopped();
            }
            return self.attend(world, None);
        }
        let now = self.now();
        self.raise_limit(world.limit());
        let thread = self.state.due.first().map(|(time, _, thread)| (*time, *thread));
        let world_due = world.deadline();
        let next = self.state.next_due().into_iter().chain(world_due).min();
        if let Some(time_limit) = self.time_limit()
            && next.is_some_and(|next| next > time_limit)
        {
            self.state.clock.move_to(time_limit);
            self.end(124, Reason::TimeLimit);
            return Ok(());
        }
        match next {
            Some(next) if next <= self.limit.max(now) => {
                self.state.clock.move_to(next);
                if timers::expire(&mut self.state) {
                    return Ok(());
                }
                match thread {
                    Some((time, thread)) if time == next => self.fire(thread, world),
                    _ => {
                        world.advance(next).map_err(Error::World)?;
                        rustix::thread::sched_yield();
                        Ok(())
                    }
                }
            }
            _ if self.state.options.pace == Pace::Step => {
                self.state.clock.move_to(self.limit);
                if !self.settled {
                    self.settled = true;
                    world.settled(self.limit).map_err(Error::World)?;
                }
                self.attend(world, None)
            }
            _ => self.wait_for_outside(world),
        }
    }

    /// Everybody sleeps and nothing is due: something outside must come. The clock follows real time meanwhile.
    fn wait_for_outside(&mut self, world: &mut dyn World) -> Result<(), Error> {
        let began = Instant::now();
        let now = self.now();
        if !self.state.options.outside {
            // What one program has written may still be on its way, as through a terminal: in another thread of the
            // kernel.
            if self.lulls < LULLS {
                self.lulls += 1;
                return self.attend(world, Some(LULL));
            }
            self.waits = crate::stuck::table(&self.state);
            self.end(124, Reason::Deadlock);
            return Ok(());
        }
        self.attend(world, if self.idle_told { None } else { Some(IDLE) })?;
        if !self.idle_told && began.elapsed() >= IDLE {
            self.idle_told = true;
            world.notice(
                "all threads sleep and nothing is due: waiting in real time for something outside, such as a terminal",
            );
        }
        let passed = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.state.clock.move_to(now.saturating_add(passed));
        Ok(())
    }

    /// A turn of a clock that runs by itself.
    fn run_scaled(&mut self, world: &mut dyn World) -> Result<(), Error> {
        self.state.clock.follow();
        if world.collect().map_err(Error::World)? > 0 {
            return self.serve(world);
        }
        self.do_passed(world)?;
        if !self.changes.is_empty() {
            return Ok(());
        }
        let next = self
            .state
            .next_due()
            .into_iter()
            .chain(world.deadline())
            .chain(self.time_limit())
            .min();
        let real = next.map(|next| Duration::from_nanos(self.state.clock.real_until(next)));
        self.attend(world, real)
    }

    /// Does what was due already: the clock has been moved by a thread that reads it again and again, or runs by itself.
    fn do_passed(&mut self, world: &mut dyn World) -> Result<(), Error> {
        if self.time_limit().is_some_and(|limit| self.now() >= limit) {
            self.end(124, Reason::TimeLimit);
        }
        timers::expire(&mut self.state);
        while let Some((time, _, thread)) = self.state.due.first().copied() {
            if time > self.now() {
                break;
            }
            self.fire(thread, world)?;
        }
        self.state.world_due = world.deadline();
        if self.state.world_due.is_some_and(|due| due <= self.now()) {
            world.advance(self.now()).map_err(Error::World)?;
            self.state.world_due = world.deadline();
        }
        Ok(())
    }

    /// Somebody runs: waits for what comes of it.
    fn wait_a_little(&mut self, world: &mut dyn World) -> Result<(), Error> {
        if !self.changes.is_empty() {
            return Ok(());
        }
        match self.patience.next() {
            patience::Next::Yield => {
                rustix::thread::sched_yield();
                Ok(())
            }
            patience::Next::Sleep(time) => {
                if !self.busy_told && self.patience.waited() >= LONG {
                    self.busy_told = true;
                    world.notice(
                        "a thread has run for 10 s without a stop, and time stands meanwhile; a loop that waits for a \
                         change in memory, without any system call, never ends in virtual time",
                    );
                }
                self.attend(world, Some(time))
            }
        }
    }

    /// Sleeps until a thread stops or the world wants something, at most for `time`.
    fn attend(&mut self, world: &mut dyn World, time: Option<Duration>) -> Result<(), Error> {
        let Some(children) = &self.children else { return Ok(()) };
        let until_kill = self.kill_at.map(|at| at.saturating_duration_since(Instant::now()));
        let time = time.into_iter().chain(until_kill).min();
        let descriptors = world.descriptors();
        let mut waits = vec![PollFd::new(children, PollFlags::IN)];
        waits.extend(
            descriptors.iter().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)),
        );
        let time = time.map(|time| {
            Timespec::try_from(time).unwrap_or(Timespec { tv_sec: 1 << 30, tv_nsec: 0 })
        });
        let woken = match poll(&mut waits, time.as_ref()) {
            Ok(_) => waits.iter().map(|wait| !wait.revents().is_empty()).collect::<Vec<_>>(),
            Err(rustix::io::Errno::INTR) => Vec::new(),
            Err(why) => return Err(Error::System("cannot wait", why.into())),
        };
        drop(descriptors);
        if woken.first() == Some(&true) {
            while sys::take_signal(children).is_some() {}
        }
        if woken.iter().skip(1).any(|woken| *woken) {
            let mut control = Control::new(self.now(), self.limit);
            world.attend(&mut control).map_err(Error::World)?;
            self.raise_limit(Some(control.limit()));
            if let Some(status) = control.ending() {
                self.end(status, Reason::World);
            }
        }
        Ok(())
    }

    /// Lets the clock jump further.
    fn raise_limit(&mut self, limit: Option<u64>) {
        if let Some(limit) = limit.filter(|limit| *limit > self.limit) {
            self.limit = limit;
            self.settled = false;
        }
    }
}

fn traced(why: io::Error) -> Error {
    Error::System("a program cannot be traced", why)
}
