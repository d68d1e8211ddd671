//! The clock of a queue: tempo, position, and when a position will be reached.
//!
//! The kernel advances a queue by a fixed step at every period of a timer, 1 ms by default. Ours has
//! no period: the position is a function of the time since an anchor, and the instant at which a
//! position is reached is computed, so that an event is due when it is due and an idle queue costs
//! nothing.

use crate::{Error, Time};
use abi::Errno;
use abi::event::EventTime;
use abi::timer::{self, TimerId};

/// Skew of a queue that runs at the speed of the clock.
pub const SKEW_BASE: u32 = 0x10000;
/// Tempo of a new queue: 120 quarters a minute.
pub const DEFAULT_TEMPO: u32 = 500_000;
/// Ticks per quarter of a new queue.
pub const DEFAULT_PPQ: u32 = 96;
/// Nanoseconds per unit of tempo.
pub const DEFAULT_TEMPO_BASE: u16 = 1000;
/// Frequency at which the kernel steps a queue when none is asked for, in Hz.
const DEFAULT_FREQUENCY: u32 = 1000;
/// Lowest and highest frequency that a queue's timer is programmed to, in Hz.
const FREQUENCIES: (u32, u32) = (10, 6250);
/// Period of the system timer on the reference kernel (HZ=250), in nanoseconds.
const SYSTEM_TIMER_NS: u64 = 4_000_000;
/// Real time is kept in 32-bit seconds and wraps.
const REAL_TIME_MODULUS: u64 = (1 << 32) * NANOSECONDS;
const NANOSECONDS: u64 = 1_000_000_000;

/// The timer that a new queue asks for on the reference kernel: global, high resolution. Opening it
/// makes it the sequencer's.
pub const DEFAULT_TIMER: TimerId = TimerId {
    dev_class: timer::CLASS_GLOBAL,
    dev_sclass: timer::SCLASS_NONE,
    card: -1,
    device: timer::GLOBAL_HRTIMER,
    subdevice: 0,
};

/// The timer that drives a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// High resolution.
    HrTimer,
    /// The jiffies timer.
    System,
    /// None of its own: ticks with another timer that names it, of which we have none.
    Slave,
}

impl Source {
    /// Name in `/proc/asound/seq/timer`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::HrTimer => "HR timer",
            Self::System => "system timer",
            // What Linux prints where there is no name to print.
            Self::Slave => "(efault)",
        }
    }

    const fn resolution_ns(self) -> u64 {
        match self {
            Self::HrTimer => 1,
            Self::System => SYSTEM_TIMER_NS,
            Self::Slave => 0,
        }
    }
}

/// Where a queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) tick: u32,
    /// Real time in nanoseconds.
    pub(crate) nanoseconds: u64,
}

impl Position {
    /// Real time as seconds and nanoseconds.
    pub(crate) const fn real_time(self) -> EventTime {
        let nanoseconds = self.nanoseconds % REAL_TIME_MODULUS;
        #[expect(clippy::cast_possible_truncation, reason = "reduced by the modulus")]
        EventTime::real((nanoseconds / NANOSECONDS) as u32, (nanoseconds % NANOSECONDS) as u32)
    }
}

/// A queue's clock.
#[derive(Clone, Debug)]
pub(crate) struct QueueTimer {
    pub(crate) running: bool,
    /// Has been started or continued once.
    initialized: bool,
    /// The timer that is open for this queue.
    pub(crate) source: Option<Source>,
    /// That timer ticks. A queue can be running without it: its position then stands still.
    ticking: bool,
    pub(crate) tempo: u32,
    pub(crate) ppq: u32,
    pub(crate) tempo_base: u16,
    /// Length of a tick in nanoseconds.
    tick_ns: u32,
    pub(crate) skew: u32,
    /// The timer that was asked for.
    pub(crate) id: TimerId,
    /// The frequency that was asked for, in Hz; 0 for the default.
    pub(crate) frequency: u32,
    /// Ticks of the timer in a period with which the kernel would step, for `/proc`. Counted when
    /// the queue starts, so it may not fit a timer that was opened since.
    timer_ticks: u64,
    /// When the position below was true.
    anchor: Time,
    tick: u32,
    /// Nanoseconds into the tick.
    fraction: u64,
    nanoseconds: u64,
}

