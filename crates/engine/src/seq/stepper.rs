//! Queues as users of timers: the instance that a queue opens, and how its callbacks step the
//! queue.
//!
//! A queue is *exact* or *stepped*. The position of an exact queue is a function of time; its
//! instance is bound to a timer only so that other programs see it there and can follow it. A
//! stepped queue moves and delivers with the callbacks of its instance, as the kernel's queues do.

use super::Seq;
use super::queue::Queue;
use super::tempo::{NO_TIMER, QueueTimer};
use crate::timer::{Expiry, Instance, Outlook, QueueStep, Timers};
use crate::{Error, Time};
use alloc::format;
use aseqd_abi::Errno;
use aseqd_abi::timer::{self, TimerId};

/// The frequency at which the kernel steps a queue if none is asked for, in Hz.
const DEFAULT_FREQUENCY: u32 = 1000;
/// The lowest and highest frequency to which a queue's timer is programmed, in Hz.
const FREQUENCIES: (u32, u32) = (10, 6250);
const NANOSECONDS: u64 = 1_000_000_000;

/// Maximum number of runs of interrupts that one call of the engine handles. The others are due at
/// once, in the next call.
pub(super) const MAX_RUNS: usize = 1000;
/// Maximum number of interrupts that may pile up because nobody waits for them. Well below
/// [`MAX_RUNS`].
const MAX_PENDING: u64 = 500;

/// The timer that is opened in place of one that cannot be.
const SYSTEM_TIMER: TimerId = TimerId {
    dev_class: timer::CLASS_GLOBAL,
    dev_sclass: timer::SCLASS_SEQUENCER,
    card: -1,
    device: timer::GLOBAL_SYSTEM,
    subdevice: 0,
};

impl QueueTimer {
    /// Opens the timer that was asked for, if none is open. If that cannot be opened, the system
    /// timer takes its place.
    ///
    /// # Errors
    /// The errors of [`Timers::open`].
    pub(crate) fn open(&mut self, timers: &mut Timers, now: Time) -> Result<(), Error> {
        if self.instance.is_some() {
            return Ok(());
        }
        let follows = self.id.dev_class == timer::CLASS_SLAVE;
        if !follows {
            self.id.dev_sclass = timer::SCLASS_SEQUENCER;
        }
        let stepped = follows || self.explicit || timers.config().quantise;
        let label = format!("sequencer queue {}", self.shown_number);
        let mut open = |id: &TimerId| {
            let instance = Instance::of_queue(self.queue, label.clone(), !stepped);
            timers.open(instance, id, self.shown_number, now)
        };
        let system =
            self.id.dev_class == timer::CLASS_GLOBAL && self.id.device == timer::GLOBAL_SYSTEM;
        let opened = match open(&self.id) {
            Err(_) if !follows && !system => open(&SYSTEM_TIMER),
            opened => opened,
        };
        self.instance = Some(opened?);
        self.stepped = stepped;
        Ok(())
    }

    /// Opens the timer like [`open`](Self::open). If neither can be opened, all settings become
    /// those of a new queue.
    ///
    /// # Errors
    /// The errors of [`Timers::open`], if the default timer cannot be opened either.
    pub(crate) fn open_or_default(&mut self, timers: &mut Timers, now: Time) -> Result<(), Error> {
        if self.open(timers, now).is_ok() {
            return Ok(());
        }
        self.set_defaults(now);
        self.open(timers, now)
    }

    /// Closes the timer. The running flag stays.
    pub(crate) fn close(&mut self, timers: &mut Timers, now: Time) {
        self.advance_to(now);
        if let Some(instance) = self.instance.take() {
            timers.close(instance, now);
        }
        self.ticking = false;
    }

    /// Starts from position 0.
    ///
    /// # Errors
    /// `EINVAL` without a timer.
    pub(crate) fn start(&mut self, timers: &mut Timers, now: Time) -> Result<(), Error> {
        if self.instance.is_none() {
            return Err(NO_TIMER);
        }
        self.stop(timers, now);
        self.advance_to(now);
        self.reset();
        self.program(timers)?;
        self.go(timers, now);
        Ok(())
    }

