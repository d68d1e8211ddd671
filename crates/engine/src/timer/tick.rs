//! What happens when a timer expires: which instances count, which are called back, what is
//! programmed next.
//!
//! Nothing here looks at a clock. An interrupt happens at the instant at which the timer expires,
//! even if the engine is called later, and interrupts that were missed in a row are counted at
//! once.

use super::instance::{InstanceId, Owner, State};
use super::{Drive, Timer, TimerKey, Timers};
use crate::Time;
use crate::limits::MAX_QUEUES;
use arrayvec::ArrayVec;

/// What expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// A timer.
    Timer(TimerKey),
    /// The period of an exact queue that has slaves.
    Grid(InstanceId),
}

/// A due callback of an instance: once with the ticks that it has gathered, and then `more` times
/// with the same number of ticks each.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Callback {
    instance: InstanceId,
    /// When the first of them is due.
    at: Time,
    more: u64,
    more_ticks: u64,
}

/// A callback of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct QueueStep {
    pub(crate) queue: u8,
    /// Time since the last step, in nanoseconds.
    pub(crate) first_ns: u64,
    /// Number of steps that follow at once, each of the length below.
    pub(crate) more: u64,
    pub(crate) more_ns: u64,
}

/// What a run of interrupts does that are alike.
#[derive(Clone, Debug)]
pub(crate) struct Outlook {
    /// When the first interrupt happens.
    pub(crate) at: Time,
    pub(crate) period_ns: u64,
    /// How many interrupts are alike. The next one may differ.
    pub(crate) alike: u64,
    /// The queues that each interrupt calls back, and the step of each in nanoseconds.
    pub(crate) queues: ArrayVec<(u8, u64), { MAX_QUEUES as usize }>,
    /// Whether a program waits for one of them.
    pub(crate) heard: bool,
}

impl Outlook {
    /// Returns when the n-th interrupt happens, counted from 1.
    pub(crate) fn instant(&self, n: u64) -> Time {
        self.at + self.period_ns.saturating_mul(n - 1)
    }

    /// Returns how many of the interrupts, at least 1, are alike and not after an instant.
    pub(crate) fn until(&self, horizon: Time) -> u64 {
        ((horizon - self.at) / self.period_ns).saturating_add(1).min(self.alike)
    }
}

/// Programs a timer. The high-resolution timer is programmed at the end of its interrupt.
pub(super) fn program(timer: &mut Timer, at: Time, jiffy_ns: u64) {
    match timer.drive {
        Drive::Jiffies => {
            let edge = (at.0 / jiffy_ns).saturating_add(timer.sticks);
            timer.expiry = Some(Time(edge.saturating_mul(jiffy_ns)));
        }
        Drive::HighResolution if timer.in_interrupt => {}
        Drive::HighResolution => timer.expiry = Some(at + timer.period_ns()),
        Drive::User => {}
    }
}

impl Timer {
    const fn period_ns(&self) -> u64 {
        let period = self.sticks.saturating_mul(self.resolution);
        if period == 0 { 1 } else { period }
    }

    fn stop(&mut self) {
        if !self.in_interrupt {
            self.expiry = None;
        }
    }
}

impl Timers {
    /// Returns what expires next, and when.
    pub(crate) fn next_expiry(&self) -> Option<(Time, Expiry)> {
        if self.nothing_expires() {
            return None;
        }
        self.expiries().min_by_key(|(at, _)| *at)
    }

    /// Returns whether nothing can expire: only exact queues are bound, if anything is.
    pub(crate) const fn nothing_expires(&self) -> bool {
        self.bound == self.exact.len()
    }

    /// Returns everything that will expire, and when.
    pub(crate) fn expiries(&self) -> impl Iterator<Item = (Time, Expiry)> {
        let timers = self.timers.iter();
        let timers = timers.filter_map(|(key, timer)| Some((timer.expiry?, Expiry::Timer(*key))));
        let grids = self.exact.iter().filter_map(|id| {
            let instance = self.instance(*id)?;
            let next = instance.grid?.next;
            (!instance.active_slaves.is_empty()).then_some((next, Expiry::Grid(*id)))
        });
        timers.chain(grids)
    }

