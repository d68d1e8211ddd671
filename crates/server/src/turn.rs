//! Turns: what a server does between two sleeps, on any clock, behind any doors and on any thread.
//!
//! In a turn the server does what fell due, hands each call that has come to the session, and lets long
//! writes go on. Between turns it sleeps until the next call or deadline. [`Core`] has everything but the
//! sleep: [`Server`](crate::event_loop::Server) sleeps in epoll, a test moves a clock instead.

use crate::clock::Clock;
use crate::dispatch_log::DispatchLog;
use crate::door::{Received, Transport};
use crate::pace::Pace;
use crate::session::Session;
use crate::timing::Timing;
use aseqd_engine::Time;
use std::io;

/// Maximum number of calls in one turn. Further ones wait for the next, so that deadlines are looked at between.
const MAX_CALLS_PER_TURN: usize = 256;

/// Maximum number of deadlines that a log gets from one turn one by one. Further ones are handled together.
const MAX_LOGGED_PER_TURN: usize = 256;

/// Moments ([`Clock::spin`]) between two looks for a call: together about as long as a look takes.
const SPINS: usize = 16;

/// The thread on which a server runs.
pub trait Thread {
    /// Returns on how many processors the thread may run. With one it never spins, since the program that it
    /// would wait for could not run.
    fn processors(&self) -> usize;

    /// Notes that a call has arrived. `caller` is the thread that made it, if calls follow each other so
    /// closely that it pays to run on the caller's processor.
    fn called(&mut self, now: Time, caller: Option<i32>);

    /// Notes that a turn is over, and that the server is about to sleep.
    fn idle(&mut self, now: Time, load: Load);
}

/// How busy a server is with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Whether the server had better be scheduled as its programs are. Ahead of them, each call and its
    /// answer wake another processor. While something is due later, being on time counts for more, and only
    /// a flood makes it busy.
    pub busy: bool,
    /// Whether calls follow each other at once, so that the server hardly sleeps.
    pub flood: bool,
}

/// A thread whose priority and place nobody changes, and which never spins: for a virtual clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unmanaged;

impl Thread for Unmanaged {
    fn processors(&self) -> usize {
        1
    }

    fn called(&mut self, _now: Time, _caller: Option<i32>) {}

    fn idle(&mut self, _now: Time, _load: Load) {}
}

/// What a turn has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// It has handled this many calls. Unless it is none, more may be there.
    Served(usize),
    /// It has found that no program will come through a door any more.
    Disconnected,
}

/// A sequencer and its doors, on a clock and a thread.
#[derive(Debug)]
pub struct Core<C: Clock, D: Transport, T: Thread> {
    clock: C,
    doors: D,
    thread: T,
    buffer: D::Buffer,
    session: Session<D>,
    pace: Pace,
    log: Option<DispatchLog>,
}

impl<C: Clock, D: Transport, T: Thread> Core<C, D, T> {
    /// Returns a server that has not had a turn. Of the options, it uses those about spinning.
    pub fn new(clock: C, doors: D, thread: T, session: Session<D>, timing: &Timing) -> Self {
        let pace = Pace::new(timing, thread.processors());
        Self { clock, doors, thread, buffer: D::Buffer::default(), session, pace, log: None }
    }

    /// Writes down in this log when deadlines were due and handled.
    pub(crate) fn log_to(&mut self, log: DispatchLog) {
        self.log = Some(log);
    }

    /// Returns the session, to look at.
    pub const fn session(&self) -> &Session<D> {
        &self.session
    }

    /// Returns the session, for what no call asks.
    pub const fn session_mut(&mut self) -> &mut Session<D> {
        &mut self.session
    }

    /// Returns the doors, to look at.
    pub const fn doors(&self) -> &D {
        &self.doors
    }

    /// Returns the doors, for what is not the session's business.
    pub const fn doors_mut(&mut self) -> &mut D {
        &mut self.doors
    }

    /// Returns the time on the server's clock.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Returns when something falls due next, if no call comes before. A driver of a virtual clock moves it
    /// there. One that sleeps asks [`Core::rest`] instead, since sleeps end late.
    pub fn deadline(&self) -> Option<Time> {
        self.session.deadline(self.clock.now())
    }

