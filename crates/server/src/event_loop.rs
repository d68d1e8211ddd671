//! One thread, one epoll: requests, deadlines, signals.
//!
//! A turn: wake for everything that is ready, ask the clock once, collect what programs want, hand it
//! to the session in order, arm the alarm for the next deadline.

use super::clock::{Alarm, Clock};
use super::dispatch_log::DispatchLog;
use super::pace::Pace;
use super::placement::Placement;
use super::scheduling::Scheduling;
use super::session::Session;
use super::timing::Timing;
use crate::door::Received;
use crate::door::doors::{Buffers, Doors, Way};
use aseqd_engine::Time;
use aseqd_host::realtime;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, poll};
use std::io;
use std::num::NonZero;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// Requests handled in one turn; more wait for the next, so that deadlines are looked at between.
const MAX_REQUESTS_PER_TURN: usize = 256;

/// How long to spin between two looks for a request: about as long as a look takes.
const SPINS: usize = 16;

/// What epoll names: the doors, the alarm, and the descriptors of the caller from here on.
const DOORS: u64 = 0;
const ALARM: u64 = 1;
const FIRST_WATCHED: u64 = 2;

/// Why the loop came back to its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A watched descriptor, by its number in the order of [`Server::watch`], is readable.
    Watched(usize),
    /// A device was unmounted, or another door closed: nobody will come through it any more.
    Disconnected,
}

/// A sequencer behind its doors.
#[derive(Debug)]
pub struct Server {
    core: Core,
    buffers: Buffers,
    alarm: Alarm,
    epoll: OwnedFd,
    watched: u64,
    scheduling: Scheduling,
    placement: Placement,
}

/// The sequencer and its way out.
#[derive(Debug)]
struct Core {
    doors: Doors,
    session: Session<Doors>,
    clock: Clock,
    pace: Pace,
    log: Option<DispatchLog>,
}

