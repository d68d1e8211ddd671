//! Timers of the model, one interrupt at a time, and the instances that are bound to them.

use super::world::{Done, World};
use aseqd_abi::Errno;
use std::collections::{BTreeMap, VecDeque};

/// Class, sub-class, card, device, subdevice.
pub(super) type Id = [i32; 5];

pub(super) const CLASS_SLAVE: i32 = 0;
pub(super) const CLASS_GLOBAL: i32 = 1;
pub(super) const SCLASS_APPLICATION: i32 = 1;
pub(super) const SCLASS_SEQUENCER: i32 = 2;
/// Devices of global timers.
pub(super) const SYSTEM: i32 = 0;
pub(super) const HIGH_RESOLUTION: i32 = 3;
pub(super) const USER_DRIVEN: i32 = 4;

/// The shortest time to a callback, in ns.
const SHORTEST: u64 = 100_000;

/// Events of timers.
pub(super) const START: u32 = 2;
pub(super) const STOP: u32 = 3;
pub(super) const CONTINUE: u32 = 4;
pub(super) const PAUSE: u32 = 5;
/// From an event to what slaves hear of it.
const OF_MASTER: u32 = 10;

/// Device and subdevice of a global timer.
pub(super) type Key = (i32, i32);

/// A timer.
#[derive(Clone, Debug)]
pub(super) struct Timer {
    pub(super) resolution: u64,
    pub(super) max_ticks: u64,
    pub(super) most: usize,
    /// Instances in the order in which they were bound.
    pub(super) bound: Vec<usize>,
    /// Instances that run or are pending, in the order of their starts.
    pub(super) active: Vec<usize>,
    pub(super) sticks: u64,
    /// Whether the next interrupt looks at everybody's ticks again.
    pub(super) again: bool,
    /// When it expires.
    pub(super) expiry: Option<u64>,
}

/// Who is called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    File(usize),
    Queue(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    Pending,
    Running,
}

/// Somebody who is bound to a timer, or waits for a master.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) owner: Owner,
    pub(super) slave: bool,
    /// The class and number by which slaves find it, or which it looks for.
    pub(super) name: (i32, i32),
    pub(super) timer: Option<Key>,
    pub(super) master: Option<usize>,
    pub(super) slaves: Vec<usize>,
    pub(super) active_slaves: Vec<usize>,
    pub(super) auto: bool,
    pub(super) exclusive: bool,
    pub(super) ticks: u64,
    pub(super) left: u64,
    pub(super) gone: u64,
    pub(super) state: State,
    pub(super) paused: bool,
    /// The instance of a queue that needs no interrupts: when its next period ends, and how long one is.
    pub(super) exact: bool,
    pub(super) grid: Option<(u64, u64)>,
    pub(super) age: usize,
}

/// A record for a file that an instance made.
pub(super) type Told = (usize, u32, u64);

/// All timers.
#[derive(Debug)]
pub(super) struct Timers {
    pub(super) timers: BTreeMap<Key, Timer>,
    pub(super) instances: BTreeMap<usize, Instance>,
    pub(super) made: usize,
    /// Slaves without a master, in the order in which they began to wait.
    pub(super) waiting: Vec<usize>,
    pub(super) callbacks: VecDeque<usize>,
    /// Events for files: file, event and value.
    pub(super) told: Vec<Told>,
}

impl Timers {
    /// Returns the timers of a machine whose system timer has this tick, in ns.
    pub(super) fn new(jiffy: u64) -> Self {
        let timer = |resolution, max_ticks, most| Timer {
            resolution,
            max_ticks,
            most,
            bound: Vec::new(),
            active: Vec::new(),
            sticks: 1,
            again: false,
            expiry: None,
        };
        let timers = BTreeMap::from([
            ((SYSTEM, 0), timer(jiffy, 10_000_000, 1000)),
            ((HIGH_RESOLUTION, 0), timer(1, 1_000_000_000, 100)),
        ]);
        Self {
            timers,
            instances: BTreeMap::new(),
            made: 0,
            waiting: Vec::new(),
            callbacks: VecDeque::new(),
            told: Vec::new(),
        }
    }

