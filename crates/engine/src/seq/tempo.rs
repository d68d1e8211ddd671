//! The clock of a queue: tempo, position, and when a position will be reached.
//!
//! The kernel advances a queue by a fixed step at every period of a timer, 1 ms by default. Ours
//! has no period: the position is a function of the time since an anchor, and the instant at which
//! a position is reached is computed. So an event is delivered exactly when it is due, and an idle
//! queue costs nothing. A queue whose timer a program has chosen steps like the kernel's: see
//! `stepper.rs`.

use crate::timer::InstanceId;
use crate::{Error, Time};
use aseqd_abi::Errno;
use aseqd_abi::event::EventTime;
use aseqd_abi::timer::{self, TimerId};

/// The skew of a queue that runs at the speed of the clock.
pub(crate) const SKEW_BASE: u32 = 0x10000;
/// The tempo of a new queue, in microseconds of a quarter: 120 quarters a minute.
pub(crate) const DEFAULT_TEMPO: u32 = 500_000;
/// The resolution of a new queue, in ticks of a quarter.
pub(crate) const DEFAULT_PPQ: u32 = 96;
/// The unit of a new queue's tempo, in nanoseconds.
pub(crate) const DEFAULT_TEMPO_BASE: u16 = 1000;
/// The real time at which a queue wraps, in nanoseconds: seconds have 32 bits.
const REAL_TIME_MODULUS: u64 = (1 << 32) * NANOSECONDS;
const NANOSECONDS: u64 = 1_000_000_000;

/// The timer that a new queue asks for on the reference kernel: the global high-resolution timer.
/// Opening it sets its slave class to that of the sequencer.
pub(crate) const DEFAULT_TIMER: TimerId = TimerId {
    dev_class: timer::CLASS_GLOBAL,
    dev_sclass: timer::SCLASS_NONE,
    card: -1,
    device: timer::GLOBAL_HRTIMER,
    subdevice: 0,
};

/// The position of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) tick: u32,
    /// Real time in nanoseconds.
    pub(crate) nanoseconds: u64,
}

impl Position {
    /// Returns the real time as seconds and nanoseconds.
    pub(crate) const fn real_time(self) -> EventTime {
        let nanoseconds = self.nanoseconds % REAL_TIME_MODULUS;
        #[expect(clippy::cast_possible_truncation, reason = "reduced by the modulus")]
        EventTime::real((nanoseconds / NANOSECONDS) as u32, (nanoseconds % NANOSECONDS) as u32)
    }
}

/// A queue's clock.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct QueueTimer {
    pub(crate) running: bool,
    /// The number of the queue.
    pub(super) queue: u8,
    /// The number that names its instance: -1 for an instance that was opened before the queue had
    /// its number.
    pub(super) shown_number: i32,
    /// Whether the queue has been started or continued once.
    pub(super) initialized: bool,
    /// The instance that is open for this queue.
    pub(super) instance: Option<InstanceId>,
    /// Whether a program has chosen the timer.
    pub(super) explicit: bool,
    /// Whether the queue moves by callbacks of its instance. The anchor is then the last of them.
    pub(super) stepped: bool,
    /// Whether the timer of an exact queue ticks. A queue can be running without it: its position
    /// then stands still.
    pub(super) ticking: bool,
    pub(crate) tempo: u32,
    pub(crate) ppq: u32,
    pub(crate) tempo_base: u16,
    /// Length of a tick in nanoseconds.
    tick_ns: u32,
    pub(crate) skew: u32,
    /// The timer that was asked for.
    #[cfg_attr(feature = "serde", serde(with = "crate::state::plain"))]
    pub(crate) id: TimerId,
    /// The frequency that was asked for, in Hz; 0 for the default.
    pub(crate) frequency: u32,
    /// Number of timer ticks in the period with which the kernel would step, for `/proc`. It is
    /// computed when the queue starts, so it may not fit a timer that was opened since.
    pub(super) timer_ticks: u64,
    /// The time at which the queue was at the position below.
    pub(super) anchor: Time,
    tick: u32,
    /// Nanoseconds into the tick.
    fraction: u64,
    /// What the skew has left over at the anchor, in parts of [`SKEW_BASE`] of a nanosecond.
    parts: u16,
    nanoseconds: u64,
}

