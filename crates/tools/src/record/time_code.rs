//! Follows MIDI time code: the events of a recording stand where the code was when they were played.

use crate::mtc::{Code, Rate, Reader};
use aseqd_abi::event::EventTime;
use aseqd_abi::{Address, Event, EventType};
use aseqd_smf::Meta;
use std::collections::VecDeque;

/// How many quarter frames the position is computed from: a quarter of a second of code. Fewer follow a change of speed
/// sooner, but the jitter of each counts more.
const POINTS: usize = 24;
/// A pause of as many quarter frames is none: the code has stopped meanwhile.
const PAUSE: u64 = 4;

/// The time code of one of the ports. The recorder's own queue stamps what arrives with its time.
#[derive(Debug)]
pub(super) struct TimeCode {
    /// Nanoseconds of a tick of the file, as a fraction.
    tick: (u128, u128),
    /// The port whose code is followed: the first that sends one.
    source: Option<Address>,
    reader: Reader,
    rate: Rate,
    /// The number of the last piece.
    piece: Option<u8>,
    /// The quarter frame that came last, counted from midnight. None until a whole code is known.
    quarter: Option<u64>,
    /// When the last quarter frames in a row came, and where the code was: both in nanoseconds.
    points: VecDeque<(u64, u64)>,
    /// The code that was named at once, until it runs.
    located: Option<Code>,
    /// The code of tick 0.
    begin: Option<Code>,
    /// The position of tick 0, in nanoseconds. It is below 0 if the code has jumped back before its own beginning.
    origin: i128,
    /// Whether an event stands in the file.
    begun: bool,
    /// The code has jumped to here since the last event.
    jumped: Option<Code>,
    /// The last position of an event, in nanoseconds from tick 0.
    last: i128,
    /// How many events came while no code ran.
    homeless: u64,
    /// What the file does not have yet.
    notes: Vec<(u32, Meta)>,
}

impl TimeCode {
    /// Begins with a code of which nothing has come. A tick of the file has `tempo_us` / `ppq` microseconds.
    pub(super) fn new(tempo_us: u32, ppq: u32) -> Self {
        Self {
            tick: (u128::from(tempo_us.max(1)) * 1000, u128::from(ppq.max(1))),
            source: None,
            reader: Reader::default(),
            rate: Rate::Ntsc,
            piece: None,
            quarter: None,
            points: VecDeque::new(),
            located: None,
            begin: None,
            origin: 0,
            begun: false,
            jumped: None,
            last: 0,
            homeless: 0,
            notes: Vec::new(),
        }
    }

    /// Takes in what belongs to the code. Returns whether it does.
    pub(super) fn take(&mut self, event: &Event, data: &[u8]) -> bool {
        let full = Code::of_full_frame(data).filter(|_| event.event_type == EventType::SYSEX);
        if full.is_none() && event.event_type != EventType::QFRAME {
            return false;
        }
        if *self.source.get_or_insert(event.source) != event.source {
            return true;
        }
        match full {
            Some(code) => self.locate(code),
            None => {
                let byte = u8::try_from(event.data.control().value & 127).unwrap_or(0);
                self.quarter_frame(byte, nanoseconds(event.time));
            }
        }
        true
    }

    /// Takes in a code that was named at once: it stands there until quarter frames come.
    fn locate(&mut self, code: Code) {
        self.stop();
        self.rate = code.rate;
        self.located = Some(code);
        self.jump(code);
    }

    fn stop(&mut self) {
        self.points.clear();
        self.quarter = None;
        self.located = None;
    }

    fn quarter_frame(&mut self, byte: u8, at: u64) {
        let piece = byte >> 4;
        let forwards = self.piece.is_none_or(|last| (last + 1) & 7 == piece);
        self.piece = Some(piece);
        let code = self.reader.take(byte);
        let paused = self.points.back().is_some_and(|(last, _)| at > last + self.pause());
        if let Some(located) = self.located.take() {
            // The first piece of a code comes with the frame that the code names.
            self.quarter = Some(4 * located.frame() + u64::from(piece));
        } else if !forwards || paused {
            // A tape that winds, lost messages, or another place: a whole code tells where.
            self.stop();
        } else {
            self.quarter = self.quarter.map(|quarter| quarter + 1);
        }
        if let Some(code) = code.filter(|_| forwards) {
            let quarter = 4 * code.frame() + 7;
            if self.quarter != Some(quarter) {
                self.points.clear();
                self.quarter = Some(quarter);
                self.jump(code);
            }
            self.rate = code.rate;
        }
        if let Some(quarter) = self.quarter {
            self.points.push_back((at, self.rate.time_of(quarter)));
            if self.points.len() > POINTS {
                self.points.pop_front();
            }
        }
    }