    pub(super) fn add_user_timer(&mut self, number: i32, resolution: u64) {
        let timer = Timer {
            resolution,
            max_ticks: 1,
            most: 1000,
            bound: Vec::new(),
            active: Vec::new(),
            sticks: 1,
            again: false,
            expiry: None,
        };
        self.timers.insert((USER_DRIVEN, number), timer);
    }

    /// Removes a user-driven timer under its users.
    pub(super) fn remove_user_timer(&mut self, number: i32, now: u64) {
        let key = (USER_DRIVEN, number);
        let bound = self.timers.get(&key).map(|timer| timer.bound.clone()).unwrap_or_default();
        for id in bound {
            let _idle = self.end(id, STOP, now);
            let Some(instance) = self.instances.get_mut(&id) else { continue };
            instance.timer = None;
            let slaves = std::mem::take(&mut instance.slaves);
            self.release(slaves);
        }
        self.timers.remove(&key);
    }

    pub(super) fn timer(&self, id: Id) -> Option<(Key, &Timer)> {
        let key = (id[3], id[4]);
        let timer = self.timers.get(&key).filter(|_| id[0] == CLASS_GLOBAL)?;
        Some((key, timer))
    }

    /// Returns how many instances are bound to a timer that are no slaves.
    pub(super) fn clients(&self, key: Key) -> usize {
        self.timers.get(&key).map_or(0, |timer| timer.bound.len())
    }

    pub(super) fn crowd(&self, key: Key) -> usize {
        self.instances.values().filter(|instance| instance.timer == Some(key)).count()
    }

    pub(super) fn resolution_of(&self, id: usize) -> Option<u64> {
        let key = self.instances.get(&id)?.timer?;
        self.timers.get(&key).map(|timer| timer.resolution)
    }

    /// Starts an instance with a number of ticks.
    pub(super) fn start(&mut self, id: usize, ticks: u64, now: u64) -> Done {
        if ticks < 1 {
            return Err(Errno::EINVAL);
        }
        self.begin(id, Some(ticks), now)
    }

    /// Starts an instance, or lets it go on where it paused.
    pub(super) fn begin(&mut self, id: usize, ticks: Option<u64>, now: u64) -> Done {
        let event = if ticks.is_some() { START } else { CONTINUE };
        let instance = self.instances.get_mut(&id).ok_or(Errno::EINVAL)?;
        if instance.slave {
            if instance.state != State::Idle {
                return Err(Errno::EBUSY);
            }
            instance.state = State::Running;
            if let Some(master) = instance.master {
                self.follow(master, id, now);
                self.notify(id, event);
            }
            return Ok(());
        }
        let key = instance.timer.ok_or(Errno::EINVAL)?;
        let timer = self.timers.get_mut(&key).ok_or(Errno::EINVAL)?;
        if instance.state != State::Idle {
            return Err(Errno::EBUSY);
        }
        if ticks.is_some_and(|ticks| timer.resolution.wrapping_mul(ticks) < SHORTEST) {
            return Err(Errno::EINVAL);
        }
        instance.gone = 0;
        match ticks {
            Some(ticks) => (instance.ticks, instance.left) = (ticks, ticks),
            None => instance.left = instance.left.max(1),
        }
        if instance.exact {
            instance.state = State::Running;
            let period = timer.resolution * instance.ticks;
            instance.grid = Some((now + period, period));
        } else {
            let runs = timer.active.iter().any(|other| {
                *other != id
                    && self.instances.get(other).is_some_and(|other| other.state == State::Running)
            });
            timer.active.push(id);
            let instance = self.instances.get_mut(&id).expect("found above");
            if runs {
                timer.again = true;
                instance.state = State::Pending;
            } else {
                instance.state = State::Running;
                if let Some(ticks) = ticks {
                    timer.sticks = ticks;
                }
                timer.program(key, now);
            }
        }
        self.notify(id, event);
        Ok(())
    }

    pub(super) fn pause(&mut self, id: usize, now: u64) -> Done {
        self.end(id, PAUSE, now)
    }

    pub(super) fn stop(&mut self, id: usize, now: u64) -> Done {
        self.end(id, STOP, now)
    }

