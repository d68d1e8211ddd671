//! A queue of the model: its clock, and what waits in it.

use super::record::{PRIORITY, Record, low32};
use super::timers::Id;
use std::collections::BTreeSet;

/// The skew, and its base, of a queue that runs at the speed of the clock.
pub(super) const SKEW_BASE: u32 = 0x1_0000;
pub(super) const SECOND: u64 = 1_000_000_000;
/// Real time has 32 bits of seconds.
pub(super) const REAL_TIMES: u64 = SECOND << 32;
/// The default timer: global, high resolution.
const DEFAULT_TIMER: Id = [1, 0, -1, 3, 0];

/// A queue.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) owner: u8,
    pub(super) locked: bool,
    pub(super) name: [u8; 64],
    pub(super) users: BTreeSet<u8>,
    /// Events by tick and by real time, in the order in which they are due.
    pub(super) waiting: [Vec<Record>; 2],
    pub(super) dispatching: bool,
    pub(super) again: bool,

    pub(super) running: bool,
    pub(super) initialized: bool,
    pub(super) tempo: u32,
    pub(super) ppq: u32,
    pub(super) base: u32,
    pub(super) tick_ns: u64,
    pub(super) skew: u32,
    pub(super) id: Id,
    pub(super) frequency: u32,
    /// Whether a program chose the timer.
    pub(super) chosen: bool,
    /// Its instance of a timer.
    pub(super) instance: Option<usize>,
    /// Whether it moves by the callbacks of its instance.
    pub(super) stepped: bool,
    /// Whether its clock moves by itself.
    pub(super) ticking: bool,
    /// How many ticks of the timer a period has.
    pub(super) period: u64,
    /// The queue number of its instance.
    pub(super) shown: i32,
    /// The instant at which the position was this:
    pub(super) anchor: u64,
    pub(super) tick: u32,
    pub(super) fraction: u64,
    pub(super) nanos: u64,
}

/// A position: ticks, and nanoseconds of real time.
pub(super) type Position = (u32, u64);

impl Queue {
    pub(super) fn new(owner: u8, locked: bool, name: [u8; 64]) -> Self {
        let mut queue = Self {
            owner,
            locked,
            name,
            users: BTreeSet::new(),
            waiting: [Vec::new(), Vec::new()],
            dispatching: false,
            again: false,
            running: false,
            initialized: false,
            tempo: 0,
            ppq: 1,
            base: 0,
            tick_ns: 1,
            skew: SKEW_BASE,
            id: DEFAULT_TIMER,
            frequency: 0,
            chosen: false,
            instance: None,
            stepped: false,
            ticking: false,
            period: 0,
            shown: -1,
            anchor: 0,
            tick: 0,
            fraction: 0,
            nanos: 0,
        };
        queue.reset_settings(0);
        queue
    }

    /// Returns the events that wait.
    pub(super) fn events(&self) -> impl Iterator<Item = &Record> {
        self.waiting.iter().flatten()
    }

    /// Keeps only some events.
    pub(super) fn retain(&mut self, keep: impl Fn(&Record) -> bool) {
        self.waiting.iter_mut().for_each(|list| list.retain(&keep));
    }

    pub(super) const fn moves(&self) -> bool {
        self.running && self.ticking && !self.stepped
    }

    pub(super) fn skewed(&self, nanos: u64) -> u64 {
        let scaled = u128::from(nanos) * u128::from(self.skew) / u128::from(SKEW_BASE);
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }

    /// Returns the position at an instant.
    pub(super) fn position(&self, now: u64) -> Position {
        let elapsed = if self.moves() { self.skewed(now - self.anchor) } else { 0 };
        let ticks = self.fraction.saturating_add(elapsed) / self.tick_ns;
        (self.tick.wrapping_add(low32(ticks)), self.nanos.saturating_add(elapsed) % REAL_TIMES)
    }

    /// Returns the position as programs see it.
    pub(super) fn shown(&self, now: u64) -> Position {
        let (tick, nanos) = self.position(now);
        if self.running && !self.moves() {
            return (tick, self.nanos.saturating_add(now - self.anchor) % REAL_TIMES);
        }
        (tick, nanos)
    }

    /// Makes the position of now the one from which the next is computed.
    pub(super) fn settle(&mut self, now: u64) {
        if self.moves() {
            let elapsed = self.skewed(now - self.anchor);
            self.move_on(elapsed);
            self.anchor = now;
        }
        if !self.running {
            self.anchor = now;
        }
    }