    /// The longest time between two quarter frames of a code that runs, in nanoseconds.
    fn pause(&self) -> u64 {
        PAUSE * self.rate.time_of(1)
    }

    /// Takes in that the code is at another place than before.
    fn jump(&mut self, code: Code) {
        if self.begun {
            self.jumped = Some(code);
        } else {
            self.begin = Some(code);
            self.origin = i128::from(code.rate.time_of(4 * code.frame()));
        }
    }

    /// Returns where the code is at a time, in nanoseconds, and whether it runs. Between two quarter frames it goes on at the
    /// measured speed, up to where the next one is due.
    fn position(&self, at: u64) -> Option<(u64, bool)> {
        let (Some(&(first, from)), Some(&(last, to))) = (self.points.front(), self.points.back())
        else {
            let code = self.located?;
            return Some((code.rate.time_of(4 * code.frame()), false));
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a quarter of a second is far below 2^53 ns"
        )]
        let off = |(when, position): (u64, u64)| {
            ((when - first) as f64, position.saturating_sub(from) as f64)
        };
        #[expect(clippy::cast_precision_loss, reason = "at most 24")]
        let count = self.points.len() as f64;
        let (mut times, mut positions) = (0.0, 0.0);
        for (time, position) in self.points.iter().copied().map(off) {
            (times, positions) = (times + time / count, positions + position / count);
        }
        // The straight line with the least squares.
        let (mut both, mut squares) = (0.0, 0.0);
        for (time, position) in self.points.iter().copied().map(off) {
            both += (time - times) * (position - positions);
            squares += (time - times) * (time - times);
        }
        let speed = if squares > 0.0 { both / squares } else { 1.0 };
        let (now, _) = off((at.max(first), from));
        let next = to + self.rate.time_of(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it saturates, and is limited"
        )]
        let position = from + (positions + speed * (now - times)).max(0.0).round() as u64;
        Some((position.min(next), at <= last + self.pause()))
    }

    /// Returns the tick at which an event was played.
    pub(super) fn tick(&mut self, event: &Event) -> u32 {
        let position = self.position(nanoseconds(event.time));
        self.homeless += u64::from(!position.is_some_and(|(_, runs)| runs));
        let Some((position, _)) = position else { return self.tick_at(self.last) };
        if !self.begun {
            self.begun = true;
            self.notes.extend(self.begin.map(|code| (0, code.offset())));
        }
        let mut place = i128::from(position) - self.origin;
        if let Some(code) = self.jumped.take() {
            if place < self.last {
                // What is there is not overwritten: the recording goes on behind it.
                self.origin = i128::from(position) - self.last;
                place = self.last;
            }
            let text = code.to_string().into_bytes();
            self.notes.push((self.tick_at(place), Meta::Text { kind: 6, text }));
        }
        self.last = self.last.max(place);
        self.tick_at(place)
    }

    /// Returns the tick of a place in the file.
    fn tick_at(&self, place: i128) -> u32 {
        let (length, parts) = self.tick;
        let place = u128::try_from(place).unwrap_or(0);
        u32::try_from((place * parts + length / 2) / length).unwrap_or(u32::MAX)
    }

    /// Takes what the file does not have yet: the code at which it begins, and those to which the code has jumped.
    pub(super) fn take_notes(&mut self) -> Vec<(u32, Meta)> {
        std::mem::take(&mut self.notes)
    }

    /// Returns the code of tick 0, if an event has one.
    pub(super) fn begin(&self) -> Option<Code> {
        self.begin.filter(|_| self.begun)
    }

    /// Returns how many events came while no code ran.
    pub(super) fn homeless(&self) -> u64 {
        self.homeless
    }
}