impl Server {
    /// A server that is not running yet. With `trace`, failed calls are told on standard error.
    pub fn new(ways: Vec<Way>, trace: bool, timing: &Timing) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let alarm = Alarm::new()?;
        let doors = Doors::new(ways);
        for door in doors.descriptors() {
            epoll::add(&epoll, door, EventData::new_u64(DOORS), EventFlags::IN)?;
        }
        epoll::add(&epoll, &alarm, EventData::new_u64(ALARM), EventFlags::IN)?;
        let log = timing.dispatch_log.clone().map(DispatchLog::create).transpose()?;
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let mut scheduling = Scheduling::as_started();
        if !timing.no_realtime {
            // Better with, but as well without.
            scheduling = Scheduling::real_time();
            let _limited = realtime::stay_resident();
        }
        let buffers = doors.buffers();
        let core = Core {
            doors,
            session: Session::new(timing.engine(), trace),
            clock: Clock::Real,
            pace: Pace::new(timing, processors),
            log,
        };
        Ok(Self {
            core,
            buffers,
            alarm,
            epoll,
            watched: 0,
            placement: Placement::new(),
            scheduling,
        })
    }

    /// Also wakes for this descriptor, which must live as long as the server.
    pub fn watch(&mut self, descriptor: impl AsFd) -> io::Result<usize> {
        let number = FIRST_WATCHED + self.watched;
        epoll::add(&self.epoll, descriptor, EventData::new_u64(number), EventFlags::IN)?;
        self.watched += 1;
        Ok(usize::try_from(number - FIRST_WATCHED).unwrap_or(usize::MAX))
    }

    /// No longer wakes for this descriptor.
    pub fn forget(&mut self, descriptor: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, descriptor)?)
    }

    /// Returns the session, to look at.
    pub const fn session(&self) -> &Session<Doors> {
        &self.core.session
    }

    /// Is this the inode of what programs have for an open file, behind a door that has made it?
    pub fn is_end(&self, inode: u64) -> bool {
        self.core.doors.is_end(inode)
    }

    /// Serves until something else wants attention.
    pub fn run(&mut self) -> io::Result<Wake> {
        let mut events = Vec::with_capacity(8);
        loop {
            self.wait_for_deadline()?;
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let mut wake = None;
            let mut serve = false;
            for event in &events {
                match event.data.u64() {
                    DOORS => serve = true,
                    ALARM => {
                        if let Some(set) = self.alarm.acknowledge() {
                            self.core.pace.woken(set, self.core.clock.now());
                        }
                        serve = true;
                    }
                    number => {
                        let number = usize::try_from(number - FIRST_WATCHED);
                        wake = wake.or_else(|| number.ok().map(Wake::Watched));
                    }
                }
            }
            if serve && !self.turn()? {
                return Ok(Wake::Disconnected);
            }
            if let Some(wake) = wake {
                return Ok(wake);
            }
        }
    }

    /// Arms the alarm for the next deadline; spins until it, and handles it, if it is that near.
    fn wait_for_deadline(&mut self) -> io::Result<()> {
        let Core { session, clock, pace, .. } = &mut self.core;
        let now = clock.now();
        pace.rested(now);
        self.scheduling.rest_if_due(now, pace);
        let mut deadline = session.deadline(now);
        self.scheduling.follow(pace.is_busy(now, deadline.is_some()));
        if !pace.is_busy(now, true) {
            self.placement.release();
        }
        if let Some(due) = deadline
            && due > now
            && pace.is_near(now, due)
        {
            let mut reached = now;
            while reached < due {
                std::hint::spin_loop();
                reached = clock.now();
            }
            pace.spun(now, reached);
            self.core.pass_time(reached);
            deadline = self.core.session.deadline(reached);
        }
        self.alarm.set(deadline.map(|deadline| self.core.pace.wake_at(deadline)))?;
        self.core.pace.sleeps(self.core.clock.now());
        Ok(())
    }

    /// Serves for at most `limit`, until `done` says so; that is asked after every turn.
    pub fn run_for(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&Self) -> bool,
    ) -> io::Result<()> {
        let end = Instant::now() + limit;
        while !done(self) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            // Deadlines of the sequencer no longer matter: what is left is only closed.
            let tenth = (limit / 10).min(left).max(Duration::from_millis(1));
            let timeout = rustix::time::Timespec::try_from(tenth).map_err(io::Error::other)?;
            let doors = self.core.doors.descriptors();
            let mut doors: Vec<_> =
                doors.map(|door| PollFd::from_borrowed_fd(door, PollFlags::IN)).collect();
            rustix::io::retry_on_intr(|| poll(&mut doors, Some(&timeout)))?;
            if !self.turn()? {
                break;
            }
        }
        Ok(())
    }

    /// One turn. False when a door is gone. Fails if a door has failed as a whole: what goes wrong with
    /// one program or answer never comes here.
    fn turn(&mut self) -> io::Result<bool> {
        let core = &mut self.core;
        let now = core.clock.now();
        let drains = core.pace.expects_more(now);
        core.pass_time(now);
        let mut last = None;
        for _ in 0..MAX_REQUESTS_PER_TURN {
            match core.doors.receive(&mut self.buffers) {
                Received::Call(call) => {
                    let now = core.clock.now();
                    last = Some(now);
                    core.pace.called(now);
                    if core.pace.is_flooded() {
                        self.placement.follow(call.thread);
                    }
                    self.scheduling.rest_if_due(now, &mut core.pace);
                    if core.log.is_some() {
                        core.pass_time(now);
                    }
                    core.session.call(now, call, &mut core.doors);
                    if !drains {
                        break;
                    }
                }
                Received::Nothing if last.is_some_and(|last| core.lingers(last)) => {}
                Received::Nothing => break,
                Received::Disconnected => return Ok(false),
                Received::Broken(error) => return Err(error),
            }
        }
        core.session.go_on(core.clock.now(), &mut core.doors);
        Ok(true)
    }
}

impl Core {
    /// Does what fell due.
    fn pass_time(&mut self, now: Time) {
        let due = |session: &Session<Doors>| session.due(now);
        if due(&self.session).is_some() {
            self.pace.handled_due(now);
        }
        if let Some(log) = &mut self.log {
            // One instant at a time, so that each is seen.
            for _ in 0..MAX_REQUESTS_PER_TURN {
                let Some(due) = due(&self.session) else { break };
                log.add(due, now);
                self.session.pass_time(due, &mut self.doors);
            }
        }
        self.session.pass_time(now, &mut self.doors);
    }

    /// Spins for a moment, if the last call is so recent that another may follow.
    fn lingers(&mut self, last: Time) -> bool {
        let linger = self.pace.linger();
        let now = self.clock.now();
        if now - last >= linger || self.session.deadline(now).is_some_and(|due| due <= now) {
            return false;
        }
        for _ in 0..SPINS {
            std::hint::spin_loop();
        }
        self.pace.spun(now, self.clock.now());
        true
    }
}