impl QueueTimer {
    pub(crate) fn new(queue: u8) -> Self {
        let mut timer = Self {
            running: false,
            queue,
            shown_number: -1,
            initialized: false,
            instance: None,
            explicit: false,
            stepped: false,
            ticking: false,
            tempo: 0,
            ppq: 0,
            tempo_base: 0,
            tick_ns: 1,
            skew: SKEW_BASE,
            id: DEFAULT_TIMER,
            frequency: 0,
            timer_ticks: 0,
            anchor: Time(0),
            tick: 0,
            fraction: 0,
            parts: 0,
            nanoseconds: 0,
        };
        timer.set_defaults(Time(0));
        timer
    }

    /// Resets tempo, skew, timer and the running flag to those of a new queue. The position stays.
    pub(crate) fn set_defaults(&mut self, now: Time) {
        self.advance_to(now);
        self.ppq = DEFAULT_PPQ;
        self.tempo = DEFAULT_TEMPO;
        self.tempo_base = DEFAULT_TEMPO_BASE;
        self.update_tick_length();
        self.running = false;
        self.id = DEFAULT_TIMER;
        self.explicit = false;
        self.frequency = 0;
        self.skew = SKEW_BASE;
    }

    /// Chooses the timer to open next.
    pub(crate) const fn choose(&mut self, id: TimerId, frequency: u32) {
        self.id = id;
        self.frequency = frequency;
        self.explicit = true;
    }

    const fn moves(&self) -> bool {
        self.running && self.ticking && !self.stepped
    }

    /// Returns how far the queue's clock went since the anchor, in nanoseconds.
    fn elapsed(&self, now: Time) -> u64 {
        if !self.moves() {
            return 0;
        }
        if self.skew == SKEW_BASE {
            return now - self.anchor;
        }
        u64::try_from(self.elapsed_parts(now) >> 16).unwrap_or(u64::MAX)
    }

    /// Returns the same in parts of [`SKEW_BASE`] of a nanosecond, for a queue that moves.
    fn elapsed_parts(&self, now: Time) -> u128 {
        u128::from(now - self.anchor) * u128::from(self.skew) + u128::from(self.parts)
    }

    /// Returns how far the queue's clock goes while this many nanoseconds pass.
    pub(super) fn skewed(&self, nanoseconds: u64) -> u64 {
        if self.skew == SKEW_BASE {
            return nanoseconds;
        }
        let scaled = u128::from(nanoseconds) * u128::from(self.skew);
        u64::try_from(scaled >> 16).unwrap_or(u64::MAX)
    }

    /// Returns the position at `now`.
    #[expect(clippy::cast_possible_truncation, reason = "ticks wrap at 32 bits, as the kernel's")]
    pub(crate) fn position(&self, now: Time) -> Position {
        let elapsed = self.elapsed(now);
        let ticks = self.fraction.saturating_add(elapsed) / u64::from(self.tick_ns);
        Position {
            tick: self.tick.wrapping_add(ticks as u32),
            nanoseconds: self.nanoseconds.saturating_add(elapsed),
        }
    }

    /// Returns the position that programs see: the real time of a queue whose running flag is set
    /// goes on even when its timer does not tick, and between ticks.
    pub(crate) fn reported(&self, now: Time) -> Position {
        let mut position = self.position(now);
        if self.running && !self.moves() {
            position.nanoseconds = self.nanoseconds.saturating_add(now - self.anchor);
        }
        position
    }