    /// Moves on, to the end of 64 bits at most: the fastest skew comes there within a jump of the clock.
    pub(super) fn move_on(&mut self, nanos: u64) {
        self.fraction = self.fraction.saturating_add(nanos);
        self.tick = self.tick.wrapping_add(low32(self.fraction / self.tick_ns));
        self.fraction %= self.tick_ns;
        self.nanos = self.nanos.saturating_add(nanos) % REAL_TIMES;
    }

    /// Moves a stepped queue by a callback.
    pub(super) fn step(&mut self, nanos: u64, now: u64) {
        if self.running && self.stepped {
            self.move_on(self.skewed(nanos));
            self.anchor = now;
        }
    }

    pub(super) fn reset_settings(&mut self, now: u64) {
        self.settle(now);
        (self.tempo, self.ppq, self.base, self.skew) = (500_000, 96, 1000, SKEW_BASE);
        self.new_tick_length();
        self.running = false;
        (self.id, self.frequency, self.chosen) = (DEFAULT_TIMER, 0, false);
    }

    pub(super) fn new_tick_length(&mut self) {
        let (tempo, ppq, base) = (u64::from(self.tempo), u64::from(self.ppq), u64::from(self.base));
        let length = if tempo < 1_000_000 {
            tempo * base / ppq
        } else {
            (tempo / ppq) * base + u64::from(low32((tempo % ppq) * base)) / ppq
        };
        self.tick_ns = u64::from(low32(length)).max(1);
        self.move_on(0);
    }

    /// Returns the instant at which something that waits is due; nothing if the clock does not come there.
    pub(super) fn next_instant(&self, now: u64) -> Option<u64> {
        if !self.moves() {
            return None;
        }
        let elapsed = self.skewed(now - self.anchor);
        let (tick, nanos) = self.position(now);
        // The instant at which the clock is so far from its last settled position.
        let at = |distance: u64| {
            let nanos = (u128::from(distance) << 16).div_ceil(u128::from(self.skew.max(1)));
            let nanos = u64::try_from(nanos).ok().filter(|_| self.skew > 0)?;
            self.anchor.checked_add(nanos).map(|instant| instant.max(now))
        };
        let tick = self.waiting[0].first().and_then(|event| {
            if event.time() <= tick {
                return Some(now);
            }
            let gone = self.fraction.saturating_add(elapsed) / self.tick_ns;
            let ticks = gone.saturating_add(u64::from(event.time() - tick));
            at(ticks.saturating_mul(self.tick_ns).saturating_sub(self.fraction))
        });
        let time = self.waiting[1].first().and_then(|event| {
            let due = due_nanos(event);
            if due >= REAL_TIMES {
                None
            } else if due <= nanos {
                Some(now)
            } else {
                at(elapsed.saturating_add(due - nanos))
            }
        });
        tick.into_iter().chain(time).min()
    }

    /// Returns whether the first event of a list is due at a position.
    pub(super) fn is_due(&self, real: usize, (tick, nanos): Position) -> bool {
        self.waiting[real].first().is_some_and(|event| {
            if real == 0 { event.time() <= tick } else { due_nanos(event) <= nanos }
        })
    }

    /// Puts an event where it belongs: behind all that are not later, or with priority before all that are not earlier.
    pub(super) fn insert(&mut self, event: Record) {
        let real = usize::from(event.is_real());
        let key = |event: &Record| (event.time(), if real == 1 { event.nsec() } else { 0 });
        let first = event.flags() & PRIORITY != 0;
        let list = &mut self.waiting[real];
        let later = |other: &Record| {
            if first { key(other) >= key(&event) } else { key(other) > key(&event) }
        };
        let at = list.iter().position(later).unwrap_or(list.len());
        list.insert(at, event);
    }

    /// Sets the position to 0.
    pub(super) fn rewind(&mut self) {
        (self.tick, self.fraction, self.nanos) = (0, 0, 0);
    }
}

/// Returns the real time, in nanoseconds, from which on an event is due. Seconds count first, so too many nanoseconds
/// wait for the next second.
fn due_nanos(event: &Record) -> u64 {
    let (sec, nsec) = (u64::from(event.time()), u64::from(event.nsec()));
    if nsec >= SECOND { (sec + 1) * SECOND } else { sec * SECOND + nsec }
}

pub(super) fn real_time((_, nanos): Position) -> (u32, u32) {
    (low32(nanos / SECOND), low32(nanos % SECOND))
}