    /// Does one turn.
    ///
    /// # Errors
    /// If a door has failed as a whole. What goes wrong with one program or answer is no error.
    pub fn turn(&mut self) -> io::Result<Turn> {
        let now = self.clock.now();
        let drains = self.pace.expects_more(now);
        self.pass_time(now);
        let mut last = None;
        let mut calls = 0;
        for _ in 0..MAX_CALLS_PER_TURN {
            let received = self.doors.receive(&mut self.buffer);
            match received {
                Received::Call(call) => {
                    let now = self.clock.now();
                    last = Some(now);
                    calls += 1;
                    self.pace.called(now);
                    let caller = self.pace.is_flooded().then_some(call.thread);
                    self.thread.called(now, caller);
                    if self.log.is_some() {
                        let Self { session, doors, pace, log, .. } = self;
                        pass_time(now, session, doors, pace, log.as_mut());
                    }
                    self.session.call(now, call, &mut self.doors);
                    if !drains {
                        break;
                    }
                }
                Received::Nothing => {
                    if !last.is_some_and(|last| self.lingers(last)) {
                        break;
                    }
                }
                Received::Disconnected => return Ok(Turn::Disconnected),
                Received::Broken(error) => return Err(error),
            }
        }
        self.session.go_on(self.clock.now(), &mut self.doors);
        Ok(Turn::Served(calls))
    }

    /// Gets ready to sleep, after a turn. If the next deadline is near enough, this spins until it and handles
    /// it. Returns when to wake if no call comes before, or `None` for not at all.
    pub fn rest(&mut self) -> Option<Time> {
        let now = self.clock.now();
        self.pace.rested(now);
        let mut deadline = self.session.deadline(now);
        let busy = self.pace.is_busy(now, deadline.is_some());
        self.thread.idle(now, Load { busy, flood: self.pace.is_busy(now, true) });
        if let Some(due) = deadline
            && due > now
            && self.pace.is_near(now, due)
        {
            let mut reached = now;
            while reached < due {
                self.clock.spin();
                reached = self.clock.now();
            }
            self.pace.spun(now, reached);
            self.pass_time(reached);
            deadline = self.session.deadline(reached);
        }
        deadline.map(|deadline| self.pace.wake_at(deadline))
    }

    /// Notes that the server falls asleep now, after [`Core::rest`].
    pub fn sleeps(&mut self) {
        self.pace.sleeps(self.clock.now());
    }

    /// Notes that the server was woken by an alarm that was set for `set`, before the turn.
    pub fn woken(&mut self, set: Time) {
        self.pace.woken(set, self.clock.now());
    }

    /// Does what fell due up to `now`.
    fn pass_time(&mut self, now: Time) {
        let Self { session, doors, pace, log, .. } = self;
        pass_time(now, session, doors, pace, log.as_mut());
    }

    /// Returns whether to look for another call after the one that came at `last`, and spins for a moment
    /// if so.
    fn lingers(&mut self, last: Time) -> bool {
        let linger = self.pace.linger();
        let now = self.clock.now();
        if now - last >= linger || self.session.deadline(now).is_some_and(|due| due <= now) {
            return false;
        }
        for _ in 0..SPINS {
            self.clock.spin();
        }
        self.pace.spun(now, self.clock.now());
        true
    }
}

/// Does what fell due up to `now`. With a log, one instant at a time, so that each gets its line.
fn pass_time<D: Transport>(
    now: Time,
    session: &mut Session<D>,
    doors: &mut D,
    pace: &mut Pace,
    log: Option<&mut DispatchLog>,
) {
    if session.due(now).is_some() {
        pace.handled_due(now);
    }
    if let Some(log) = log {
        for _ in 0..MAX_LOGGED_PER_TURN {
            let Some(due) = session.due(now) else { break };
            log.add(due, now);
            session.pass_time(due, doors);
        }
    }
    session.pass_time(now, doors);
}

#[cfg(test)]
mod tests;