    /// Moves the anchor to `now`. Call this before changing anything that the position depends on.
    pub(super) fn advance_to(&mut self, now: Time) {
        if self.stepped {
            return;
        }
        let now = now.max(self.anchor);
        let elapsed = self.elapsed(now);
        self.move_on(elapsed);
        if self.moves() || !self.running {
            self.anchor = now;
            self.parts = 0;
        }
    }

    /// Moves the position on by this many nanoseconds of the queue's clock.
    #[expect(clippy::cast_possible_truncation, reason = "ticks wrap at 32 bits, as the kernel's")]
    pub(super) fn move_on(&mut self, nanoseconds: u64) {
        let fraction = self.fraction.saturating_add(nanoseconds);
        self.tick = self.tick.wrapping_add((fraction / u64::from(self.tick_ns)) as u32);
        self.fraction = fraction % u64::from(self.tick_ns);
        self.nanoseconds = self.nanoseconds.saturating_add(nanoseconds) % REAL_TIME_MODULUS;
    }

    /// Moves the anchor to `now` if ticks or seconds have wrapped since, or if the ticks since then come near their 32 bits: what is
    /// before the anchor counts as due. Nothing is rounded, so a position does not depend on when events are queued.
    pub(crate) fn refresh(&mut self, now: Time) {
        let elapsed = self.elapsed(now);
        let ticks = self.fraction.saturating_add(elapsed) / u64::from(self.tick_ns);
        let wraps = u64::from(self.tick).saturating_add(ticks) > u32::MAX.into()
            || self.nanoseconds.saturating_add(elapsed) >= REAL_TIME_MODULUS;
        if ticks > 1 << 30 || wraps {
            let parts = if self.moves() { self.elapsed_parts(now) } else { 0 };
            self.advance_to(now);
            self.parts = u16::try_from(parts & 0xffff).unwrap_or(0);
        }
    }

    /// Returns the instant at which the queue's clock is `nanoseconds` further than at the anchor.
    fn instant_after(&self, nanoseconds: u64) -> Option<Time> {
        if !self.moves() {
            return None;
        }
        if nanoseconds == 0 {
            return Some(self.anchor);
        }
        if self.skew == SKEW_BASE {
            return self.anchor.0.checked_add(nanoseconds).map(Time);
        }
        if self.skew == 0 {
            return None;
        }
        let left = (u128::from(nanoseconds) << 16) - u128::from(self.parts);
        let scaled = left.div_ceil(u128::from(self.skew));
        u64::try_from(scaled).ok().and_then(|real| self.anchor.0.checked_add(real)).map(Time)
    }

    /// Returns the instant at which a tick is reached; the anchor's if that was before.
    pub(crate) fn tick_deadline(&self, tick: u32) -> Option<Time> {
        self.instant_after(self.distance_to_tick(tick))
    }

    /// Returns the distance from the anchor to a tick, in nanoseconds of the queue's clock.
    pub(super) fn distance_to_tick(&self, tick: u32) -> u64 {
        let ticks = u64::from(tick.saturating_sub(self.tick));
        let length = ticks * u64::from(self.tick_ns);
        length.saturating_sub(self.fraction)
    }

    /// Returns the instant at which a real time is reached, given as a key of the priority queue.
    /// Nanoseconds beyond a second are reached with the next second.
    pub(crate) fn real_deadline(&self, key: u64) -> Option<Time> {
        self.instant_after(self.distance_to_time(key)?)
    }

    /// Returns the distance from the anchor to a real time, in nanoseconds of the queue's clock, or
    /// `None` if it is never reached.
    pub(super) fn distance_to_time(&self, key: u64) -> Option<u64> {
        let (seconds, nanoseconds) = (key >> 32, key & 0xffff_ffff);
        let due = seconds * NANOSECONDS + nanoseconds.min(NANOSECONDS);
        if due >= REAL_TIME_MODULUS {
            return None;
        }
        Some(due.saturating_sub(self.nanoseconds))
    }

