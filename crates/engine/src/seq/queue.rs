//! A queue: events that wait for their time, and who may do what with it.

use super::prioq::{Cell, PrioQueue, Removed};
use super::tempo::{Position, QueueTimer};
use crate::Time;
use crate::name::Name;
use crate::timer::Timers;
use aseqd_abi::Event;
use aseqd_abi::event::{EventFlags, EventTime, EventType};
use aseqd_abi::seq::{RemoveEvents, RemoveMode};

/// Maximum number of events that one dispatch pass delivers; the rest waits for the next. Linux has
/// the same bound.
#[doc(alias = "MAX_CELL_PROCESSES_IN_QUEUE")]
pub(crate) const MAX_CELLS_PER_PASS: usize = 1000;

#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Queue {
    pub(crate) number: u8,
    pub(crate) owner: u8,
    pub(crate) locked: bool,
    #[cfg_attr(feature = "serde", serde(with = "crate::state::plain"))]
    pub(crate) name: Name,
    users: Users,
    /// Events due at a tick.
    pub(crate) ticks: PrioQueue,
    /// Events due at a real time.
    pub(crate) times: PrioQueue,
    pub(crate) timer: QueueTimer,
    /// Whether a dispatch pass is running.
    pub(crate) dispatching: bool,
    /// Whether something was queued during it.
    pub(crate) again: bool,
}

impl Queue {
    pub(crate) fn new(number: u8, owner: u8, locked: bool, name: Name) -> Self {
        Self {
            number,
            owner,
            locked,
            name,
            users: Users::default(),
            ticks: PrioQueue::default(),
            times: PrioQueue::default(),
            timer: QueueTimer::new(number),
            dispatching: false,
            again: false,
        }
    }

    /// Returns whether a client may control the queue.
    pub(crate) const fn controllable_by(&self, client: u8) -> bool {
        self.owner == client || !self.locked
    }

    pub(crate) fn used_by(&self, client: u8) -> bool {
        self.users.contains(client)
    }

    /// Marks a client as a user of the queue, or not. The first user opens the timer, and the last
    /// one closes it. Marking the only user, even again, resets tempo and timer.
    pub(crate) fn set_used(&mut self, timers: &mut Timers, now: Time, client: u8, used: bool) {
        self.users.set(client, used);
        if self.users.count() == 0 {
            self.timer.close(timers, now);
            return;
        }
        if used && self.users.count() == 1 {
            self.timer.set_defaults(now);
        }
        // As on Linux, a queue whose timer cannot be opened has none, and the call succeeds.
        let _without = self.timer.open(timers, now);
    }

    /// Returns the number of events that wait, in both lists.
    pub(crate) fn events(&self) -> i32 {
        i32::try_from(self.ticks.len() + self.times.len()).unwrap_or(i32::MAX)
    }

    /// Adds an event with an absolute time to its list.
    pub(crate) fn insert(&mut self, cell: Cell) {
        if cell.event.flags.contains(EventFlags::REAL_TIME) {
            self.times.insert(cell);
        } else {
            self.ticks.insert(cell);
        }
    }

    /// Makes a relative time absolute, for a queue that is at `position`.
    pub(crate) fn make_absolute(position: Position, event: &mut Event) {
        if !event.flags.contains(EventFlags::RELATIVE) {
            return;
        }
        if event.flags.contains(EventFlags::REAL_TIME) {
            event.time = add_real(event.time, position.real_time());
        } else {
            event.time.tick_or_sec = event.time.tick_or_sec.wrapping_add(position.tick);
        }
        event.flags.remove(EventFlags::RELATIVE);
    }

