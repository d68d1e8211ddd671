//! Start, stop, pause, continue: what they do to an instance and its timer, and which records they
//! make.

use super::instance::{InstanceId, Owner, State};
use super::tick::program;
use super::{Timers, uapi::TimerEvent};
use crate::{Error, Time};
use aseqd_abi::Errno;

/// The shortest time to a callback that can be started, in nanoseconds.
const MIN_START_NS: u64 = 100_000;
/// The distance from an event of a master to the event that its slaves get: START to MSTART and so
/// on.
const MASTER_EVENTS: i32 = 10;

/// How an instance is made to run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// Count this many ticks from the beginning.
    Start(u64),
    /// Go on where it paused.
    Continue,
}

impl Timers {
    /// Starts an instance that counts `ticks` of its timer to each callback.
    ///
    /// # Errors
    /// `EINVAL` without a timer, or if the ticks take less than 100 us; `EBUSY` if it runs.
    pub(crate) fn start(&mut self, id: InstanceId, ticks: u64, at: Time) -> Result<(), Error> {
        if ticks < 1 {
            return Err(Error::new(Errno::EINVAL, "no ticks to count"));
        }
        self.begin(id, Begin::Start(ticks), at)
    }

    /// Continues an instance after a pause.
    ///
    /// # Errors
    /// `EINVAL` if it was not paused or has no timer, `EBUSY` if it runs.
    pub(crate) fn resume(&mut self, id: InstanceId, at: Time) -> Result<(), Error> {
        if !self.is_paused(id) {
            return Err(Error::new(Errno::EINVAL, "the instance is not paused"));
        }
        self.begin(id, Begin::Continue, at)
    }

    /// Stops an instance. The next start counts from the beginning.
    ///
    /// # Errors
    /// `EINVAL` without a timer, `EBUSY` if it does not run.
    pub(crate) fn stop(&mut self, id: InstanceId, at: Time) -> Result<(), Error> {
        self.end(id, TimerEvent::STOP, at)
    }

    /// Stops an instance so that it can be continued.
    ///
    /// # Errors
    /// The errors of [`stop`](Self::stop).
    pub(crate) fn pause(&mut self, id: InstanceId, at: Time) -> Result<(), Error> {
        self.end(id, TimerEvent::PAUSE, at)
    }

    /// Returns whether an instance is marked as paused. As on Linux, a slave never is.
    pub(super) fn is_paused(&self, id: InstanceId) -> bool {
        self.instance(id).is_some_and(|instance| instance.paused)
    }

    fn begin(&mut self, id: InstanceId, how: Begin, at: Time) -> Result<(), Error> {
        let instance = self.instance(id).ok_or(NO_TIMER)?;
        if instance.slave {
            return self.begin_slave(id, how, at);
        }
        let (state, key, exact) = (instance.state, instance.timer.ok_or(NO_TIMER)?, instance.exact);
        let resolution = self.timers.get(&key).ok_or(NO_TIMER)?.resolution;
        if state != State::Idle {
            return Err(Error::new(Errno::EBUSY, "the instance runs"));
        }
        if let Begin::Start(ticks) = how
            && resolution.wrapping_mul(ticks) < MIN_START_NS
        {
            return Err(Error::new(Errno::EINVAL, "the first tick comes too soon"));
        }
        let jiffy_ns = self.config.jiffy_ns();
        let Some(instance) = self.instances.get_mut(id.0).and_then(Option::as_mut) else {
            return Err(NO_TIMER);
        };
        match how {
            Begin::Start(ticks) => (instance.ticks, instance.ticks_left) = (ticks, ticks),
            Begin::Continue => instance.ticks_left = instance.ticks_left.max(1),
        }
        instance.ticks_gone = 0;
        if exact {
            instance.state = State::Running;
            instance.start_grid(at, resolution);
        } else if let Some(timer) = self.timers.get_mut(&key) {
            timer.active.push(id);
            if timer.running > 0 {
                timer.reschedule = true;
                instance.state = State::Pending;
            } else {
                if let Begin::Start(ticks) = how {
                    timer.sticks = ticks;
                }
                program(timer, at, jiffy_ns);
                timer.running = 1;
                instance.state = State::Running;
            }
        }
        self.notify(id, how.event(), at);
        Ok(())
    }