impl QueueTimer {
    pub(crate) fn new() -> Self {
        let mut timer = Self {
            running: false,
            initialized: false,
            source: None,
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
            nanoseconds: 0,
        };
        timer.set_defaults(Time(0));
        timer
    }

    /// Tempo, skew, timer and the running flag of a new queue. The position stays.
    pub(crate) fn set_defaults(&mut self, now: Time) {
        self.advance_to(now);
        self.ppq = DEFAULT_PPQ;
        self.tempo = DEFAULT_TEMPO;
        self.tempo_base = DEFAULT_TEMPO_BASE;
        self.update_tick_length();
        self.running = false;
        self.id = DEFAULT_TIMER;
        self.frequency = 0;
        self.skew = SKEW_BASE;
    }

    /// Opens the timer that was asked for, if none is open. One that cannot be had is silently
    /// replaced by the system timer; where nothing can be had, by the default, with all defaults.
    pub(crate) fn open(&mut self, now: Time) {
        if self.source.is_some() {
            return;
        }
        let slave_classes = timer::SCLASS_APPLICATION..=timer::SCLASS_OSS_SEQUENCER;
        if self.id.dev_class == timer::CLASS_SLAVE {
            if slave_classes.contains(&self.id.dev_sclass) {
                self.source = Some(Source::Slave);
                return;
            }
            self.set_defaults(now);
        }
        let system =
            self.id.dev_class == timer::CLASS_GLOBAL && self.id.device == timer::GLOBAL_SYSTEM;
        if system && self.id.subdevice != 0 {
            // The replacement is what could not be had.
            self.set_defaults(now);
        }
        self.id.dev_sclass = timer::SCLASS_SEQUENCER;
        let hrtimer = self.id.dev_class == timer::CLASS_GLOBAL
            && self.id.device == timer::GLOBAL_HRTIMER
            && self.id.subdevice == 0;
        self.source = Some(if hrtimer { Source::HrTimer } else { Source::System });
    }

    /// Closes the timer. The running flag stays.
    pub(crate) fn close(&mut self, now: Time) {
        self.advance_to(now);
        self.source = None;
        self.ticking = false;
    }

    const fn moves(&self) -> bool {
        self.running && self.ticking
    }

    /// Nanoseconds on the queue's clock since the anchor.
    fn elapsed(&self, now: Time) -> u64 {
        if !self.moves() {
            return 0;
        }
        if self.skew == SKEW_BASE {
            return now - self.anchor;
        }
        let scaled = u128::from(now - self.anchor) * u128::from(self.skew);
        u64::try_from(scaled >> 16).unwrap_or(u64::MAX)
    }

    /// Where the queue is at `now`.
    #[expect(clippy::cast_possible_truncation, reason = "ticks wrap at 32 bits, as the kernel's")]
    pub(crate) fn position(&self, now: Time) -> Position {
        let elapsed = self.elapsed(now);
        let ticks = self.fraction.saturating_add(elapsed) / u64::from(self.tick_ns);
        Position {
            tick: self.tick.wrapping_add(ticks as u32),
            nanoseconds: self.nanoseconds.saturating_add(elapsed),
        }
    }

    /// The position that programs are told: the real time of a queue whose running flag is set goes
    /// on even when its timer does not tick.
    pub(crate) fn reported(&self, now: Time) -> Position {
        let mut position = self.position(now);
        if self.running && !self.ticking {
            position.nanoseconds = self.nanoseconds.saturating_add(now - self.anchor);
        }
        position
    }

    /// Makes the position at `now` the anchor: before anything changes that it depends on.
    fn advance_to(&mut self, now: Time) {
        let now = now.max(self.anchor);
        let elapsed = self.elapsed(now);
        let position = self.position(now);
        self.fraction = self.fraction.saturating_add(elapsed) % u64::from(self.tick_ns);
        self.tick = position.tick;
        self.nanoseconds = position.nanoseconds % REAL_TIME_MODULUS;
        if self.moves() || !self.running {
            self.anchor = now;
        }
    }

    /// Moves the anchor on where ticks since then come near their 32 bits.
    pub(crate) fn refresh(&mut self, now: Time) {
        if self.fraction.saturating_add(self.elapsed(now)) / u64::from(self.tick_ns) > 1 << 30 {
            self.advance_to(now);
        }
    }