    /// Returns when the next event is due, if the queue moves.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let tick = self
            .ticks
            .first_key()
            .and_then(|key| self.timer.tick_deadline(u32::try_from(key).unwrap_or(u32::MAX)));
        let time = self.times.first_key().and_then(|key| self.timer.real_deadline(key));
        match (tick, time) {
            (Some(tick), Some(time)) => Some(tick.min(time)),
            (tick, time) => tick.or(time),
        }
    }

    /// Begins a dispatch pass. A fast queue may have wrapped in the nanosecond in which an event was due: that event waits for the
    /// next time, and its deadline must not stay in the past.
    pub(crate) fn begin_pass(&mut self, at: Time) {
        self.dispatching = true;
        self.timer.refresh(at);
    }

    /// Returns whether an event is due at a position.
    pub(crate) fn is_due(&self, position: Position) -> bool {
        self.ticks.first_key().is_some_and(|key| key <= u64::from(position.tick))
            || self
                .times
                .first_key()
                .is_some_and(|key| key <= PrioQueue::real_key(position.real_time()))
    }

    /// Removes all events.
    pub(crate) fn remove_all(&mut self, removed: &mut Removed) {
        self.ticks.remove_if(removed, |_| true);
        self.times.remove_if(removed, |_| true);
    }

    /// Removes those events from a client for which `wanted` returns true.
    pub(crate) fn remove_sent_by(
        &mut self,
        client: u8,
        removed: &mut Removed,
        mut wanted: impl FnMut(&Event) -> bool,
    ) {
        self.ticks.remove_sent_by(client, removed, &mut wanted);
        self.times.remove_sent_by(client, removed, &mut wanted);
    }

    /// Marks a client's events as special. Returns how many were not yet.
    pub(crate) fn mark_sent_by(&mut self, client: u8) -> usize {
        self.ticks.mark_sent_by(client) + self.times.mark_sent_by(client)
    }

    /// Removes all events for a client.
    pub(crate) fn remove_sent_to(&mut self, client: u8, removed: &mut Removed) {
        self.ticks.remove_sent_to(client, removed);
        self.times.remove_sent_to(client, removed);
    }

    /// Removes what START clears: the events from and to the client that starts, and every event
    /// with a time other than zero.
    pub(crate) fn remove_for_start(&mut self, client: u8, removed: &mut Removed) {
        let own = |event: &Event| event.source.client == client || event.dest.client == client;
        self.ticks.remove_if(removed, |event| own(event) || event.time.tick_or_sec != 0);
        self.times.remove_if(removed, |event| own(event) || event.time != EventTime::default());
    }
}

/// Adds two real times. The nanoseconds are carried if both parts are below 2 s; the seconds wrap.
pub(crate) const fn add_real(left: EventTime, right: EventTime) -> EventTime {
    let mut sec = left.tick_or_sec.wrapping_add(right.tick_or_sec);
    let mut nsec = left.nsec.wrapping_add(right.nsec);
    while nsec >= 1_000_000_000 {
        sec = sec.wrapping_add(1);
        nsec -= 1_000_000_000;
    }
    EventTime::real(sec, nsec)
}

/// Returns whether `REMOVE_EVENTS` means this event of the calling client.
pub(crate) fn remove_matches(info: &RemoveEvents, event: &Event) -> bool {
    let mode = RemoveMode::from_bits_retain(info.remove_mode);
    if mode.contains(RemoveMode::DEST) && event.dest != info.dest {
        return false;
    }
    if mode.contains(RemoveMode::DEST_CHANNEL)
        && !(event.event_type.is_channel() && event.data.0[0] == info.channel)
    {
        return false;
    }
    // The field is compared as the caller asks, whatever kind of time the event has.
    let not_before = if mode.contains(RemoveMode::TIME_TICK) {
        event.time.tick_or_sec >= info.time.tick_or_sec
    } else {
        PrioQueue::real_key(event.time) >= PrioQueue::real_key(info.time)
    };
    if mode.contains(RemoveMode::TIME_BEFORE) && not_before {
        return false;
    }
    if mode.contains(RemoveMode::TIME_AFTER) && !not_before {
        return false;
    }
    if mode.contains(RemoveMode::EVENT_TYPE) && i32::from(event.event_type.0) != info.event_type {
        return false;
    }
    if mode.contains(RemoveMode::IGNORE_OFF) && event.event_type == EventType::NOTEOFF {
        return false;
    }
    !mode.contains(RemoveMode::TAG_MATCH) || event.tag == info.tag
}

/// A set of client numbers.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Users([u64; 3]);

impl Users {
    fn contains(&self, client: u8) -> bool {
        self.0.get(usize::from(client / 64)).is_some_and(|word| word & (1 << (client % 64)) != 0)
    }

    fn set(&mut self, client: u8, used: bool) {
        if let Some(word) = self.0.get_mut(usize::from(client / 64)) {
            let bit = 1 << (client % 64);
            *word = if used { *word | bit } else { *word & !bit };
        }
    }

    fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}
