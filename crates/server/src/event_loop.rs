//! One thread, one epoll: requests, deadlines, signals.
//!
//! The loop sleeps until something is ready, lets [`Core`] do a turn, and arms the alarm for the next
//! deadline.

use crate::clock::{Alarm, Monotonic};
use crate::dispatch_log::DispatchLog;
use crate::door::doors::{Doors, Way};
use crate::placement::Placement;
use crate::scheduling::Scheduling;
use crate::session::Session;
use crate::timing::Timing;
use crate::turn::{Core, Load, Thread, Turn};
use aseqd_engine::Time;
use aseqd_host::realtime;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, poll};
use std::io;
use std::num::NonZero;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// What epoll calls the doors.
const DOORS: u64 = 0;
/// What epoll calls the alarm.
const ALARM: u64 = 1;
/// What epoll calls the first watched descriptor; the others follow.
const FIRST_WATCHED: u64 = 2;

/// Why [`Server::run`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The descriptor with this number of [`Server::watch`] is readable.
    Watched(usize),
    /// A device was unmounted, or another door is closed: no program will come through it any more.
    Disconnected,
}

/// A sequencer behind its doors.
#[derive(Debug)]
pub struct Server {
    core: Core<Monotonic, Doors, Managed>,
    alarm: Alarm,
    epoll: OwnedFd,
    watched: u64,
}

/// The server's thread, with the priority and the place that suit its load.
#[derive(Debug)]
struct Managed {
    scheduling: Scheduling,
    placement: Placement,
}

impl Thread for Managed {
    fn processors(&self) -> usize {
        std::thread::available_parallelism().map_or(1, NonZero::get)
    }

    fn called(&mut self, now: Time, caller: Option<i32>) {
        if let Some(caller) = caller {
            self.placement.follow(caller);
        }
        self.scheduling.rest_if_due(now);
    }

    fn idle(&mut self, now: Time, load: Load) {
        self.scheduling.rest_if_due(now);
        self.scheduling.follow(load.busy);
        if !load.flood {
            self.placement.release();
        }
    }
}

impl Server {
    /// Makes a server that is not running yet, to be run by this thread. With `trace`, calls that fail are
    /// told on standard error.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE` or `ENOMEM` if a descriptor cannot be made; the errors of creating the file of
    /// [`Timing::dispatch_log`].
    pub fn new(ways: Vec<Way>, trace: bool, timing: &Timing) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let alarm = Alarm::new()?;
        let doors = Doors::new(ways);
        for door in doors.descriptors() {
            epoll::add(&epoll, door, EventData::new_u64(DOORS), EventFlags::IN)?;
        }
        epoll::add(&epoll, &alarm, EventData::new_u64(ALARM), EventFlags::IN)?;
        let log = timing.dispatch_log.clone().map(DispatchLog::create).transpose()?;
        let mut scheduling = Scheduling::as_started();
        if !timing.no_realtime {
            // An optimisation: failing to get either is no error.
            scheduling = Scheduling::real_time();
            let _limited = realtime::stay_resident();
        }
        let thread = Managed { scheduling, placement: Placement::new() };
        let session = Session::with_options(timing, trace);
        let mut core = Core::new(Monotonic, doors, thread, session, timing);
        if let Some(log) = log {
            core.log_to(log);
        }
        Ok(Self { core, alarm, epoll, watched: 0 })
    }

    /// Lets [`Server::run`] return for this descriptor too, which must live as long as the server. Returns
    /// its number in [`Wake::Watched`].
    ///
    /// # Errors
    /// The errors of `epoll_ctl(2)`.
    pub fn watch(&mut self, descriptor: impl AsFd) -> io::Result<usize> {
        let number = FIRST_WATCHED + self.watched;
        epoll::add(&self.epoll, descriptor, EventData::new_u64(number), EventFlags::IN)?;
        self.watched += 1;
        Ok(usize::try_from(number - FIRST_WATCHED).unwrap_or(usize::MAX))
    }

    /// Undoes [`Server::watch`].
    ///
    /// # Errors
    /// `ENOENT` if the descriptor is not watched.
    pub fn forget(&mut self, descriptor: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, descriptor)?)
    }

    /// Returns the session, to look at.
    pub const fn session(&self) -> &Session<Doors> {
        self.core.session()
    }

    /// Lets a flight recorder write what it has to a file, and say where. Returns whether there is one.
    pub fn report(&mut self) -> bool {
        self.core.session_mut().report()
    }

    /// Returns whether this is the inode of what programs have for an open file, behind a door that has
    /// made it.
    pub fn is_end(&self, inode: u64) -> bool {
        self.core.doors().is_end(inode)
    }

    /// Serves until something else wants attention.
    ///
    /// # Errors
    /// If a door has failed as a whole, or the kernel refuses to wait.
    pub fn run(&mut self) -> io::Result<Wake> {
        let mut events = Vec::with_capacity(8);
        loop {
            self.alarm.set(self.core.rest())?;
            self.core.sleeps();
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
                            self.core.woken(set);
                        }
                        serve = true;
                    }
                    number => {
                        let number = usize::try_from(number - FIRST_WATCHED);
                        wake = wake.or_else(|| number.ok().map(Wake::Watched));
                    }
                }
            }
            if serve && self.core.turn()? == Turn::Disconnected {
                return Ok(Wake::Disconnected);
            }
            if let Some(wake) = wake {
                return Ok(wake);
            }
        }
    }

    /// Serves for at most `limit`, or until `done` returns true; it is asked after every turn.
    ///
    /// # Errors
    /// If a door has failed as a whole, or the kernel refuses to wait.
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
            // Deadlines of the sequencer no longer matter: programs only close what they have.
            let tenth = (limit / 10).min(left).max(Duration::from_millis(1));
            let timeout = rustix::time::Timespec::try_from(tenth).map_err(io::Error::other)?;
            let doors = self.core.doors().descriptors();
            let mut doors: Vec<_> =
                doors.map(|door| PollFd::from_borrowed_fd(door, PollFlags::IN)).collect();
            rustix::io::retry_on_intr(|| poll(&mut doors, Some(&timeout)))?;
            if self.core.turn()? == Turn::Disconnected {
                break;
            }
        }
        Ok(())
    }
}
