//! Whether all threads sleep.
//!
//! If they share the tracer's processor, they cannot run while the tracer does. The kernel counts how often the tracer
//! has left the processor. If that has not changed, one look at each thread is enough: those that are asleep at some
//! moment in between were so from the beginning. Otherwise all threads are looked at twice: see [`crate::quiet`].

use super::Tracer;
use crate::error::Error;
use crate::options::Order;
use crate::quiet::{Look, Shared};
use crate::state::Doing;
use crate::sys;
use crate::world::World;

/// What a look has shown.
pub(super) enum Seen {
    /// Somebody runs, or may do.
    Busy,
    /// All sleep, and the world has requests.
    Requests,
    /// All sleep.
    Quiet,
}

impl Tracer {
    /// Looks at all threads twice, and meanwhile at stops and requests.
    pub(super) fn look(&mut self, world: &mut dyn World) -> Result<Seen, Error> {
        self.stats.looks += 1;
        if self.shared.is_some() { self.look_alone(world) } else { self.look_twice(world) }
    }

    /// Looks while no thread of the run can run.
    fn look_alone(&mut self, world: &mut dyn World) -> Result<Seen, Error> {
        let switches = sys::switches();
        // This comes first: whoever asks the world sleeps, in whichever state, and whom it lets go on does not.
        let requests = world.collect().map_err(Error::World)?;
        if let Some(change) = self.wait()? {
            self.changes.push_back(change);
            return Ok(Seen::Busy);
        }
        let alone = self.shared.as_mut().is_some_and(Shared::is_alone);
        let asleep = self.state.threads.iter_mut().all(|(number, thread)| {
            let rests = may_rest(*number, thread.doing, thread.vforking, world);
            thread.looks.once(alone, &rests) == Look::Asleep
        });
        // Whoever was asleep at one moment in between was so from the beginning.
        let asleep = asleep && switches == sys::switches();
        Ok(match (asleep, requests) {
            (false, _) => self.busy(requests),
            (true, 0) => Seen::Quiet,
            (true, _) => Seen::Requests,
        })
    }

    /// Looks while threads may run on other processors.
    fn look_twice(&mut self, world: &mut dyn World) -> Result<Seen, Error> {
        for (number, thread) in &mut self.state.threads {
            let look = {
                let rests = may_rest(*number, thread.doing, thread.vforking, world);
                thread.looks.first(&rests)
            };
            if look != Look::Asleep {
                // A thread that signals cannot wake is asleep only if the world knows its request.
                let requests = world.collect().map_err(Error::World)?;
                return Ok(self.busy(requests));
            }
        }
        let requests = world.collect().map_err(Error::World)?;
        if let Some(change) = self.wait()? {
            self.changes.push_back(change);
            return Ok(Seen::Busy);
        }
        Ok(match (self.sleep_on(world), requests) {
            (false, _) => Seen::Busy,
            (true, 0) => Seen::Quiet,
            (true, _) => Seen::Requests,
        })
    }

    /// Returns what to do if somebody runs: in the order of arrival, requests need not wait for that.
    fn busy(&self, requests: usize) -> Seen {
        match self.state.options.order {
            Order::Arrival if requests > 0 => Seen::Requests,
            _ => Seen::Busy,
        }
    }

    /// Returns whether all threads sleep, and none has run since the first look.
    fn sleep_on(&mut self, world: &dyn World) -> bool {
        self.state.threads.iter_mut().all(|(number, thread)| {
            let rests = may_rest(*number, thread.doing, thread.vforking, world);
            thread.looks.second(&rests) == Look::Asleep
        })
    }
}

/// Returns whether a thread in a state of `/proc` does nothing until somebody else does something. One that was
/// stopped runs as soon as `SIGCONT` has been sent, before the tracer is told.
fn may_rest(
    number: i32,
    doing: Doing,
    vforking: bool,
    world: &dyn World,
) -> impl Fn(u8) -> bool + use<'_> {
    move |state| match state {
        b'D' => vforking || world.is_asked_by(number),
        b't' => doing == Doing::Stopped,
        _ => false,
    }
}