    pub(super) const fn reset(&mut self) {
        self.tick = 0;
        self.fraction = 0;
        self.nanoseconds = 0;
    }

    /// Sets the tempo alone, as the TEMPO event does.
    pub(crate) fn set_tempo(&mut self, now: Time, tempo: u32) -> Result<(), Error> {
        if tempo.cast_signed() <= 0 {
            return Err(Error::new(Errno::EINVAL, "the tempo is not positive"));
        }
        if tempo != self.tempo {
            self.advance_to(now);
            self.tempo = tempo;
            self.update_tick_length();
        }
        Ok(())
    }

    /// Sets tempo, resolution and base, as the ioctl does. A new base alone does not change the
    /// length of a tick.
    pub(crate) fn set_tempo_ppq(
        &mut self,
        now: Time,
        tempo: u32,
        ppq: i32,
        tempo_base: u16,
    ) -> Result<(), Error> {
        let ppq = u32::try_from(ppq).unwrap_or(0);
        if tempo.cast_signed() <= 0 || ppq == 0 {
            return Err(Error::new(Errno::EINVAL, "tempo or ppq is not positive"));
        }
        if !matches!(tempo_base, 0 | 10 | 1000) {
            return Err(Error::new(Errno::EINVAL, "the tempo base is neither 10 nor 1000"));
        }
        if self.running && ppq != self.ppq {
            return Err(Error::new(Errno::EBUSY, "ppq cannot change while the queue runs"));
        }
        let changed = tempo != self.tempo || ppq != self.ppq;
        if changed {
            self.advance_to(now);
        }
        self.tempo = tempo;
        self.ppq = ppq;
        self.tempo_base = if tempo_base == 0 { DEFAULT_TEMPO_BASE } else { tempo_base };
        if changed {
            self.update_tick_length();
        }
        Ok(())
    }

    pub(crate) fn set_skew(&mut self, now: Time, skew: u32, base: u32) -> Result<(), Error> {
        if base != SKEW_BASE {
            return Err(Error::new(Errno::EINVAL, "the skew base is not 0x10000"));
        }
        self.advance_to(now);
        self.skew = skew;
        Ok(())
    }

    pub(crate) fn set_position_tick(&mut self, now: Time, tick: u32) {
        self.advance_to(now);
        self.tick = tick;
        self.fraction = 0;
    }

    pub(crate) fn set_position_time(&mut self, now: Time, sec: u32, nsec: u32) {
        self.advance_to(now);
        self.nanoseconds = (u64::from(sec) * NANOSECONDS + u64::from(nsec)) % REAL_TIME_MODULUS;
    }

    /// Recomputes the length of a tick, in the kernel's 32-bit arithmetic. The part of the present
    /// tick that has passed counts in ticks of the new length.
    fn update_tick_length(&mut self) {
        let base = u32::from(self.tempo_base);
        let length = if self.tempo < 1_000_000 {
            self.tempo.wrapping_mul(base) / self.ppq
        } else {
            let rest = (self.tempo % self.ppq).wrapping_mul(base) / self.ppq;
            (self.tempo / self.ppq).wrapping_mul(base).wrapping_add(rest)
        };
        self.tick_ns = length.max(1);
        let ticks = self.fraction / u64::from(self.tick_ns);
        #[expect(clippy::cast_possible_truncation, reason = "ticks wrap at 32 bits")]
        let ticks = ticks as u32;
        self.tick = self.tick.wrapping_add(ticks);
        self.fraction %= u64::from(self.tick_ns);
    }

    /// Returns the beats per minute as `/proc` shows them on Linux 6.12, which is right for base
    /// 1000 only.
    pub(crate) fn bpm(&self) -> u32 {
        (60_000 * u32::from(self.tempo_base)).checked_div(self.tempo).unwrap_or(0)
    }
}

pub(super) const NO_TIMER: Error = Error::new(Errno::EINVAL, "no timer is open for the queue");