    /// Goes on from the present position. A queue that never ran starts from 0.
    ///
    /// # Errors
    /// `EINVAL` without a timer, `EBUSY` if it runs.
    pub(crate) fn resume(&mut self, timers: &mut Timers, now: Time) -> Result<(), Error> {
        if self.instance.is_none() {
            return Err(NO_TIMER);
        }
        if self.running {
            return Err(Error::new(Errno::EBUSY, "the queue is running"));
        }
        if !self.initialized {
            self.reset();
            self.program(timers)?;
        }
        self.advance_to(now);
        self.go(timers, now);
        Ok(())
    }

    /// Stops at the present position. Does nothing without a timer.
    pub(crate) fn stop(&mut self, timers: &mut Timers, now: Time) {
        let Some(instance) = self.instance else { return };
        if !self.running {
            return;
        }
        self.advance_to(now);
        self.running = false;
        self.ticking = false;
        // The instance may not run, if its timer was opened under a running queue.
        let _idle = timers.pause(instance, now);
    }

    fn go(&mut self, timers: &mut Timers, now: Time) {
        if let Some(instance) = self.instance {
            // An instance that runs from before a reset goes on as it does.
            let _runs = timers.start(instance, self.timer_ticks, now);
        }
        self.running = true;
        self.ticking = true;
        self.anchor = now.max(self.anchor);
    }

    /// Chooses the period. Fails for a slave without a master, which has no resolution.
    fn program(&mut self, timers: &Timers) -> Result<(), Error> {
        let timer = self.instance.and_then(|instance| timers.timer_of(instance));
        let timer = timer.ok_or(Error::new(Errno::EINVAL, "the queue's instance has no master"))?;
        let wanted = if self.frequency == 0 { DEFAULT_FREQUENCY } else { self.frequency };
        let frequency = u64::from(wanted.clamp(FREQUENCIES.0, FREQUENCIES.1));
        let steps = NANOSECONDS / timer.resolution.saturating_mul(frequency);
        self.timer_ticks = steps.max(1);
        self.initialized = true;
        Ok(())
    }

    /// Moves a stepped queue on by a callback, and by those that follow it at once.
    fn step(&mut self, step: QueueStep, at: Time) {
        if !self.running || !self.stepped {
            return;
        }
        let more = self.skewed(step.more_ns).saturating_mul(step.more);
        self.move_on(self.skewed(step.first_ns).saturating_add(more));
        self.anchor = at;
    }
}

impl Queue {
    /// Returns how many callbacks, each after `step_ns`, it takes until an event is due, or `None`
    /// if none ever is.
    fn steps_until_due(&self, step_ns: u64) -> Option<u64> {
        let timer = &self.timer;
        if !timer.running || !timer.stepped {
            return None;
        }
        let tick = self.ticks.first_key();
        let tick = tick.map(|key| timer.distance_to_tick(u32::try_from(key).unwrap_or(u32::MAX)));
        let time = self.times.first_key().and_then(|key| timer.distance_to_time(key));
        let distance = match (tick, time) {
            (Some(tick), Some(time)) => tick.min(time),
            (tick, time) => tick.or(time)?,
        };
        let step_ns = timer.skewed(step_ns);
        if distance == 0 {
            return Some(1);
        }
        (step_ns > 0).then(|| distance.div_ceil(step_ns))
    }

    fn is_empty(&self) -> bool {
        self.ticks.first_key().is_none() && self.times.first_key().is_none()
    }
}

impl Seq {
    /// Returns a queue, and what it needs to change its timer.
    pub(crate) fn queue_and_timers(&mut self, number: i32) -> Option<(&mut Queue, &mut Timers)> {
        let queue = self.queues.get_mut(usize::try_from(number).ok()?)?.as_deref_mut()?;
        self.stale_deadlines |= 1 << queue.number;
        Some((queue, &mut self.timers))
    }