    pub(super) fn end(&mut self, id: usize, event: u32, now: u64) -> Done {
        let instance = self.instances.get_mut(&id).ok_or(Errno::EINVAL)?;
        let state = instance.state;
        if instance.slave {
            instance.state = State::Idle;
            let master = instance.master;
            self.callbacks.retain(|other| *other != id);
            if let Some(master) = master {
                if let Some(master) = self.instances.get_mut(&master) {
                    master.active_slaves.retain(|other| *other != id);
                }
                if state != State::Idle {
                    self.notify(id, event);
                }
            }
            return if state == State::Idle { Err(Errno::EBUSY) } else { Ok(()) };
        }
        let key = instance.timer.ok_or(Errno::EINVAL)?;
        if state == State::Idle {
            return Err(Errno::EBUSY);
        }
        instance.state = State::Idle;
        instance.grid = None;
        instance.paused = event == PAUSE;
        if event == STOP {
            (instance.left, instance.gone) = (instance.ticks, 0);
        }
        self.callbacks.retain(|other| *other != id);
        if let Some(timer) = self.timers.get_mut(&key) {
            timer.active.retain(|other| *other != id);
        }
        if state == State::Running && !self.runs(key) {
            let timer = self.timers.get_mut(&key).expect("its timer");
            timer.expiry = None;
            if std::mem::take(&mut timer.again) && self.look_again(key, 0) {
                self.timers.get_mut(&key).expect("its timer").program(key, now);
            }
        }
        self.notify(id, event);
        Ok(())
    }

    fn runs(&self, key: Key) -> bool {
        self.timers[&key]
            .active
            .iter()
            .any(|id| self.instances.get(id).is_some_and(|one| one.state == State::Running))
    }

    /// Lets pending instances run, and takes the fewest ticks of all. Returns whether these are others than before.
    fn look_again(&mut self, key: Key, before: u64) -> bool {
        let active = self.timers[&key].active.clone();
        let mut fewest = None::<u64>;
        for id in active {
            let Some(instance) = self.instances.get_mut(&id) else { continue };
            if instance.state == State::Pending {
                instance.state = State::Running;
            }
            fewest = Some(fewest.map_or(instance.left, |fewest| fewest.min(instance.left)));
        }
        let timer = self.timers.get_mut(&key).expect("a timer that is there");
        let Some(fewest) = fewest else {
            timer.again = false;
            return false;
        };
        timer.sticks = fewest.min(timer.max_ticks);
        timer.sticks != before
    }

    /// Tells an instance's owner and its slaves of an event.
    fn notify(&mut self, id: usize, event: u32) {
        let starts = matches!(event, START | CONTINUE);
        let value = if starts { self.resolution_of(id).unwrap_or(0) } else { 0 };
        let instance = &self.instances[&id];
        if let Owner::File(file) = instance.owner {
            self.told.push((file, event, value));
        }
        for slave in &instance.active_slaves {
            if let Some(Owner::File(file)) = self.instances.get(slave).map(|slave| slave.owner) {
                self.told.push((file, event + OF_MASTER, value));
            }
        }
    }

    /// Returns when the next timer expires, or period of an exact queue ends.
    pub(super) fn next(&self) -> Option<(u64, Source)> {
        let timers = self
            .timers
            .iter()
            .filter_map(|(key, timer)| Some((timer.expiry?, Source::Timer(*key))));
        let grids = self.instances.iter().filter_map(|(id, instance)| {
            let (next, _) = instance.grid?;
            (!instance.active_slaves.is_empty()).then_some((next, Source::Grid(*id)))
        });
        timers.chain(grids).min_by_key(|(at, _)| *at)
    }

    /// Lets a timer expire.
    pub(super) fn interrupt(&mut self, key: Key, at: u64) {
        let Some(timer) = self.timers.get(&key) else { return };
        let gone = timer.sticks;
        for id in timer.active.clone() {
            let Some(instance) = self.instances.get_mut(&id) else { continue };
            if instance.state != State::Running {
                continue;
            }
            instance.gone = instance.gone.wrapping_add(gone);
            instance.left = instance.left.saturating_sub(gone);
            if instance.left > 0 {
                continue;
            }
            if instance.auto {
                instance.left = instance.ticks;
            } else {
                instance.state = State::Idle;
                let timer = self.timers.get_mut(&key).expect("found above");
                timer.active.retain(|other| *other != id);
            }
            self.call(id);
        }
        if self.timers[&key].again {
            self.look_again(key, gone);
        }
        let runs = self.runs(key);
        let timer = self.timers.get_mut(&key).expect("found above");
        if runs {
            timer.program(key, at);
        } else {
            timer.expiry = None;
        }
    }