    /// Returns what the next interrupts of a timer will do.
    pub(crate) fn outlook(&self, expiry: Expiry) -> Option<Outlook> {
        match expiry {
            Expiry::Timer(key) => self.timer_outlook(key),
            Expiry::Grid(id) => {
                let instance = self.instance(id)?;
                let grid = instance.grid?;
                let mut outlook = Outlook {
                    at: grid.next,
                    period_ns: grid.period_ns,
                    alike: u64::MAX,
                    queues: ArrayVec::new(),
                    heard: false,
                };
                for slave in &instance.active_slaves {
                    self.add_called(*slave, grid.period_ns, &mut outlook);
                }
                Some(outlook)
            }
        }
    }

    fn timer_outlook(&self, key: TimerKey) -> Option<Outlook> {
        let timer = self.timers.get(&key)?;
        let too_long = timer.reschedule && timer.sticks > timer.max_ticks;
        let steady = !timer.changed && !too_long;
        let mut outlook = Outlook {
            at: timer.expiry?,
            period_ns: timer.period_ns(),
            alike: if steady { u64::MAX } else { 1 },
            queues: ArrayVec::new(),
            heard: false,
        };
        for id in &timer.active {
            let Some(instance) = self.instance(*id) else { continue };
            let (left, sticks) = (instance.ticks_left, timer.sticks.max(1));
            let every = instance.auto && instance.ticks == sticks && left == sticks;
            let alike = match instance.state {
                State::Running if every => u64::MAX,
                // It only counts, unless it is the next to expire.
                State::Running => (left / sticks).saturating_sub(1).max(1),
                State::Pending | State::Idle => 1,
            };
            outlook.alike = outlook.alike.min(alike);
            if every || alike == 1 {
                let step_ns = timer.resolution.saturating_mul(timer.sticks);
                self.add_called(*id, step_ns, &mut outlook);
                for slave in &instance.active_slaves {
                    self.add_called(*slave, step_ns, &mut outlook);
                }
            }
            let waits = |id: &InstanceId| {
                self.instance(*id).is_some_and(|other| matches!(other.owner, Owner::Handle(_)))
            };
            outlook.heard |= waits(id) || instance.active_slaves.iter().any(waits);
        }
        Some(outlook)
    }

    fn add_called(&self, id: InstanceId, step_ns: u64, outlook: &mut Outlook) {
        match self.instance(id).map(|instance| instance.owner) {
            Some(Owner::Queue(queue)) => {
                // Each queue has one instance.
                let _full = outlook.queues.try_push((queue, step_ns));
            }
            Some(Owner::Handle(_)) => outlook.heard = true,
            None => {}
        }
    }

    /// Returns the queues that are bound to a timer, themselves or through a master.
    pub(crate) fn queues_on(&self, expiry: Expiry) -> impl Iterator<Item = u8> {
        let active = match expiry {
            Expiry::Timer(key) => self.timers.get(&key).map_or(&[][..], |timer| &timer.active),
            Expiry::Grid(_) => &[],
        };
        let grid = match expiry {
            Expiry::Grid(id) => self.instance(id),
            Expiry::Timer(_) => None,
        };
        let masters = active.iter().filter_map(|id| self.instance(*id));
        let slaves = masters.clone().chain(grid).flat_map(|master| &master.active_slaves);
        let slaves = slaves.filter_map(|id| self.instance(*id));
        masters.chain(slaves).filter_map(|instance| match instance.owner {
            Owner::Queue(queue) => Some(queue),
            Owner::Handle(_) => None,
        })
    }

    /// Lets a timer expire `times` in a row, all alike. Then make the callbacks that are due, and
    /// call [`finish`](Self::finish).
    pub(crate) fn expire(&mut self, expiry: Expiry, times: u64) {
        match expiry {
            Expiry::Grid(id) => self.expire_grid(id, times),
            Expiry::Timer(key) => {
                let Some(timer) = self.timers.get_mut(&key) else { return };
                let Some(first) = timer.expiry else { return };
                let last = first + timer.period_ns().saturating_mul(times - 1);
                timer.expiry = Some(last);
                timer.in_interrupt = timer.drive == Drive::HighResolution;
                if times == 1 {
                    self.interrupt(key, first);
                } else {
                    self.interrupt_again_and_again(key, first, last, times);
                }
            }
        }
    }

