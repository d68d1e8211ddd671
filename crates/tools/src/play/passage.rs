//! A part of a song, once or several times, changed on its way: this is what a player plays.

use super::chase::Chase;
use super::song::{Song, Timed, What};
use super::tempo::QueueTiming;
use aseqd_abi::EventType;
use aseqd_smf::Findings;
use std::collections::{BTreeSet, VecDeque};

/// Clock messages of a quarter note.
const CLOCKS: u64 = 24;
/// The channel of drums in General MIDI, from 0. Its keys are instruments.
const DRUMS: u8 = 9;

/// How a song is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// The tick at which it begins.
    pub(crate) from: u32,
    /// The tick at which it begins the first time, if not there: within the passage.
    pub(crate) start: Option<u32>,
    /// The tick at which it ends; without one, at its end.
    pub(crate) to: Option<u32>,
    /// How many times it is played; without a number, for ever.
    pub(crate) times: Option<u32>,
    /// Semitones by which notes are higher, but those of drums.
    pub(crate) transpose: i8,
    /// Whether MIDI clock is sent.
    pub(crate) clock: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self { from: 0, start: None, to: None, times: Some(1), transpose: 0, clock: false }
    }
}

/// A passage that is being read. Its ticks count from its own start.
#[derive(Debug)]
pub(crate) struct Passage {
    /// The song at its start, to begin again.
    fresh: Song,
    song: Song,
    manner: Manner,
    /// How many times it has been played to its end.
    rounds: u32,
    /// The tick at which this round began.
    base: u32,
    /// The length of the first round, and of each one after it, once they are known.
    first: Option<u32>,
    length: Option<u32>,
    /// The clock messages that were sent.
    clocks: u64,
    ready: VecDeque<Timed>,
    /// Notes that sound: output, group and channel, key.
    sounding: BTreeSet<(u8, u8, u8)>,
    /// It has begun this round.
    begun: bool,
    over: bool,
    /// The last tick so far.
    end: u32,
    /// Notes that were left out because no key is so high, or so low.
    beyond: u64,
}

impl Passage {
    /// Takes a song that has not been read yet.
    pub(crate) fn new(song: Song, manner: Manner) -> Self {
        Self {
            fresh: song.clone(),
            song,
            manner,
            rounds: 0,
            base: 0,
            first: None,
            length: None,
            clocks: 0,
            ready: VecDeque::new(),
            sounding: BTreeSet::new(),
            begun: false,
            over: false,
            end: 0,
            beyond: 0,
        }
    }

    /// Takes a whole song, to play it once and as it is.
    pub(crate) fn whole(song: Song) -> Self {
        Self::new(song, Manner::default())
    }

    /// Returns whether the song has UMP packets.
    pub(crate) fn is_clip(&self) -> bool {
        self.song.is_clip()
    }

    /// Returns how the queue must be set before the first event.
    pub(crate) fn timing(&self) -> QueueTiming {
        self.song.timing()
    }

    /// Returns the sixteenth note at a tick of the song; 0 if its ticks are parts of frames.
    pub(crate) fn sixteenths(&self, tick: u32) -> u32 {
        let ppq = self.song.timing().ppq.unsigned_abs().max(1);
        let sixteenths = u64::from(tick) * 4 / u64::from(ppq);
        if self.song.has_tempo() { u32::try_from(sixteenths).unwrap_or(u32::MAX) } else { 0 }
    }

    /// Returns the last tick so far: once all was read, the length.
    pub(crate) fn end(&self) -> u32 {
        self.end
    }

    /// Returns what was wrong with the part of the file that was read.
    pub(crate) fn findings(&self) -> Findings {
        self.song.findings()
    }

    /// Returns how many notes were left out, because no key is so high, or so low.
    pub(crate) fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Returns the tick of the song at which the present round began.
    fn origin(&self) -> u32 {
        let start = self.manner.start.filter(|_| self.rounds == 0);
        start.unwrap_or(self.manner.from)
    }

    /// Returns the tick of the song that is played at a tick of the passage.
    pub(crate) fn place(&self, tick: u32) -> u32 {
        let from = self.manner.from;
        match (self.first, self.length) {
            (Some(first), length) if tick >= first && self.rounds > u32::from(self.over) => {
                let into = tick - first;
                from.saturating_add(
                    length.filter(|length| *length > 0).map_or(into, |length| into % length),
                )
            }
            _ => self.manner.start.unwrap_or(from).saturating_add(tick),
        }
    }

    /// Takes the next step of the song into `ready`. At the end of a round, the next begins.
    fn read(&mut self) {
        if !self.begun {
            self.begun = true;
            self.begin();
        }
        let next = self.song.next();
        let inside = |timed: &Timed| self.manner.to.is_none_or(|to| timed.tick < to);
        if let Some(timed) = next.filter(inside) {
            let tick = self.base.saturating_add(timed.tick.saturating_sub(self.origin()));
            return self.push(Timed { tick, ..timed });
        }
        let (from, origin) = (self.manner.from, self.origin());
        let to = self.manner.to.unwrap_or(u32::MAX).min(self.song.end().max(from));
        self.length = Some(to.saturating_sub(from));
        let length = to.saturating_sub(origin);
        self.first.get_or_insert(length);
        let end = self.base.saturating_add(length);
        self.end = self.end.max(end);
        self.rounds += 1;
        let last = self.manner.times.is_some_and(|times| self.rounds >= times);
        // A passage without length would go on for ever at one instant, one that is too long goes beyond all ticks.
        self.over = last || from >= to || end == u32::MAX;
        if self.over && self.manner.to.is_none() {
            return;
        }
        for (output, place, key) in std::mem::take(&mut self.sounding) {
            let what = What::note_off(self.song.is_clip(), place, key);
            self.ready.push_back(Timed { tick: end, output, what });
        }
        if !self.over {
            self.song = self.fresh.clone();
            self.base = end;
            self.begun = false;
        }
    }

