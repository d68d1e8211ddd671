//! The timers of `/dev/snd/timer`, the instances that are bound to them, and what happens to all of
//! them.
//!
//! A *timer* counts its own ticks. An *instance* is bound to a timer, or follows another instance
//! as its slave. It belongs to an open file, here called a *handle*, or to a queue of the
//! sequencer. A handle keeps *records* of what its instance reports, for the program to read.

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

/// Maximum number of ticks for which the system timer can be programmed.
const SYSTEM_MAX_TICKS: u64 = 10_000_000;
/// Number of callbacks and of ready files for which memory is reserved from the start.
const RESERVED_ENTRIES: usize = 256;
const NANOSECONDS: u64 = 1_000_000_000;

/// The identity of a timer. All timers are global, and ordered as Linux lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct TimerKey {
    device: i32,
    subdevice: i32,
}

impl TimerKey {
    const SYSTEM: Self = Self { device: uapi::GLOBAL_SYSTEM, subdevice: 0 };
    const HRTIMER: Self = Self { device: uapi::GLOBAL_HRTIMER, subdevice: 0 };

    /// Returns the key of an id. As on Linux, card and slave class do not count for a global timer.
    fn of(id: &TimerId) -> Option<Self> {
        let key = Self { device: id.device, subdevice: id.subdevice };
        (id.dev_class == uapi::CLASS_GLOBAL).then_some(key)
    }

    /// Returns the id as Linux reports it.
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Drive {
    /// Time in whole jiffies: programmed for some of them, the timer expires at the edge of one.
    Jiffies,
    /// Time to the nanosecond.
    HighResolution,
    /// A program, by `TRIGGER`.
    User,
}

/// One timer.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Timer {
    drive: Drive,
    /// Its short name, as programs and `/proc` show it.
    pub(crate) id: String,
    /// The length of a tick, in nanoseconds.
    pub(crate) resolution: u64,
    /// Maximum number of ticks for which it can be programmed.
    max_ticks: u64,
    max_instances: usize,
    /// The bound instances, oldest first, without slaves.
    instances: Vec<InstanceId>,
    /// Number of bound instances and their linked slaves.
    bound: usize,
    /// The pending and running instances, in the order in which they started.
    active: Vec<InstanceId>,
    /// How many of the active instances run.
    running: usize,
    /// The number of ticks for which it is programmed.
    sticks: u64,
    /// Whether an instance joined while the timer ran: every interrupt must then find out what to
    /// program.
    reschedule: bool,
    /// Whether what to program differs from what is programmed.
    changed: bool,
    /// When it expires.
    expiry: Option<Time>,
    /// Whether the interrupt of the high-resolution timer is being handled. Its end programs the
    /// timer.
    in_interrupt: bool,
}

impl Timer {
    /// Returns its long name, which a timer that a program drives has not.
    pub(crate) const fn name(&self) -> &'static str {
        match self.drive {
            Drive::Jiffies => "system timer",
            Drive::HighResolution => "HR timer",
            Drive::User => "",
        }
    }

    fn new(drive: Drive, id: String, resolution: u64) -> Self {
        let (max_ticks, max_instances) = match drive {
            Drive::Jiffies => (SYSTEM_MAX_TICKS, MAX_INSTANCES),
            Drive::HighResolution => (NANOSECONDS / resolution, MAX_HRTIMER_INSTANCES),
            Drive::User => (1, MAX_INSTANCES),
        };
        Self {
            drive,
            id,
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Handle(usize);

/// All timers, instances and handles.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Timers {
    config: Config,
    timers: BTreeMap<TimerKey, Timer>,
    instances: Vec<Option<Instance>>,
    /// Number of instances.
    bound: usize,
    /// How many instances have been bound to timers so far.
    opened: u64,
    /// The instances of exact queues.
    exact: Vec<InstanceId>,
    /// Slaves without a master, in the order in which they began to wait.
    waiting: Vec<InstanceId>,
    /// Number of slaves.
    slaves: usize,
    handles: Vec<Option<UserHandle>>,
    /// The instances whose callback is due, in order.
    callbacks: VecDeque<Callback>,
    /// Files to report as ready, each at most once.
    ready: VecDeque<FileId>,
}

impl Timers {
    pub(crate) fn new(config: Config) -> Self {
        let jiffies = Timer::new(Drive::Jiffies, "system".into(), config.jiffy_ns());
        let hrtimer = Timer::new(Drive::HighResolution, "hrtimer".into(), 1);
        Self {
            config,
            timers: [(TimerKey::SYSTEM, jiffies), (TimerKey::HRTIMER, hrtimer)].into(),
            instances: Vec::new(),
            bound: 0,
            opened: 0,
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

    /// Returns the timer of an instance: a slave's is that of its master.
    pub(crate) fn timer_of(&self, id: InstanceId) -> Option<&Timer> {
        self.timers.get(&self.instance(id)?.timer?)
    }

    fn instance(&self, id: InstanceId) -> Option<&Instance> {
        self.instances.get(id.0)?.as_ref()
    }

    fn instance_mut(&mut self, id: InstanceId) -> Option<&mut Instance> {
        self.instances.get_mut(id.0)?.as_mut()
    }

    /// Takes the next file that may be ready.
    pub(crate) fn take_ready(&mut self) -> Option<FileId> {
        let file = self.ready.pop_front()?;
        if let Some(handle) = self.handles.iter_mut().flatten().find(|handle| handle.file == file) {
            handle.told = false;
        }
        Some(file)
    }
}

/// Returns the short name of a user-driven timer.
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