    /// The instant at which the queue's clock has gone `nanoseconds` further than the anchor.
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
        let scaled = (u128::from(nanoseconds) << 16).div_ceil(u128::from(self.skew));
        u64::try_from(scaled).ok().and_then(|real| self.anchor.0.checked_add(real)).map(Time)
    }

    /// The instant at which a tick is reached; the anchor if that was before.
    pub(crate) fn tick_deadline(&self, tick: u32) -> Option<Time> {
        let ticks = u64::from(tick.saturating_sub(self.tick));
        let length = ticks * u64::from(self.tick_ns);
        self.instant_after(length.saturating_sub(self.fraction))
    }

    /// The instant at which a real time is reached, given as a key of the priority queue:
    /// nanoseconds beyond a second are reached with the next second.
    pub(crate) fn real_deadline(&self, key: u64) -> Option<Time> {
        let (seconds, nanoseconds) = (key >> 32, key & 0xffff_ffff);
        let due = seconds * NANOSECONDS + nanoseconds.min(NANOSECONDS);
        if due >= REAL_TIME_MODULUS {
            return None;
        }
        self.instant_after(due.saturating_sub(self.nanoseconds))
    }

    /// From position 0.
    pub(crate) fn start(&mut self, now: Time) -> Result<(), Error> {
        let source = self.source.ok_or(NO_TIMER)?;
        self.advance_to(now);
        self.running = false;
        self.ticking = false;
        self.reset();
        self.program(source)?;
        self.go(now, source);
        Ok(())
    }

    /// On from where it is; a queue that never ran starts from 0.
    pub(crate) fn resume(&mut self, now: Time) -> Result<(), Error> {
        let source = self.source.ok_or(NO_TIMER)?;
        if self.running {
            return Err(Error::new(Errno::EBUSY, "the queue is running"));
        }
        if !self.initialized {
            self.reset();
            self.program(source)?;
        }
        self.go(now, source);
        Ok(())
    }

    /// Stays where it is. Without a timer nothing happens.
    pub(crate) fn stop(&mut self, now: Time) {
        if self.source.is_none() || !self.running {
            return;
        }
        self.advance_to(now);
        self.running = false;
        self.ticking = false;
    }

    fn go(&mut self, now: Time, source: Source) {
        self.running = true;
        self.ticking = source != Source::Slave;
        self.anchor = now.max(self.anchor);
    }

    const fn reset(&mut self) {
        self.tick = 0;
        self.fraction = 0;
        self.nanoseconds = 0;
    }

    /// Chooses the period. A slave has none and cannot be programmed.
    fn program(&mut self, source: Source) -> Result<(), Error> {
        if source == Source::Slave {
            return Err(Error::new(Errno::EINVAL, "the queue's timer has no ticks of its own"));
        }
        let wanted = if self.frequency == 0 { DEFAULT_FREQUENCY } else { self.frequency };
        let frequency = wanted.clamp(FREQUENCIES.0, FREQUENCIES.1);
        let steps = NANOSECONDS / (source.resolution_ns() * u64::from(frequency));
        self.timer_ticks = steps.max(1);
        self.initialized = true;
        Ok(())
    }

    /// Period that the kernel would step with, in nanoseconds, as `/proc` shows it.
    pub(crate) fn period_ns(&self) -> u64 {
        self.source.map_or(0, |source| source.resolution_ns() * self.timer_ticks)
    }

    /// Tempo alone, as the TEMPO event does.
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

    /// Tempo, resolution and base, as the ioctl does. A new base alone does not change the length of
    /// a tick.
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

    /// Recomputes the length of a tick, in the kernel's 32-bit arithmetic. What had gone by of the
    /// tick now counts in ticks of the new length.
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

    /// Beats per minute as `/proc` shows them on Linux 6.12, which is right for base 1000 only.
    pub(crate) fn bpm(&self) -> u32 {
        (60_000 * u32::from(self.tempo_base)).checked_div(self.tempo).unwrap_or(0)
    }
}

const NO_TIMER: Error = Error::new(Errno::EINVAL, "no timer is open for the queue");
