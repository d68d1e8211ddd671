//! A sequencer on a clock that somebody else moves, behind doors whose calls are handled in a fixed order.
//!
//! [`Server`](crate::event_loop::Server) sleeps until something happens. Here the driver knows when all programs
//! sleep: it collects their calls, has them served, and moves the clock to the next deadline when there are none.

use crate::clock::VirtualClock;
use crate::door::Transport;
use crate::door::collected::{Collected, Order, Rank};
use crate::session::Session;
use crate::timing::Timing;
use crate::turn::{Core, Turn, Unmanaged};
use aseqd_engine::Time;
use std::io;

/// A sequencer on a clock that stands still until it is moved.
#[derive(Debug)]
pub struct Stepped<D: Transport> {
    clock: VirtualClock,
    core: Core<VirtualClock, Collected<D>, Unmanaged>,
}

impl<D: Transport> Stepped<D> {
    /// Makes a sequencer whose clock shows `start`. With `trace`, calls that fail are told on standard error. Options
    /// about spinning and scheduling have no effect.
    #[must_use]
    pub fn new(door: D, order: Order, start: Time, trace: bool, timing: &Timing) -> Self {
        let clock = VirtualClock::at(start);
        let session = Session::with_options(timing, trace);
        let door = Collected::new(door, order);
        // The clock would move if the server spun, so nothing may spin.
        let still = Timing { precise: None, spin: std::time::Duration::ZERO, ..timing.clone() };
        Self { core: Core::new(clock.clone(), door, Unmanaged, session, &still), clock }
    }

    /// Receives the calls that have come. Returns how many wait to be served.
    ///
    /// # Errors
    /// If a door has failed as a whole.
    pub fn collect(&mut self) -> io::Result<usize> {
        self.core.doors_mut().collect()
    }

    /// Handles the next call of those collected, at the time `now`, or the closes before it. In the order of arrival,
    /// handles all of them. What their answers cause must be collected before the next call is served.
    ///
    /// # Errors
    /// If a door has failed as a whole.
    pub fn serve(&mut self, now: Time, rank: Rank<'_>) -> io::Result<()> {
        self.core.doors_mut().choose(rank)?;
        self.advance(now)
    }

    /// Returns when something falls due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.core.deadline()
    }

    /// Moves the clock to `now`, and does what is due up to then.
    ///
    /// # Errors
    /// If a door has failed as a whole.
    pub fn advance(&mut self, now: Time) -> io::Result<()> {
        self.clock.advance_to(now);
        loop {
            let Turn::Served(_) = self.core.turn()? else { return Ok(()) };
            if !self.core.doors().has_chosen() {
                return Ok(());
            }
        }
    }

    /// Returns the time on the clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.core.now()
    }

    /// Returns the session, to look at.
    #[must_use]
    pub const fn session(&self) -> &Session<Collected<D>> {
        self.core.session()
    }

    /// Returns the door.
    #[must_use]
    pub const fn door(&self) -> &D {
        self.core.doors().door()
    }

    #[cfg(test)]
    pub(crate) const fn door_mut(&mut self) -> &mut D {
        self.core.doors_mut().door_mut()
    }

    /// Returns whether no program will come through the door any more.
    #[must_use]
    pub const fn is_disconnected(&self) -> bool {
        self.core.doors().is_disconnected()
    }

    /// Returns whether a thread waits for an answer of the server.
    #[must_use]
    pub fn is_asking(&self, thread: i32) -> bool {
        self.core.doors().is_asking(thread)
    }
}