    /// Returns the name of the timer that is open for a queue, if one is.
    pub(crate) fn timer_name(&self, queue: &Queue) -> Option<&'static str> {
        let instance = queue.timer.instance?;
        // Linux prints this if the timer is gone.
        Some(self.timers.timer_of(instance).map_or("(efault)", |timer| timer.name()))
    }

    /// Returns the period with which the kernel would step a queue, in nanoseconds, as `/proc`
    /// shows it.
    pub(crate) fn period_ns(&self, queue: &Queue) -> u64 {
        let timer = queue.timer.instance.and_then(|instance| self.timers.timer_of(instance));
        timer.map_or(0, |timer| timer.resolution.saturating_mul(queue.timer.timer_ticks))
    }

    /// Handles as many interrupts of a timer as are alike and change nothing for others up to
    /// `horizon`: programs see the same as if they were handled one by one.
    pub(super) fn expire(&mut self, expiry: Expiry, horizon: Time) {
        let Some(outlook) = self.timers.outlook(expiry) else { return };
        let times = self.quiet_times(expiry, &outlook, horizon);
        self.instant = outlook.instant(times);
        self.timers.expire(expiry, times);
        self.call_back(self.instant);
        self.timers.finish(expiry);
    }

    /// Returns how many interrupts, at least 1, come before one of this or another timer delivers
    /// something. That one is handled alone, when all timers have come as far.
    fn quiet_times(&self, expiry: Expiry, outlook: &Outlook, horizon: Time) -> u64 {
        let mut horizon = horizon;
        // Of equal instants, the one that comes earlier in this order is first.
        let mut earlier = true;
        for (_, other) in self.timers.expiries() {
            if other == expiry {
                earlier = false;
            } else if let Some(Time(at)) = self.delivery_of(other) {
                horizon = horizon.min(Time(at.saturating_sub(u64::from(earlier))));
            }
        }
        let horizon = horizon.max(outlook.at);
        let due = self.times_until_due(outlook).unwrap_or(u64::MAX);
        outlook.until(horizon).min(due.saturating_sub(1).max(1))
    }

    /// Returns the first instant at which a timer may deliver something, if it has anything to
    /// deliver.
    fn delivery_of(&self, expiry: Expiry) -> Option<Time> {
        if !self.is_busy(expiry) {
            return None;
        }
        let outlook = self.timers.outlook(expiry)?;
        let ends = (outlook.alike < u64::MAX).then_some(outlook.alike);
        let times = self.times_until_due(&outlook).into_iter().chain(ends).min()?;
        Some(outlook.instant(times))
    }

    /// Returns whether events wait in a queue that a timer steps.
    fn is_busy(&self, expiry: Expiry) -> bool {
        let queue = |number: u8| self.queue(number.into());
        self.timers.queues_on(expiry).filter_map(queue).any(|queue| !queue.is_empty())
    }

    /// Returns how many interrupts it takes until one delivers an event.
    fn times_until_due(&self, outlook: &Outlook) -> Option<u64> {
        let queues = outlook.queues.iter();
        queues.filter_map(|(queue, step)| self.queue((*queue).into())?.steps_until_due(*step)).min()
    }

    /// Makes the callbacks that are due.
    fn call_back(&mut self, at: Time) {
        while let Some(step) = self.timers.next_step(at) {
            let Some(queue) = self.queue_mut(step.queue.into()) else { continue };
            if queue.timer.running {
                queue.timer.step(step, at);
                // What is more than a pass delivers waits for the next callback.
                let _pass = self.dispatch(step.queue, at);
            }
        }
    }

    /// Handles one interrupt of a user-driven timer.
    pub(crate) fn trigger(&mut self, number: u8) {
        self.timers.trigger_user_timer(number, self.now);
        self.call_back(self.now);
    }

    /// Returns the next time at which a timer does something that somebody can notice.
    pub(super) fn next_wake_up(&self) -> Option<Time> {
        if self.timers.nothing_expires() {
            return None;
        }
        self.timers.expiries().filter_map(|(_, expiry)| self.wake_up_of(expiry)).min()
    }

    fn wake_up_of(&self, expiry: Expiry) -> Option<Time> {
        let outlook = self.timers.outlook(expiry)?;
        if outlook.heard {
            return Some(outlook.at);
        }
        // Interrupts that nobody waits for must not pile up.
        let quiet =
            if self.is_busy(expiry) { outlook.alike } else { outlook.alike.max(MAX_PENDING) };
        let ends = (outlook.alike < u64::MAX).then_some(quiet);
        let times = self.times_until_due(&outlook).into_iter().chain(ends).min()?;
        Some(outlook.instant(times))
    }
}