    /// Ends an interrupt whose callbacks are done.
    pub(crate) fn finish(&mut self, expiry: Expiry) {
        let Expiry::Timer(key) = expiry else { return };
        let Some(timer) = self.timers.get_mut(&key) else { return };
        if core::mem::take(&mut timer.in_interrupt) {
            let next = timer.expiry.map(|last| last + timer.period_ns());
            timer.expiry = next.filter(|_| timer.running > 0);
        }
    }

    /// Handles one interrupt: as many ticks have passed as were programmed.
    pub(super) fn interrupt(&mut self, key: TimerKey, at: Time) {
        let Some(timer) = self.timers.get(&key) else { return };
        let gone = timer.sticks;
        let mut index = 0;
        while let Some(id) = self.active(key, index) {
            index += 1;
            let Some(instance) = self.instance_mut(id) else { continue };
            if instance.state != State::Running {
                continue;
            }
            instance.ticks_gone = instance.ticks_gone.wrapping_add(gone);
            instance.ticks_left = instance.ticks_left.saturating_sub(gone);
            if instance.ticks_left > 0 {
                continue;
            }
            if instance.auto {
                instance.ticks_left = instance.ticks;
            } else {
                instance.state = State::Idle;
                if let Some(timer) = self.timers.get_mut(&key) {
                    timer.active.retain(|other| *other != id);
                    timer.running -= 1;
                    index -= 1;
                }
            }
            self.call_back(id, at, 0, 0);
        }
        let jiffy_ns = self.config.jiffy_ns();
        if self.timers.get(&key).is_some_and(|timer| timer.reschedule) {
            self.reschedule(key, gone);
        }
        let Some(timer) = self.timers.get_mut(&key) else { return };
        if timer.running == 0 {
            timer.stop();
        } else if timer.drive == Drive::Jiffies || timer.changed {
            timer.changed = false;
            program(timer, at, jiffy_ns);
        }
    }

    /// Handles interrupts that are alike in one go.
    fn interrupt_again_and_again(&mut self, key: TimerKey, first: Time, last: Time, times: u64) {
        let Some(timer) = self.timers.get(&key) else { return };
        let sticks = timer.sticks;
        let mut index = 0;
        while let Some(id) = self.active(key, index) {
            index += 1;
            let Some(instance) = self.instance_mut(id) else { continue };
            if instance.ticks == sticks && instance.ticks_left == sticks {
                instance.ticks_gone = instance.ticks_gone.wrapping_add(sticks);
                self.call_back(id, first, times - 1, sticks);
            } else {
                let gone = sticks.saturating_mul(times);
                instance.ticks_gone = instance.ticks_gone.wrapping_add(gone);
                instance.ticks_left -= gone;
            }
        }
        let jiffy_ns = self.config.jiffy_ns();
        if let Some(timer) = self.timers.get_mut(&key)
            && timer.drive == Drive::Jiffies
        {
            program(timer, last, jiffy_ns);
        }
    }

    fn expire_grid(&mut self, id: InstanceId, times: u64) {
        let Some(instance) = self.instance_mut(id) else { return };
        let Some(grid) = &mut instance.grid else { return };
        let at = grid.next;
        grid.next = at + grid.period_ns.saturating_mul(times);
        let ticks = instance.ticks;
        let mut index = 0;
        while let Some(instance) = self.active_slave(id, index) {
            index += 1;
            self.call_back_slave(
                ticks,
                Callback { instance, at, more: times - 1, more_ticks: ticks },
            );
        }
    }

