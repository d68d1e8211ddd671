//! The timers of `/dev/snd/timer`, those who are bound to them, and what happens to them as a whole.
//!
//! A *timer* counts its own ticks. An *instance* is bound to a timer, or follows another instance as
//! its slave; it belongs to an open file, here a *handle*, or to a queue of the sequencer. A handle
//! keeps *records* of what its instance told it, for the program to read.

mod handle;
mod instance;
pub(crate) mod ioctl;
pub(crate) mod proc;
mod run;
mod tick;
mod user;

pub(crate) use instance::{Instance, InstanceId};
pub(crate) use tick::{Expiry, Outlook, QueueStep};

use crate::contract::FileId;
use crate::limits::{MAX_HRTIMER_INSTANCES, MAX_INSTANCES};
use crate::{Config, Time};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use aseqd_abi::timer::{self as uapi, TimerId};
use handle::UserHandle;
use tick::Callback;

/// Ticks for which the system timer can be programmed at once.
const SYSTEM_MAX_TICKS: u64 = 10_000_000;
/// Callbacks and files at a time for which there is room from the start.
const RESERVED_ENTRIES: usize = 256;
const NANOSECONDS: u64 = 1_000_000_000;

/// Which timer. All of ours are global, and ordered as Linux lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey {
    device: i32,
    subdevice: i32,
}

impl TimerKey {
    const SYSTEM: Self = Self { device: uapi::GLOBAL_SYSTEM, subdevice: 0 };
    const HRTIMER: Self = Self { device: uapi::GLOBAL_HRTIMER, subdevice: 0 };

    /// As Linux looks a timer up: of a global one neither card nor slave class count.
    fn of(id: &TimerId) -> Option<Self> {
        let key = Self { device: id.device, subdevice: id.subdevice };
        (id.dev_class == uapi::CLASS_GLOBAL).then_some(key)
    }

    /// As Linux reports it.
    const fn id(self) -> TimerId {
        TimerId {
            dev_class: uapi::CLASS_GLOBAL,
            dev_sclass: uapi::SCLASS_NONE,
            card: -1,
            device: self.device,
            subdevice: self.subdevice,
        }
    }
}

/// What makes a timer tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drive {
    /// Time, in whole jiffies: programmed for a number of them, it expires at the edge of one.
    Jiffies,
    /// Time, to the nanosecond.
    HighResolution,
    /// A program, by TRIGGER.
    User,
}

/// One timer.
#[derive(Debug)]
pub(crate) struct Timer {
    drive: Drive,
    /// Identification and name.
    pub(crate) id: String,
    pub(crate) name: &'static str,
    /// Length of a tick in nanoseconds.
    pub(crate) resolution: u64,
    /// Ticks for which it can be programmed at once.
    max_ticks: u64,
    max_instances: usize,
    /// Bound instances, oldest first; slaves are not among them.
    instances: Vec<InstanceId>,
    /// Bound instances and their linked slaves.
    bound: usize,
    /// Pending and running instances, in the order of starting.
    active: Vec<InstanceId>,
    /// How many of them run.
    running: usize,
    /// Ticks for which it is programmed.
    sticks: u64,
    /// An instance joined while it ran: what to program is to be found anew at every interrupt.
    reschedule: bool,
    /// What to program differs from what is programmed.
    changed: bool,
    /// When it expires.
    expiry: Option<Time>,
    /// The interrupt of the high-resolution timer is being handled, which programs it at its end.
    in_interrupt: bool,
}

impl Timer {
    fn new(drive: Drive, id: String, name: &'static str, resolution: u64) -> Self {
        let (max_ticks, max_instances) = match drive {
            Drive::Jiffies => (SYSTEM_MAX_TICKS, MAX_INSTANCES),
            Drive::HighResolution => (NANOSECONDS / resolution, MAX_HRTIMER_INSTANCES),
            Drive::User => (1, MAX_INSTANCES),
        };
        Self {
            drive,
            id,
            name,
            resolution,
            max_ticks,
            max_instances,
            instances: Vec::new(),
            bound: 0,
            active: Vec::new(),
            running: 0,
            sticks: 1,
            reschedule: false,
            changed: false,
            expiry: None,
            in_interrupt: false,
        }
    }
}

/// An open file of the timer device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle(usize);

/// All timers, instances and handles.
#[derive(Debug)]
pub(crate) struct Timers {
    config: Config,
    timers: BTreeMap<TimerKey, Timer>,
    instances: Vec<Option<Instance>>,
    /// How many there are.
    bound: usize,
    /// Instances of exact queues.
    exact: Vec<InstanceId>,
    /// Slaves without a master, in the order in which they began to wait.
    waiting: Vec<InstanceId>,
    /// All slaves.
    slaves: usize,
    handles: Vec<Option<UserHandle>>,
    /// Instances whose callback is due, in order.
    callbacks: VecDeque<Callback>,
    /// Files to tell about, each at most once.
    ready: VecDeque<FileId>,
}

impl Timers {
    pub(crate) fn new(config: Config) -> Self {
        let jiffies =
            Timer::new(Drive::Jiffies, "system".into(), "system timer", config.jiffy_ns());
        let hrtimer = Timer::new(Drive::HighResolution, "hrtimer".into(), "HR timer", 1);
        Self {
            config,
            timers: [(TimerKey::SYSTEM, jiffies), (TimerKey::HRTIMER, hrtimer)].into(),
            instances: Vec::new(),
            bound: 0,
            exact: Vec::new(),
            waiting: Vec::new(),
            slaves: 0,
            handles: Vec::new(),
            callbacks: VecDeque::with_capacity(RESERVED_ENTRIES),
            ready: VecDeque::with_capacity(RESERVED_ENTRIES),
        }
    }

    pub(crate) const fn config(&self) -> Config {
        self.config
    }

    fn find(&self, id: &TimerId) -> Option<&Timer> {
        self.timers.get(&TimerKey::of(id)?)
    }

    /// The timer that an instance is bound to, a slave through its master.
    pub(crate) fn timer_of(&self, id: InstanceId) -> Option<&Timer> {
        self.timers.get(&self.instance(id)?.timer?)
    }

    fn instance(&self, id: InstanceId) -> Option<&Instance> {
        self.instances.get(id.0)?.as_ref()
    }

    fn instance_mut(&mut self, id: InstanceId) -> Option<&mut Instance> {
        self.instances.get_mut(id.0)?.as_mut()
    }

    /// Takes a file that the driver shall look at again.
    pub(crate) fn take_ready(&mut self) -> Option<FileId> {
        let file = self.ready.pop_front()?;
        if let Some(handle) = self.handles.iter_mut().flatten().find(|handle| handle.file == file) {
            handle.told = false;
        }
        Some(file)
    }
}

/// Name of a user-driven timer.
fn user_timer_id(number: u8) -> String {
    format!("snd-utimer{number}")
}

/// Puts a value in the first free place of a table.
fn insert<T>(table: &mut Vec<Option<T>>, value: T) -> usize {
    if let Some(place) = table.iter().position(Option::is_none) {
        table[place] = Some(value);
        return place;
    }
    table.push(Some(value));
    table.len() - 1
}
