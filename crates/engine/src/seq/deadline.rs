//! What falls due, and when.

use super::Seq;
use super::queue::MAX_QUEUES;
use super::route::Pass;
use crate::Time;

impl Seq {
    /// Does everything that fell due up to `now`, each queue's events at their own instant, in the
    /// order of the instants. A queue with more due events than one pass may deliver goes on in the
    /// next call.
    pub(crate) fn advance_to(&mut self, now: Time) {
        self.now = now;
        let mut full = 0_u32;
        let mut next = self.next_deadline();
        while let Some((deadline, queue)) = next {
            if deadline > now {
                break;
            }
            self.instant = deadline;
            if self.dispatch(queue, deadline) == Pass::Full {
                full |= 1 << queue;
            }
            self.refresh_deadlines();
            next = if full == 0 { self.next_deadline() } else { self.earliest(full) };
        }
        self.instant = now;
    }

    /// The earliest deadline and its queue; of equal ones, that of the lowest queue. As of the last
    /// [`refresh_deadlines`](Self::refresh_deadlines).
    pub(crate) const fn next_deadline(&self) -> Option<(Time, u8)> {
        self.next_deadline
    }

    /// Works out the deadlines of the queues that were touched.
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
        self.next_deadline = self.earliest(0);
    }

    /// The earliest deadline of the queues whose bit is not set.
    fn earliest(&self, except: u32) -> Option<(Time, u8)> {
        (0..MAX_QUEUES)
            .zip(&self.deadlines)
            .filter(|(number, _)| except & (1 << number) == 0)
            .filter_map(|(number, deadline)| Some(((*deadline)?, number)))
            .min()
    }
}