    /// Starts a slave, which has no count of its own. Without a master it runs silently.
    fn begin_slave(&mut self, id: InstanceId, how: Begin, at: Time) -> Result<(), Error> {
        let instance = self.instance_mut(id).ok_or(NO_TIMER)?;
        if instance.state != State::Idle {
            return Err(Error::new(Errno::EBUSY, "the instance runs"));
        }
        instance.state = State::Running;
        if let Some(master) = instance.master {
            self.activate_slave(master, id, at);
            self.notify(id, how.event(), at);
        }
        Ok(())
    }

    fn end(&mut self, id: InstanceId, event: TimerEvent, at: Time) -> Result<(), Error> {
        let instance = self.instance(id).ok_or(NO_TIMER)?;
        if instance.slave {
            return self.end_slave(id, event, at);
        }
        let key = instance.timer.ok_or(NO_TIMER)?;
        let (state, exact) = (instance.state, instance.exact);
        if state == State::Idle {
            return Err(Error::new(Errno::EBUSY, "the instance does not run"));
        }
        self.forget_callback(id);
        if !exact {
            self.leave_timer(key, id, state == State::Running, at);
        }
        if let Some(instance) = self.instance_mut(id) {
            instance.state = State::Idle;
            instance.grid = None;
            instance.paused = event == TimerEvent::PAUSE;
            if event == TimerEvent::STOP {
                instance.ticks_left = instance.ticks;
                instance.ticks_gone = 0;
            }
        }
        self.notify(id, event, at);
        Ok(())
    }

    fn end_slave(&mut self, id: InstanceId, event: TimerEvent, at: Time) -> Result<(), Error> {
        let instance = self.instance_mut(id).ok_or(NO_TIMER)?;
        let ran = instance.state != State::Idle;
        instance.state = State::Idle;
        let master = instance.master;
        self.forget_callback(id);
        if let Some(master) = master {
            if let Some(master) = self.instance_mut(master) {
                master.active_slaves.retain(|slave| *slave != id);
            }
            if ran {
                self.notify(id, event, at);
            }
        }
        if ran { Ok(()) } else { Err(Error::new(Errno::EBUSY, "the instance does not run")) }
    }

    /// Reports an event to the instance and to its slaves that run.
    fn notify(&mut self, id: InstanceId, event: TimerEvent, at: Time) {
        let Some(instance) = self.instance(id) else { return };
        let starts = matches!(event, TimerEvent::START | TimerEvent::CONTINUE);
        let resolution = self.timer_of(id).map_or(0, |timer| timer.resolution);
        let value = if starts { resolution } else { 0 };
        let owner = instance.owner;
        self.tell(owner, event, value, at);
        let mut index = 0;
        while let Some(slave) = self.active_slave(id, index) {
            index += 1;
            if let Some(owner) = self.instance(slave).map(|slave| slave.owner) {
                self.tell(owner, TimerEvent(event.0 + MASTER_EVENTS), value, at);
            }
        }
    }

    /// Makes a record for a file. Queues take none.
    fn tell(&mut self, owner: Owner, event: TimerEvent, value: u64, at: Time) {
        let Owner::Handle(handle) = owner else { return };
        if let Some(entry) = self.handle_mut(handle)
            && entry.take_event(event, value, at)
        {
            self.wake(handle);
        }
    }
}

impl Begin {
    const fn event(self) -> TimerEvent {
        match self {
            Self::Start(_) => TimerEvent::START,
            Self::Continue => TimerEvent::CONTINUE,
        }
    }
}

const NO_TIMER: Error = Error::new(Errno::EINVAL, "the instance has no timer");
