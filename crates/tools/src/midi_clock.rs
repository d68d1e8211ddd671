//! Follows MIDI clock: 24 messages a quarter note, which say where the music is and how fast it goes.

use std::collections::VecDeque;

/// Clock messages of a quarter note.
pub(crate) const CLOCKS_PER_QUARTER: u64 = 24;
/// The tempo is measured over as many intervals: those of a quarter note. Fewer follow a change sooner, but the jitter
/// of the first and of the last message counts more.
const INTERVALS: usize = 24;
/// A pause of as many intervals is not the tempo: the sender has stopped meanwhile.
const PAUSE: u64 = 4;
/// The longest interval that is a tempo, in nanoseconds: 3.6 quarter notes a minute, the slowest that a file can have.
const MAX_INTERVAL: u64 = 16_777_215_000 / CLOCKS_PER_QUARTER;

/// A clock that is being followed.
#[derive(Clone, Debug, Default)]
pub(crate) struct MidiClock {
    /// When the last messages arrived, in nanoseconds: one more than there are intervals.
    arrivals: VecDeque<u64>,
    /// How many messages have come since the start.
    count: u64,
}

impl MidiClock {
    /// Takes in a clock message that arrived at this time, in nanoseconds.
    pub(crate) fn clock(&mut self, at: u64) {
        self.count += 1;
        if let Some(&last) = self.arrivals.back() {
            let usual = self.interval().unwrap_or(MAX_INTERVAL);
            let pause = at.saturating_sub(last);
            if pause > (PAUSE * usual).min(MAX_INTERVAL) {
                self.arrivals.clear();
            }
        }
        self.arrivals.push_back(at);
        if self.arrivals.len() > INTERVALS + 1 {
            self.arrivals.pop_front();
        }
    }

    /// Begins at position 0: the next clock message is the first one.
    pub(crate) fn start(&mut self) {
        self.count = 0;
        self.arrivals.clear();
    }

    /// Returns how many clock messages have come since the start.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Returns whether the last clock message began a quarter note.
    pub(crate) fn is_on_beat(&self) -> bool {
        self.count % CLOCKS_PER_QUARTER == 1
    }

    /// Returns the mean time between two of the last messages, in nanoseconds.
    fn interval(&self) -> Option<u64> {
        let intervals = self.arrivals.len().checked_sub(1).filter(|intervals| *intervals > 0)?;
        let span = self.arrivals.back()?.saturating_sub(*self.arrivals.front()?);
        Some(span / intervals as u64).filter(|interval| *interval > 0)
    }

    /// Returns the length of a quarter note in microseconds, once there are as many intervals.
    pub(crate) fn tempo_us(&self, intervals: usize) -> Option<u32> {
        if self.arrivals.len() <= intervals {
            return None;
        }
        let quarter = self.interval()? * CLOCKS_PER_QUARTER;
        u32::try_from((quarter + 500) / 1000).ok().filter(|tempo| *tempo > 0)
    }

    /// Returns where the music is at a time, in parts of a quarter note: `division` is how many it has. Between two
    /// messages the position goes on at the measured tempo, up to where the next one is due.
    pub(crate) fn position(&self, at: u64, division: u64) -> u64 {
        let Some(before) = self.count.checked_sub(1) else { return 0 };
        let (Some(&last), Some(interval)) = (self.arrivals.back(), self.interval()) else {
            return before * division / CLOCKS_PER_QUARTER;
        };
        let since = at.saturating_sub(last).min(interval);
        let parts = (before * interval + since) * division;
        let clocks = interval * CLOCKS_PER_QUARTER;
        (parts + clocks / 2) / clocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nanoseconds between two messages at 120 quarter notes a minute, rounded down.
    const AT_120: u64 = 500_000_000 / 24;

    fn steady(count: u64) -> MidiClock {
        let mut clock = MidiClock::default();
        (0..count).for_each(|number| clock.clock(1_000_000 + number * AT_120));
        clock
    }

    #[test]
    fn the_first_message_is_position_0() {
        let clock = steady(25);
        let last = 1_000_000 + 24 * AT_120;
        assert_eq!(clock.position(last, 480), 480);
        assert_eq!(clock.position(last + AT_120 / 2, 480), 490);
        assert_eq!(clock.position(last + 10 * AT_120, 480), 500, "not beyond the next message");
        assert_eq!(MidiClock::default().position(5, 480), 0);
        assert_eq!(steady(1).position(9_000_000, 480), 0, "no tempo yet");
    }

    #[test]
    fn the_tempo_is_that_of_the_last_quarter_note() {
        let mut clock = steady(100);
        assert_eq!(clock.tempo_us(24), Some(500_000));
        let last = 1_000_000 + 99 * AT_120;
        for number in 1..=24 {
            // Each second message is 1 ms late.
            clock.clock(last + number * 2 * AT_120 + number % 2 * 1_000_000);
        }
        assert_eq!(clock.tempo_us(24), Some(1_000_000));
    }

    #[test]
    fn a_pause_is_no_tempo() {
        let mut clock = steady(30);
        clock.clock(60_000_000_000);
        assert_eq!((clock.tempo_us(1), clock.count()), (None, 31));
        assert_eq!(clock.position(70_000_000_000, 24), 30);
        clock.start();
        assert_eq!((clock.count(), clock.position(0, 24)), (0, 0));
    }
}
