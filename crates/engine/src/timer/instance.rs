//! Instances, bound to a timer or following another instance: how they come, find each other, and
//! go.

use super::{Handle, NANOSECONDS, TimerKey, Timers, insert};
use crate::{Error, Time};
use alloc::string::String;
use alloc::vec::Vec;
use aseqd_abi::Errno;
use aseqd_abi::timer::{self as uapi, TimerId};

/// Maximum number of slaves in the whole system, as on Linux.
const MAX_SLAVES: usize = 1000;

/// The number of an instance. Another one gets it after this one is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct InstanceId(pub(super) usize);

/// The owner of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Owner {
    /// A file: a callback makes a record.
    Handle(Handle),
    /// A queue: a callback is a step.
    Queue(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum State {
    Idle,
    /// Started while its timer ran: it runs from the timer's next interrupt on.
    Pending,
    Running,
}

/// The clock of an exact queue. It ticks for the queue's slaves only, on a grid that begins at the
/// queue's start.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Grid {
    pub(super) since: Time,
    pub(super) period_ns: u64,
    /// The next point that the slaves hear of.
    pub(super) next: Time,
}

impl Grid {
    /// Skips the points up to `at`, at which nobody listened.
    pub(super) fn skip_to(&mut self, at: Time) {
        let gone = (at - self.since) / self.period_ns;
        self.next = self.since + gone.saturating_add(1).saturating_mul(self.period_ns);
    }
}

/// One instance.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Instance {
    pub(super) owner: Owner,
    /// Name in `/proc/asound/timers`.
    pub(super) label: String,
    /// Whether the queue is exact: the timer that it is bound to does not drive it.
    pub(super) exact: bool,
    pub(super) auto: bool,
    pub(super) exclusive: bool,
    pub(super) slave: bool,
    /// The class and id by which slaves find the instance, or which it looks for as a slave.
    pub(super) slave_class: i32,
    pub(super) slave_id: i32,
    /// How many instances were bound to timers before this one. Slaves follow the oldest master.
    pub(super) age: u64,
    /// The timer; a slave has its master's.
    pub(super) timer: Option<TimerKey>,
    pub(super) master: Option<InstanceId>,
    pub(super) slaves: Vec<InstanceId>,
    /// The slaves that run, in the order in which they started.
    pub(super) active_slaves: Vec<InstanceId>,
    pub(super) state: State,
    pub(super) paused: bool,
    /// Number of timer ticks from start to callback.
    pub(super) ticks: u64,
    /// How many of these are left.
    pub(super) ticks_left: u64,
    /// Number of ticks since the last callback.
    pub(super) ticks_gone: u64,
    pub(super) grid: Option<Grid>,
}

impl Instance {
    fn new(owner: Owner, label: String) -> Self {
        Self {
            owner,
            label,
            exact: false,
            auto: false,
            exclusive: false,
            slave: false,
            slave_class: uapi::SCLASS_NONE,
            slave_id: 0,
            age: 0,
            timer: None,
            master: None,
            slaves: Vec::new(),
            active_slaves: Vec::new(),
            state: State::Idle,
            paused: false,
            ticks: 0,
            ticks_left: 0,
            ticks_gone: 0,
            grid: None,
        }
    }

    /// Returns an instance of a file.
    pub(super) fn of_handle(handle: Handle, label: String) -> Self {
        Self::new(Owner::Handle(handle), label)
    }

    /// Returns an instance of a queue, which is periodic.
    pub(crate) fn of_queue(queue: u8, label: String, exact: bool) -> Self {
        Self { auto: true, exact, ..Self::new(Owner::Queue(queue), label) }
    }

    /// Starts the grid of an exact queue.
    pub(super) fn start_grid(&mut self, at: Time, resolution: u64) {
        let period_ns = resolution.saturating_mul(self.ticks).clamp(1, NANOSECONDS);
        let mut grid = Grid { since: at, period_ns, next: at };
        grid.skip_to(at);
        self.grid = Some(grid);
    }

    fn finds(&self, slave: &Self) -> bool {
        (self.slave_class, self.slave_id) == (slave.slave_class, slave.slave_id)
    }
}

impl Timers {
    /// Binds an instance. Slaves find it by `slave_id`. The id of a slave's timer says which master
    /// it looks for.
    ///
    /// # Errors
    /// `EINVAL` for a slave class that does not exist, `ENODEV` for a timer that does not exist,
    /// `EBUSY` if there is no room or another instance has the timer exclusively.
    pub(crate) fn open(
        &mut self,
        instance: Instance,
        id: &TimerId,
        slave_id: i32,
        at: Time,
    ) -> Result<InstanceId, Error> {
        if id.dev_class == uapi::CLASS_SLAVE {
            return self.open_slave(instance, id, at);
        }
        let missing = Error::new(Errno::ENODEV, "no such timer");
        let key = TimerKey::of(id).ok_or(missing)?;
        let timer = self.timers.get(&key).ok_or(missing)?;
        let oldest = timer.instances.first().and_then(|oldest| self.instance(*oldest));
        if oldest.is_some_and(|oldest| oldest.exclusive) {
            return Err(Error::new(Errno::EBUSY, "another instance has the timer exclusively"));
        }
        if timer.bound >= timer.max_instances {
            return Err(FULL);
        }
        let (slave_class, exact) = (id.dev_sclass, instance.exact);
        self.opened += 1;
        let age = self.opened;
        let instance = Instance { timer: Some(key), slave_class, slave_id, age, ..instance };
        let id = InstanceId(insert(&mut self.instances, instance));
        self.bound += 1;
        if let Some(timer) = self.timers.get_mut(&key) {
            timer.instances.push(id);
            timer.bound += 1;
        }
        if exact {
            self.exact.push(id);
        }
        if let Err(error) = self.collect_slaves(id, at) {
            self.close(id, at);
            return Err(error);
        }
        Ok(id)
    }

