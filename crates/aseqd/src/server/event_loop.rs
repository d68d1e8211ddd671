//! One thread, one epoll: requests, deadlines, signals.
//!
//! A turn: wake for everything that is ready, ask the clock once, collect what programs want, hand it
//! to the session in order, arm the alarm for the next deadline.

use super::clock::{Alarm, Clock};
use super::session::Session;
use crate::door::fuse;
use chardev::{Device, ReceiveError};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, poll};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// Requests handled in one turn; more wait for the next, so that deadlines are looked at between.
const MAX_REQUESTS_PER_TURN: usize = 256;

/// What epoll names: the device, the alarm, and the descriptors of the caller from here on.
const DEVICE: u64 = 0;
const ALARM: u64 = 1;
const FIRST_WATCHED: u64 = 2;

/// Why the loop came back to its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// A watched descriptor, by its number in the order of [`Server::watch`], is readable.
    Watched(usize),
    /// The device was unmounted: nobody will come any more.
    Disconnected,
}

/// A sequencer behind one device.
#[derive(Debug)]
pub(crate) struct Server {
    device: Device,
    session: Session<Device>,
    clock: Clock,
    alarm: Alarm,
    epoll: OwnedFd,
    watched: u64,
}

impl Server {
    pub(crate) fn new(device: Device, trace: bool) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let alarm = Alarm::new()?;
        epoll::add(&epoll, &device, EventData::new_u64(DEVICE), EventFlags::IN)?;
        epoll::add(&epoll, &alarm, EventData::new_u64(ALARM), EventFlags::IN)?;
        let session = Session::new(trace);
        Ok(Self { device, session, clock: Clock::Real, alarm, epoll, watched: 0 })
    }

    /// Also wakes for this descriptor, which must live as long as the server.
    pub(crate) fn watch(&mut self, descriptor: impl AsFd) -> io::Result<usize> {
        let number = FIRST_WATCHED + self.watched;
        epoll::add(&self.epoll, descriptor, EventData::new_u64(number), EventFlags::IN)?;
        self.watched += 1;
        Ok(usize::try_from(number - FIRST_WATCHED).unwrap_or(usize::MAX))
    }

    /// No longer wakes for this descriptor.
    pub(crate) fn forget(&mut self, descriptor: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, descriptor)?)
    }

    pub(crate) const fn session(&self) -> &Session<Device> {
        &self.session
    }

    /// Serves until something else wants attention.
    pub(crate) fn run(&mut self) -> io::Result<Wake> {
        loop {
            self.alarm.set(self.session.deadline(self.clock.now()))?;
            let mut events = Vec::with_capacity(8);
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let mut wake = None;
            let mut serve = false;
            for event in &events {
                match event.data.u64() {
                    DEVICE => serve = true,
                    ALARM => {
                        self.alarm.acknowledge();
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

    /// Serves for at most `limit`, until `done` says so; that is asked after every turn.
    pub(crate) fn run_for(
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
            let mut device = [PollFd::new(&self.device, PollFlags::IN)];
            rustix::io::retry_on_intr(|| poll(&mut device, Some(&timeout)))?;
            if !self.turn()? {
                break;
            }
        }
        Ok(())
    }

    /// One turn. False when the device is gone.
    fn turn(&mut self) -> io::Result<bool> {
        let mut calls = Vec::new();
        let mut connected = true;
        while calls.len() < MAX_REQUESTS_PER_TURN {
            match self.device.receive() {
                Ok(Some(request)) => calls.push(fuse::call(request)),
                Ok(None) => break,
                Err(ReceiveError::Disconnected) => {
                    connected = false;
                    break;
                }
                Err(ReceiveError::Malformed(malformed)) => {
                    eprintln!("aseqd: the kernel sent what is no request: {malformed}");
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        self.session.turn(self.clock.now(), calls, &mut self.device)?;
        Ok(connected)
    }
}