    /// Queues the callbacks of an instance and of its slaves that run.
    fn call_back(&mut self, id: InstanceId, at: Time, more: u64, more_ticks: u64) {
        self.callbacks.push_back(Callback { instance: id, at, more, more_ticks });
        let Some(instance) = self.instance(id) else { return };
        let gone = instance.ticks_gone;
        let mut index = 0;
        while let Some(instance) = self.active_slave(id, index) {
            index += 1;
            self.call_back_slave(gone, Callback { instance, at, more, more_ticks });
        }
    }

    /// Returns the n-th active instance of a timer. Lists are walked by index instead of copied, so
    /// that an interrupt needs no memory.
    fn active(&self, key: TimerKey, index: usize) -> Option<InstanceId> {
        self.timers.get(&key)?.active.get(index).copied()
    }

    /// Returns the n-th active slave of an instance.
    pub(super) fn active_slave(&self, id: InstanceId, index: usize) -> Option<InstanceId> {
        self.instance(id)?.active_slaves.get(index).copied()
    }

    fn call_back_slave(&mut self, gone: u64, callback: Callback) {
        let Some(slave) = self.instance_mut(callback.instance) else { return };
        slave.ticks_gone = gone;
        self.callbacks.push_back(callback);
    }

    /// Makes the callbacks that are due, up to and including one of a queue, which is returned. The
    /// last callback of a row is due at `last`.
    pub(crate) fn next_step(&mut self, last: Time) -> Option<QueueStep> {
        while let Some(callback) = self.callbacks.pop_front() {
            let Callback { instance: id, at, more, more_ticks } = callback;
            let resolution = self.timer_of(id).map_or(0, |timer| timer.resolution);
            let Some(instance) = self.instance_mut(id) else { continue };
            let ticks = core::mem::take(&mut instance.ticks_gone);
            match instance.owner {
                Owner::Queue(queue) => {
                    let first_ns = resolution.saturating_mul(ticks);
                    let more_ns = resolution.saturating_mul(more_ticks);
                    return Some(QueueStep { queue, first_ns, more, more_ns });
                }
                Owner::Handle(handle) => {
                    let Some(entry) = self.handle_mut(handle) else { continue };
                    let wake = entry.take_ticks(resolution, ticks, at);
                    entry.take_more_ticks(resolution, more_ticks, more, last);
                    if wake {
                        self.wake(handle);
                    }
                }
            }
        }
        None
    }

    /// Drops the callback of an instance that stops.
    pub(super) fn forget_callback(&mut self, id: InstanceId) {
        self.callbacks.retain(|callback| callback.instance != id);
    }

    /// Takes an instance off its timer's active list. The timer stops with the last one that runs,
    /// unless others are pending.
    pub(super) fn leave_timer(&mut self, key: TimerKey, id: InstanceId, ran: bool, at: Time) {
        let jiffy_ns = self.config.jiffy_ns();
        let Some(timer) = self.timers.get_mut(&key) else { return };
        timer.active.retain(|other| *other != id);
        if !ran {
            return;
        }
        timer.running -= 1;
        if timer.running > 0 {
            return;
        }
        timer.stop();
        if !core::mem::take(&mut timer.reschedule) {
            return;
        }
        self.reschedule(key, 0);
        if let Some(timer) = self.timers.get_mut(&key)
            && core::mem::take(&mut timer.changed)
        {
            program(timer, at, jiffy_ns);
        }
    }

    /// Lets pending instances run from now on, and programs the timer for the first to expire.
    fn reschedule(&mut self, key: TimerKey, programmed: u64) {
        let mut joined = 0;
        let mut first = None::<u64>;
        let mut index = 0;
        while let Some(id) = self.active(key, index) {
            index += 1;
            let Some(instance) = self.instance_mut(id) else { continue };
            if instance.state == State::Pending {
                instance.state = State::Running;
                joined += 1;
            }
            first = Some(first.map_or(instance.ticks_left, |first| first.min(instance.ticks_left)));
        }
        let Some(timer) = self.timers.get_mut(&key) else { return };
        timer.running += joined;
        let Some(first) = first else {
            timer.reschedule = false;
            return;
        };
        let sticks = first.min(timer.max_ticks);
        timer.changed |= sticks != programmed;
        timer.sticks = sticks;
    }
}