    fn open_slave(
        &mut self,
        instance: Instance,
        id: &TimerId,
        at: Time,
    ) -> Result<InstanceId, Error> {
        if !(uapi::SCLASS_APPLICATION..=uapi::SCLASS_OSS_SEQUENCER).contains(&id.dev_sclass) {
            return Err(Error::new(Errno::EINVAL, "no such class of slaves"));
        }
        if self.slaves >= MAX_SLAVES {
            return Err(Error::new(Errno::EBUSY, "too many slaves"));
        }
        let instance = Instance {
            slave: true,
            exact: false,
            slave_class: id.dev_sclass,
            slave_id: id.device,
            ..instance
        };
        let slave = InstanceId(insert(&mut self.instances, instance));
        self.bound += 1;
        self.slaves += 1;
        self.waiting.push(slave);
        let masters = self.timers.values().flat_map(|timer| timer.instances.iter().copied());
        let matching = masters.filter(|master| self.matches(*master, slave));
        let master = matching.min_by_key(|master| self.instance(*master).map(|found| found.age));
        if let Some(master) = master
            && let Err(error) = self.link(master, slave, at)
        {
            self.close(slave, at);
            return Err(error);
        }
        Ok(slave)
    }

    fn matches(&self, master: InstanceId, slave: InstanceId) -> bool {
        let (master, slave) = (self.instance(master), self.instance(slave));
        matches!((master, slave), (Some(master), Some(slave)) if master.finds(slave))
    }

    /// Links the slaves that wait for a new master.
    fn collect_slaves(&mut self, master: InstanceId, at: Time) -> Result<(), Error> {
        for slave in self.waiting.clone() {
            if self.matches(master, slave) {
                self.link(master, slave, at)?;
            }
        }
        Ok(())
    }

    /// Links a waiting slave. If it runs, it follows at once.
    fn link(&mut self, master: InstanceId, slave: InstanceId, at: Time) -> Result<(), Error> {
        let Some(key) = self.instance(master).and_then(|master| master.timer) else {
            return Ok(());
        };
        let Some(timer) = self.timers.get_mut(&key) else { return Ok(()) };
        if timer.bound >= timer.max_instances {
            return Err(FULL);
        }
        timer.bound += 1;
        self.waiting.retain(|waiting| *waiting != slave);
        if let Some(master) = self.instance_mut(master) {
            master.slaves.push(slave);
        }
        let Some(entry) = self.instance_mut(slave) else { return Ok(()) };
        entry.master = Some(master);
        entry.timer = Some(key);
        if entry.state == State::Running {
            self.activate_slave(master, slave, at);
        }
        Ok(())
    }

    /// Lets a running slave hear its master's ticks from now on.
    pub(super) fn activate_slave(&mut self, master: InstanceId, slave: InstanceId, at: Time) {
        let Some(master) = self.instance_mut(master) else { return };
        if master.active_slaves.is_empty()
            && let Some(grid) = &mut master.grid
        {
            grid.skip_to(at);
        }
        master.active_slaves.push(slave);
    }

    /// Stops an instance and ends its binding. Its slaves wait for another master.
    pub(crate) fn close(&mut self, id: InstanceId, at: Time) {
        let Some(instance) = self.instance(id) else { return };
        let (slave, key) = (instance.slave, instance.timer);
        if slave {
            self.slaves -= 1;
        }
        if let Some(timer) = key.and_then(|key| self.timers.get_mut(&key)) {
            timer.instances.retain(|other| *other != id);
        }
        // The instance may not run.
        let _idle = self.stop(id, at);
        self.waiting.retain(|waiting| *waiting != id);
        self.exact.retain(|exact| *exact != id);
        let Some(instance) = self.instances.get_mut(id.0).and_then(Option::take) else { return };
        self.bound -= 1;
        if let Some(master) = instance.master.and_then(|master| self.instance_mut(master)) {
            master.slaves.retain(|slave| *slave != id);
        }
        if let Some(timer) = key.and_then(|key| self.timers.get_mut(&key)) {
            timer.bound -= 1 + instance.slaves.len();
        }
        self.release_slaves(instance.slaves);
    }

    /// Lets slaves wait whose master is gone.
    pub(super) fn release_slaves(&mut self, slaves: Vec<InstanceId>) {
        for slave in slaves {
            if let Some(entry) = self.instance_mut(slave) {
                entry.master = None;
                entry.timer = None;
                self.waiting.push(slave);
            }
        }
    }
}

const FULL: Error = Error::new(Errno::EBUSY, "the timer cannot have more instances");
