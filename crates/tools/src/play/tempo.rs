//! Converts the ticks of a song to time.

use aseqd_smf::Division;
use std::time::Duration;

/// The tempo of a file that sets none, in microseconds of a quarter note: 120 quarters a minute.
pub(crate) const DEFAULT_TEMPO_US: u32 = 500_000;
/// The most changes of tempo that are remembered, 3.2 MB of them. A malicious file can consist of nothing else.
const MAX_CHANGES: usize = 100_000;

/// How a queue must be set, so that its ticks are a song's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueTiming {
    /// Ticks of a quarter note, at least 1.
    pub(crate) ppq: i32,
    /// Microseconds of a quarter note at the start, at least 1.
    pub(crate) tempo_us: u32,
}

impl QueueTiming {
    /// Returns the setting for a file. If its ticks are parts of frames, their length is constant; the queue then
    /// counts a second as a quarter note.
    pub(crate) fn of(division: Division) -> Self {
        match division {
            Division::Quarter(ticks) => {
                Self { ppq: i32::from(ticks.max(1)), tempo_us: DEFAULT_TEMPO_US }
            }
            // 29 stands for 30 frames in 1.001 seconds.
            Division::Frames { per_second: 29, ticks } => {
                Self { ppq: 30 * i32::from(ticks.max(1)), tempo_us: 1_001_000 }
            }
            Division::Frames { per_second, ticks } => {
                let ppq = i32::from(per_second.max(1)) * i32::from(ticks.max(1));
                Self { ppq, tempo_us: 1_000_000 }
            }
        }
    }
}

/// Tells the time of each tick of a song.
#[derive(Clone, Debug)]
pub(crate) struct TempoMap {
    ppq: u128,
    /// The tick of each change, the nanoseconds at that tick times `ppq`, and the tempo from there on. Times `ppq`,
    /// because fractions of nanoseconds would add up.
    changes: Vec<(u32, u128, u32)>,
}

impl TempoMap {
    /// Makes the map of a song that keeps its first tempo.
    pub(crate) fn new(timing: QueueTiming) -> Self {
        let ppq = u128::from(timing.ppq.unsigned_abs().max(1));
        Self { ppq, changes: vec![(0, 0, timing.tempo_us)] }
    }

    /// Changes the tempo from a tick on, which must not be before that of the last change.
    pub(crate) fn change(&mut self, tick: u32, tempo_us: u32) {
        let at = self.scaled(tick);
        self.changes.push((tick, at, tempo_us));
        // Songs are read forwards, so the oldest changes are not asked for again.
        if self.changes.len() > MAX_CHANGES {
            self.changes.drain(..MAX_CHANGES / 2);
        }
    }

    /// Returns the time of a tick from the start of the song.
    pub(crate) fn time_of(&self, tick: u32) -> Duration {
        let nanoseconds = self.scaled(tick) / self.ppq;
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    fn scaled(&self, tick: u32) -> u128 {
        let later = self.changes.partition_point(|&(start, ..)| start <= tick);
        let (start, at, tempo_us) = self.changes[later.saturating_sub(1)];
        at + u128::from(tick.saturating_sub(start)) * u128::from(tempo_us) * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_follows_the_changes() {
        let mut map = TempoMap::new(QueueTiming { ppq: 480, tempo_us: 600_000 });
        assert_eq!(map.time_of(480), Duration::from_millis(600));
        map.change(480, 300_000);
        assert_eq!(map.time_of(240), Duration::from_millis(300));
        assert_eq!(map.time_of(960), Duration::from_millis(900));
        map.change(480, 1_200_000);
        assert_eq!(map.time_of(480), Duration::from_millis(600));
        assert_eq!(map.time_of(720), Duration::from_millis(1200));
    }

    #[test]
    fn fractions_add_up() {
        let mut map = TempoMap::new(QueueTiming { ppq: 7, tempo_us: 1 });
        for tick in 1..=7_000 {
            map.change(tick, 1);
        }
        assert_eq!(map.time_of(7_000), Duration::from_millis(1));
    }

    #[test]
    fn memory_is_bounded_and_what_is_ahead_stays_right() {
        let mut map = TempoMap::new(QueueTiming { ppq: 1, tempo_us: 1 });
        for tick in 0..300_000 {
            map.change(tick, 1);
        }
        assert!(map.changes.len() <= MAX_CHANGES);
        assert_eq!(map.time_of(400_000), Duration::from_micros(400_000));
        assert_eq!(map.time_of(u32::MAX), Duration::from_micros(u32::MAX.into()));
    }
}