fn nanoseconds(time: EventTime) -> u64 {
    u64::from(time.tick_or_sec) * 1_000_000_000 + u64::from(time.nsec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::EventFlags;
    use aseqd_abi::event::{Control, EventData};

    const MS: u64 = 1_000_000;

    fn event(event_type: EventType, at: u64) -> Event {
        let (sec, nsec) = (at / 1_000_000_000, at % 1_000_000_000);
        let part = |part: u64| u32::try_from(part).expect("a time");
        Event {
            flags: EventFlags::REAL_TIME,
            time: EventTime::real(part(sec), part(nsec)),
            ..Event::direct(event_type)
        }
    }

    /// A follower with a tick of a millisecond.
    fn follower() -> TimeCode {
        TimeCode::new(1000, 1)
    }

    /// Sends the quarter frames from a frame on, each a little early or late.
    fn run(code: &mut TimeCode, rate: Rate, frame: u64, count: u64, begin: u64) {
        for number in 0..count {
            let whole = Code::of(rate, frame + number / 8 * 2);
            let piece = whole.piece(u8::try_from(number % 8).expect("a piece"));
            let control = Control { channel: 0, param: 0, value: piece.into() };
            let jitter = [0, MS, MS / 2, 0, 0, MS / 2][usize::try_from(number % 6).expect("it")];
            let quarter = Event {
                data: EventData::from_control(control),
                ..event(EventType::QFRAME, begin + rate.time_of(number) + jitter)
            };
            assert!(code.take(&quarter, &[]));
        }
    }

    fn tick(code: &mut TimeCode, at: u64) -> u32 {
        code.tick(&event(EventType::NOTEON, at))
    }

    #[test]
    fn events_stand_at_the_time_of_the_code() {
        for rate in [Rate::Film, Rate::Pal, Rate::Drop, Rate::Ntsc] {
            let mut code = follower();
            // An hour of code, which was named before it ran.
            let frame = 3600 * 24;
            assert!(
                code.take(&event(EventType::SYSEX, 5 * MS), &Code::of(rate, frame).full_frame())
            );
            assert_eq!(tick(&mut code, 7 * MS), 0);
            assert_eq!(code.homeless(), 1, "it does not run yet");
            for quarters in [40, 80] {
                run(&mut code, rate, frame, quarters, 1000 * MS);
                let at = rate.time_of(quarters - 1) + 2 * MS;
                let found = u64::from(tick(&mut code, 1000 * MS + at));
                // Half a millisecond is the mean of the jitter.
                assert!((at / MS).abs_diff(found) <= 1, "{rate}: {found}, not {}", at / MS);
                code.piece = None;
                code.located = Some(Code::of(rate, frame));
            }
            assert_eq!(code.homeless(), 1);
            assert_eq!(code.begin(), Some(Code::of(rate, frame)));
            assert_eq!(code.take_notes()[0], (0, Code::of(rate, frame).offset()));
        }
    }

    #[test]
    fn a_code_without_a_beginning_counts_from_the_first_whole_one() {
        let mut code = follower();
        assert_eq!((tick(&mut code, 0), code.homeless(), code.begin()), (0, 1, None));
        run(&mut code, Rate::Pal, 500, 16, 0);
        assert_eq!(tick(&mut code, 160 * MS), 160);
        assert_eq!(code.begin().map(|code| code.to_string()).as_deref(), Some("00:00:20:00"));
        // It stops there.
        assert_eq!((tick(&mut code, 5000 * MS), code.homeless()), (160, 2));
    }

    #[test]
    fn a_jump_forwards_leaves_a_gap_and_one_back_goes_on_behind() {
        let mut code = follower();
        run(&mut code, Rate::Pal, 500, 24, 0);
        let before = tick(&mut code, 235 * MS);
        assert!((234..=236).contains(&before), "{before}");
        run(&mut code, Rate::Pal, 550, 24, 10_000 * MS);
        let jumped = tick(&mut code, 10_230 * MS);
        assert!((2229..=2231).contains(&jumped), "{jumped}");
        run(&mut code, Rate::Pal, 100, 24, 20_000 * MS);
        assert_eq!(tick(&mut code, 20_230 * MS), jumped);
        let after = tick(&mut code, 20_235 * MS);
        assert!((jumped + 4..=jumped + 6).contains(&after), "{after}");
        let notes = code.take_notes();
        let texts: Vec<_> = notes[1..].iter().map(|(_, meta)| meta.clone()).collect();
        let text = |text: &str| Meta::Text { kind: 6, text: text.as_bytes().to_vec() };
        assert_eq!(texts, [text("00:00:22:00"), text("00:00:04:00")]);
    }

    #[test]
    fn what_is_no_code_and_what_another_port_sends_is_left_alone() {
        let mut code = follower();
        assert!(!code.take(&event(EventType::CLOCK, 0), &[]));
        assert!(!code.take(&event(EventType::SYSEX, 0), &[0xf0, 1, 0xf7]));
        run(&mut code, Rate::Pal, 500, 16, 0);
        let other = Event { source: Address::new(200, 1), ..event(EventType::QFRAME, 0) };
        assert!(code.take(&other, &[]));
        assert_eq!(tick(&mut code, 155 * MS), 155);
    }
}
