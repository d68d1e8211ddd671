//! What falls due, and when.

use super::Seq;
use super::route::Pass;
use super::stepper::MAX_RUNS;
use crate::Time;
use crate::limits::MAX_QUEUES;

impl Seq {
    /// Does everything that fell due up to `now`: events of queues and interrupts of timers, each
    /// at its own instant, in the order of the instants; at the same instant, timers first. A queue
    /// with more due events than one pass may deliver, or a timer with too many interrupts, goes on
    /// in the next call.
    pub(crate) fn advance_to(&mut self, now: Time) {
        self.now = now;
        self.instant = now;
        self.refresh_deadlines();
        if self.next_due.is_none_or(|(due, _)| due > now) && self.timers.nothing_expires() {
            return;
        }
        self.catch_up(now);
    }

    fn catch_up(&mut self, now: Time) {
        let mut finished = 0_u32;
        let mut runs = 0;
        loop {
            let queue = if finished == 0 { self.next_due } else { self.earliest(finished) };
            let queue = queue.filter(|(deadline, _)| *deadline <= now);
            let horizon = queue.map_or(now, |(deadline, _)| deadline);
            let expiry = self.timers.next_expiry().filter(|(at, _)| *at <= horizon);
            match (expiry, queue) {
                (Some((_, expiry)), _) if runs < MAX_RUNS => {
                    runs += 1;
                    self.expire(expiry, horizon);
                }
                (_, Some((deadline, queue))) => {
                    self.instant = deadline;
                    if self.dispatch(queue, deadline) == Pass::Last {
                        finished |= 1 << queue;
                    }
                }
                _ => break,
            }
            self.refresh_deadlines();
        }
        self.instant = now;
    }

    /// Returns the earliest time at which a queue or a timer has something to do, as of the last
    /// [`refresh_deadlines`](Self::refresh_deadlines).
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let queue = self.next_due.map(|(deadline, _)| deadline);
        queue.into_iter().chain(self.next_wake_up()).min()
    }

    /// Recomputes the deadlines of the queues that were touched.
    pub(crate) fn refresh_deadlines(&mut self) {
        if self.stale_deadlines == 0 {
            return;
        }
        let mut stale = core::mem::take(&mut self.stale_deadlines);
        while stale != 0 {
            let number = stale.trailing_zeros() as usize;
            stale &= stale - 1;
            self.deadlines[number] =
                self.queues[number].as_ref().and_then(|queue| queue.deadline());
        }
        self.next_due = self.earliest(0);
    }

    /// Returns the earliest deadline of the queues whose bit is not set.
    fn earliest(&self, except: u32) -> Option<(Time, u8)> {
        (0..MAX_QUEUES)
            .zip(&self.deadlines)
            .filter(|(number, _)| except & (1 << number) == 0)
            .filter_map(|(number, deadline)| Some(((*deadline)?, number)))
            .min()
    }
}