    /// Ends a period of an exact queue that has slaves.
    pub(super) fn end_period(&mut self, id: usize) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        let Some((next, period)) = instance.grid else { return };
        instance.grid = Some((next + period, period));
        let (ticks, slaves) = (instance.ticks, instance.active_slaves.clone());
        self.call_slaves(ticks, slaves);
    }

    fn call(&mut self, id: usize) {
        self.callbacks.push_back(id);
        let instance = &self.instances[&id];
        let (gone, slaves) = (instance.gone, instance.active_slaves.clone());
        self.call_slaves(gone, slaves);
    }

    fn call_slaves(&mut self, gone: u64, slaves: Vec<usize>) {
        for slave in slaves {
            if let Some(instance) = self.instances.get_mut(&slave) {
                instance.gone = gone;
                self.callbacks.push_back(slave);
            }
        }
    }

    /// Returns the next callback that is due: whose it is, the resolution and the ticks.
    pub(super) fn callback(&mut self) -> Option<(Owner, u64, u64)> {
        loop {
            let id = self.callbacks.pop_front()?;
            let resolution = self.resolution_of(id).unwrap_or(0);
            if let Some(instance) = self.instances.get_mut(&id) {
                return Some((instance.owner, resolution, std::mem::take(&mut instance.gone)));
            }
        }
    }
}

/// What expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Timer(Key),
    Grid(usize),
}

impl Timer {
    /// Sets the timer to expire after its ticks. The system timer's are edges of a grid.
    fn program(&mut self, key: Key, at: u64) {
        self.expiry = match key.0 {
            SYSTEM => {
                let edge = (at / self.resolution).saturating_add(self.sticks);
                Some(edge.saturating_mul(self.resolution))
            }
            HIGH_RESOLUTION => Some(at.saturating_add(self.sticks.max(1))),
            _ => None,
        };
    }
}

impl World {
    /// Lets time pass until an instant: what is due before happens in the order of its instants. At one instant timers are
    /// first, so that a stepped queue has come as far as an exact one. A queue that has done all that one pass may do comes
    /// behind the others.
    pub(super) fn run_until(&mut self, end: u64) {
        let (mut instant, mut full) = (self.now, Vec::new());
        loop {
            let queues = self.queues.iter().filter_map(|(number, queue)| {
                Some((queue.next_instant(self.now)?, full.contains(number), *number))
            });
            let queue = queues.min_by_key(|(at, full, _)| (*at, *full));
            let queue = queue.filter(|(at, ..)| *at <= end);
            let timer = self.timers.next().filter(|(at, _)| *at <= end);
            match (queue, timer) {
                (Some((at, again, number)), other) if other.is_none_or(|(other, _)| at < other) => {
                    self.now = self.now.max(at);
                    if again || self.now != instant {
                        (instant, full) = (self.now, Vec::new());
                    }
                    if self.dispatch(number) {
                        full.push(number);
                    }
                }
                (_, Some((at, source))) => {
                    self.now = self.now.max(at);
                    match source {
                        Source::Timer(key) => self.timers.interrupt(key, at),
                        Source::Grid(id) => self.timers.end_period(id),
                    }
                    self.call_back();
                }
                (_, None) => break,
            }
        }
        self.now = self.now.max(end);
    }

    /// Makes the callbacks that are due.
    pub(super) fn call_back(&mut self) {
        while let Some((owner, resolution, ticks)) = self.timers.callback() {
            match owner {
                Owner::File(file) => self.file_ticks(file, resolution, ticks),
                Owner::Queue(number) => {
                    let now = self.now;
                    let Some(queue) = self.queues.get_mut(&number).filter(|queue| queue.running)
                    else {
                        continue;
                    };
                    queue.step(resolution.saturating_mul(ticks), now);
                    self.dispatch(number);
                }
            }
        }
    }
}
