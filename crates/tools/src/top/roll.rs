//! The notes of the last minute, as bars of a piano roll.

use aseqd_abi::{Address, Event, EventType};
use std::collections::VecDeque;
use std::time::Duration;

/// The roll stands still when no event has come for this long. A silence is shown this long, however long it was.
pub(super) const IDLE: Duration = Duration::from_secs(2);
/// The time that one column of the screen stands for.
pub(super) const COLUMN: Duration = Duration::from_millis(100);
/// How many bars are kept, so that a flood of notes takes no more memory than this.
const MAX_BARS: usize = 8192;
/// The controllers that end all notes of a channel: all sound off, all notes off.
const ALL_OFF: [u32; 2] = [120, 123];

/// A note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) source: Address,
    pub(super) channel: u8,
    pub(super) key: u8,
    pub(super) start: Duration,
    /// When it ended; `None` while it sounds.
    pub(super) end: Option<Duration>,
}

/// Bars in the order of their starts, on a clock that stands still while nothing happens.
#[derive(Clone, Debug, Default)]
pub(super) struct Roll {
    pub(super) bars: VecDeque<Bar>,
    /// Times at which the clock has stood still.
    pub(super) breaks: VecDeque<Duration>,
    clock: Duration,
    seen: Duration,
    last: Option<Duration>,
}

impl Roll {
    /// Moves to a time.
    pub(super) fn advance(&mut self, now: Duration) {
        let stop = self.last.map_or(self.seen, |last| last + IDLE);
        let moved = now.min(stop).saturating_sub(self.seen);
        self.clock += moved;
        self.seen = self.seen.max(now);
    }

    /// Returns the time of the right end.
    pub(super) const fn clock(&self) -> Duration {
        self.clock
    }

    /// Returns whether the clock moves.
    pub(super) fn is_moving(&self) -> bool {
        self.last.is_some_and(|last| self.seen < last + IDLE)
    }

    /// Takes in an event, which arrives at the time of the last [`Roll::advance`].
    pub(super) fn take(&mut self, event: &Event) {
        if self.last.is_some() && !self.is_moving() {
            self.breaks.push_back(self.clock);
            if self.breaks.len() > 64 {
                self.breaks.pop_front();
            }
        }
        self.last = Some(self.seen);
        let (note, control) = (event.data.note(), event.data.control());
        match event.event_type {
            EventType::NOTEON if note.velocity > 0 => {
                self.start(event.source, note.channel, note.note);
            }
            EventType::NOTEON | EventType::NOTEOFF => {
                self.end(|bar| {
                    bar.source == event.source
                        && bar.channel == note.channel
                        && bar.key == note.note
                });
            }
            // Sent directly, it never ends: its queue would have made two events of it.
            EventType::NOTE => {
                self.start(event.source, note.channel, note.note);
                let at = self.clock;
                if let Some(bar) = self.bars.back_mut() {
                    bar.end = Some(at + COLUMN);
                }
            }
            EventType::CONTROLLER if ALL_OFF.contains(&control.param) => {
                self.end_all(|bar| bar.source == event.source && bar.channel == control.channel);
            }
            EventType::RESET => self.end_all(|bar| bar.source == event.source),
            _ => {}
        }
    }

    /// Forgets all notes.
    pub(super) fn clear(&mut self) {
        self.bars.clear();
        self.breaks.clear();
    }

    /// Ends the notes of ports that do not exist any more.
    pub(super) fn keep(&mut self, exists: impl Fn(Address) -> bool) {
        self.end_all(|bar| !exists(bar.source));
    }

    fn start(&mut self, source: Address, channel: u8, key: u8) {
        self.bars.push_back(Bar { source, channel, key, start: self.clock, end: None });
        if self.bars.len() > MAX_BARS {
            self.bars.pop_front();
        }
    }

    /// Ends the first note that sounds and fits: notes that were started twice are ended twice.
    fn end(&mut self, fits: impl Fn(&Bar) -> bool) {
        let at = self.clock;
        if let Some(bar) = self.bars.iter_mut().find(|bar| bar.end.is_none() && fits(bar)) {
            bar.end = Some(at);
        }
    }

    fn end_all(&mut self, fits: impl Fn(&Bar) -> bool) {
        let at = self.clock;
        for bar in self.bars.iter_mut().filter(|bar| bar.end.is_none() && fits(bar)) {
            bar.end = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_client::event::{EventExt as _, controller, note, note_off, note_on};

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn ends(roll: &Roll) -> Vec<Option<Duration>> {
        roll.bars.iter().map(|bar| bar.end).collect()
    }

    #[test]
    fn notes_end_by_note_off_velocity_zero_and_controllers() {
        let mut roll = Roll::default();
        let other = note_on(0, 60, 9).sent_from(Address::new(9, 9));
        for event in
            [note_on(0, 60, 1), note_on(0, 60, 2), note_on(1, 60, 3), other, note(0, 1, 2, 3)]
        {
            roll.take(&event);
        }
        roll.advance(at(500));
        roll.take(&note_off(0, 60, 0));
        assert_eq!(ends(&roll), [Some(at(500)), None, None, None, Some(at(100))]);
        roll.advance(at(600));
        roll.take(&note_on(0, 60, 0));
        roll.take(&controller(1, 123, 0));
        roll.keep(|port| port.client != 9);
        assert_eq!(
            ends(&roll),
            [Some(at(500)), Some(at(600)), Some(at(600)), Some(at(600)), Some(at(100))]
        );
    }

    #[test]
    fn the_clock_stands_still_in_a_silence() {
        let mut roll = Roll::default();
        roll.advance(at(5000));
        assert_eq!((roll.clock(), roll.is_moving()), (at(0), false), "nothing has come yet");
        roll.take(&note_on(0, 60, 1));
        roll.advance(at(6000));
        assert!(roll.is_moving());
        roll.advance(at(60_000));
        assert_eq!((roll.clock(), roll.is_moving()), (at(2000), false), "though a note sounds");
        roll.take(&note_off(0, 60, 0));
        assert_eq!(ends(&roll), [Some(at(2000))]);
        assert_eq!(roll.breaks, [at(2000)]);
    }

    #[test]
    fn a_flood_takes_bounded_memory() {
        let mut roll = Roll::default();
        for _ in 0..3 * MAX_BARS {
            roll.take(&note_on(0, 60, 1));
        }
        assert_eq!(roll.bars.len(), MAX_BARS);
    }
}
