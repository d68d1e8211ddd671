//! Where the bars and the seconds of a song are.

use super::song::{Song, What};
use super::tempo::TempoMap;
use crate::time_signature::TimeSignature;
use aseqd_console::duration;
use std::time::Duration;

/// The most time signatures that are remembered. A malicious file can consist of nothing else.
const MAX_SIGNATURES: usize = 10_000;

/// A place in a song, as it is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A bar and a beat, both from 1.
    Bar(u32, u32),
    /// The time from the start of the song.
    Time(Duration),
}

/// Parses a place: `BAR:BEAT` or a duration.
///
/// # Errors
/// A sentence that says how a place is written.
pub(crate) fn place(text: &str) -> Result<Place, String> {
    let Some((bar, beat)) = text.split_once(':') else {
        return duration::seconds(text)
            .map(Place::Time)
            .map_err(|why| format!("a place is BAR:BEAT, such as 17:1, or a time: {why}"));
    };
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0);
    let place = number(bar).zip(number(beat)).map(|(bar, beat)| Place::Bar(bar, beat));
    place.ok_or_else(|| "bar and beat are numbers from 1, such as 17:1".to_owned())
}

/// The tempos and the time signatures of a whole song.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    map: TempoMap,
    ppq: u32,
    /// A time signature, the tick and the number of the bar with which it begins.
    signatures: Vec<(u32, u32, TimeSignature)>,
    /// The last tick.
    end: u32,
    has_bars: bool,
}

impl Timeline {
    /// Reads a song to its end.
    pub(crate) fn of(mut song: Song) -> Self {
        let timing = song.timing();
        let mut timeline = Self {
            map: TempoMap::new(timing),
            ppq: timing.ppq.unsigned_abs().max(1),
            signatures: vec![(0, 0, TimeSignature::default())],
            end: 0,
            has_bars: song.has_tempo(),
        };
        for timed in song.by_ref() {
            match timed.what {
                What::Tempo(tempo_us) => timeline.map.change(timed.tick, tempo_us),
                What::TimeSignature(signature) => timeline.sign(timed.tick, signature),
                _ => {}
            }
        }
        timeline.end = song.end();
        timeline
    }

    fn sign(&mut self, tick: u32, signature: TimeSignature) {
        let Some(&(from, bar, last)) = self.signatures.last() else { return };
        if signature == last || self.signatures.len() >= MAX_SIGNATURES {
            return;
        }
        // A signature within a bar cuts it short.
        let bars = (tick - from.min(tick)).div_ceil(last.bar(self.ppq));
        if tick == from {
            self.signatures.pop();
        }
        self.signatures.push((tick, bar + bars, signature));
    }

    /// Returns the last tick of the song.
    pub(crate) fn end(&self) -> u32 {
        self.end
    }

    /// Returns the time of a tick from the start of the song.
    pub(crate) fn time_of(&self, tick: u32) -> Duration {
        self.map.time_of(tick)
    }

    /// Returns the first tick at or after a time.
    pub(crate) fn tick_at(&self, time: Duration) -> u32 {
        let (mut low, mut high) = (0, u32::MAX);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.map.time_of(middle) < time { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Returns the bar and the beat of a tick, both from 1; `None` if the ticks are parts of frames.
    pub(crate) fn bar_of(&self, tick: u32) -> Option<(u32, u32)> {
        let later = self.signatures.partition_point(|(start, ..)| *start <= tick);
        let (start, bar, signature) = *self.signatures.get(later.saturating_sub(1))?;
        let (bars, beats) = (signature.bar(self.ppq), signature.beat(self.ppq));
        let into = tick - start.min(tick);
        self.has_bars.then_some((bar + into / bars + 1, into % bars / beats + 1))
    }

    /// Returns the tick of a place; `None` if it is a bar and the song has none.
    pub(crate) fn tick_of(&self, place: Place) -> Option<u32> {
        let (bar, beat) = match place {
            Place::Time(time) => return Some(self.tick_at(time)),
            Place::Bar(bar, beat) if self.has_bars => (bar - 1, beat - 1),
            Place::Bar(..) => return None,
        };
        let later = self.signatures.partition_point(|(_, start, _)| *start <= bar);
        let (tick, start, signature) = *self.signatures.get(later.saturating_sub(1))?;
        let bars = (bar - start.min(bar)).saturating_mul(signature.bar(self.ppq));
        let beats = beat.saturating_mul(signature.beat(self.ppq));
        Some(tick.saturating_add(bars).saturating_add(beats))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_smf::{Division, EventKind, Format, Meta, TrackWriter};

    fn song(metas: &[(u32, Meta)]) -> Song {
        let mut track = TrackWriter::new();
        for (tick, meta) in metas {
            track.push(*tick, &EventKind::Meta(meta.clone())).unwrap();
        }
        let mut bytes = Vec::new();
        let division = Division::Quarter(96);
        aseqd_smf::write(&mut bytes, Format::Single, division, &[track]).unwrap();
        Song::parse(&bytes).unwrap()
    }

    fn signature(text: &str) -> Meta {
        text.parse::<TimeSignature>().unwrap().meta()
    }

    #[test]
    fn bars_follow_the_signatures() {
        // Two bars of 4/4, two of 3/4, then a bar of 6/8 that begins too soon.
        let timeline = Timeline::of(song(&[
            (768, signature("3/4")),
            (768 + 600, signature("6/8")),
            (4000, Meta::EndOfTrack),
        ]));
        for (tick, bar) in [
            (0, (1, 1)),
            (95, (1, 1)),
            (96, (1, 2)),
            (767, (2, 4)),
            (768, (3, 1)),
            (768 + 288, (4, 1)),
            (768 + 576, (5, 1)),
            (768 + 600, (6, 1)),
            (768 + 600 + 48, (6, 2)),
            (768 + 600 + 288, (7, 1)),
        ] {
            assert_eq!(timeline.bar_of(tick), Some(bar), "tick {tick}");
            if tick != 95 && tick != 767 {
                assert_eq!(timeline.tick_of(Place::Bar(bar.0, bar.1)), Some(tick), "{bar:?}");
            }
        }
        assert_eq!(timeline.end(), 4000);
    }

    #[test]
    fn times_follow_the_tempo() {
        let timeline =
            Timeline::of(song(&[(192, Meta::Tempo(1_000_000)), (384, Meta::EndOfTrack)]));
        for (tick, milliseconds) in [(0, 0), (96, 500), (192, 1000), (288, 2000)] {
            let time = Duration::from_millis(milliseconds);
            assert_eq!((timeline.time_of(tick), timeline.tick_at(time)), (time, tick));
        }
        assert_eq!(timeline.tick_at(Duration::from_millis(501)), 97);
    }

    #[test]
    fn places_are_bars_or_times() {
        assert_eq!(place("17:3"), Ok(Place::Bar(17, 3)));
        assert_eq!(place("90"), Ok(Place::Time(Duration::from_secs(90))));
        assert_eq!(place("1.5min"), Ok(Place::Time(Duration::from_secs(90))));
        for wrong in ["", "0:1", "1:0", "1:", ":1", "a:b", "1:2:3", "-1:1", "x"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