    /// Reads up to the beginning of the passage. What was set before it is set now.
    fn begin(&mut self) {
        let origin = self.origin();
        if origin == 0 && self.rounds == 0 {
            return;
        }
        let mut chase = Chase::new(self.song.timing().tempo_us);
        let mut first = None;
        for timed in self.song.by_ref() {
            if timed.tick >= origin {
                first = Some(timed);
                break;
            }
            chase.skip(timed);
        }
        let base = self.base;
        self.ready.extend(chase.into_steps().map(|timed| Timed { tick: base, ..timed }));
        if let Some(timed) = first {
            self.song.unread(timed);
        }
    }

    /// Takes a step, changed as it is played.
    fn push(&mut self, mut timed: Timed) {
        if let Some((place, key, on)) = timed.what.note() {
            let key = match timed.what.transposed(place, key, self.manner.transpose) {
                Some(what) => {
                    timed.what = what;
                    timed.what.note().map_or(key, |(_, key, _)| key)
                }
                None => {
                    self.beyond += u64::from(on == Some(true));
                    return;
                }
            };
            let note = (timed.output, place, key);
            match on {
                Some(true) => self.sounding.insert(note),
                Some(false) => self.sounding.remove(&note),
                None => false,
            };
        }
        self.end = self.end.max(timed.tick);
        self.ready.push_back(timed);
    }

    /// Returns the next clock message, if it is due at or before a tick.
    fn next_clock(&mut self, tick: u32) -> Option<Timed> {
        if !self.manner.clock {
            return None;
        }
        let ppq = u64::from(self.timing().ppq.unsigned_abs());
        // The first one is a start, or a song position and what goes on from there.
        let due = self.clocks.saturating_sub(1) * ppq / CLOCKS;
        let due = u32::try_from(due).ok().filter(|due| *due <= tick)?;
        self.clocks += 1;
        let what = match self.clocks - 1 {
            0 => What::Start {
                sixteenths: u64::from(self.manner.start.unwrap_or(self.manner.from)) * 4
                    / ppq.max(1),
            },
            _ => What::ToAll(EventType::CLOCK),
        };
        Some(Timed { tick: due, output: 0, what })
    }
}

impl Iterator for Passage {
    type Item = Timed;

    fn next(&mut self) -> Option<Timed> {
        while self.ready.is_empty() && !self.over {
            self.read();
        }
        let tick = self.ready.front().map_or(self.end, |timed| timed.tick);
        if let Some(clock) = self.next_clock(tick) {
            return Some(clock);
        }
        let next = self.ready.pop_front();
        if next.is_none() && std::mem::take(&mut self.manner.clock) {
            let what = What::ToAll(EventType::STOP);
            return Some(Timed { tick: self.end, output: 0, what });
        }
        next
    }
}

impl What {
    /// Returns the group and channel, the key, and whether the note begins or ends, if this belongs to a note.
    fn note(&self) -> Option<(u8, u8, Option<bool>)> {
        match self {
            Self::Event(event) => {
                let note = event.data.note();
                let on = match event.event_type {
                    EventType::NOTEON => Some(note.velocity > 0),
                    EventType::NOTEOFF => Some(false),
                    EventType::KEYPRESS => None,
                    _ => return None,
                };
                Some((note.channel & 15, note.note, on))
            }
            Self::Packet(words) => {
                let [kind, status, key, velocity] = words[0].to_be_bytes();
                let is_note = match kind >> 4 {
                    2 => matches!(status >> 4, 8..=10),
                    // Also those that change one note: its controllers, its bend, its management.
                    4 => matches!(status >> 4, 0 | 1 | 6 | 8..=10 | 15),
                    _ => false,
                };
                let on = match status >> 4 {
                    8 => Some(false),
                    9 => Some(kind >> 4 == 4 || velocity > 0),
                    _ => None,
                };
                is_note.then_some((kind << 4 | status & 15, key & 127, on))
            }
            _ => None,
        }
    }

    /// Returns a note that is higher by some semitones. `None` if there is no such key.
    fn transposed(&self, place: u8, key: u8, by: i8) -> Option<Self> {
        if by == 0 || place & 15 == DRUMS {
            return Some(self.clone());
        }
        let key = key.checked_add_signed(by).filter(|key| *key < 128)?;
        let mut what = self.clone();
        match &mut what {
            Self::Event(event) => {
                let note = aseqd_abi::event::Note { note: key, ..event.data.note() };
                event.data = aseqd_abi::event::EventData::from_note(note);
            }
            Self::Packet(words) => words[0] = words[0] & 0xffff_00ff | u32::from(key) << 8,
            _ => {}
        }
        Some(what)
    }

    /// Returns the end of a note.
    fn note_off(clip: bool, place: u8, key: u8) -> Self {
        if !clip {
            return Self::Event(aseqd_client::event::note_off(place & 15, key, 0));
        }
        let packet = aseqd_client::ump::note_off(place >> 4, place & 15, key, 0);
        Self::Packet(packet.ump)
    }
}

#[cfg(test)]
mod tests;
