//! MIDI time code: hours, minutes, seconds and frames, in quarter frames and in whole messages.

use aseqd_smf::Meta;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;
/// Minutes of a day. Time code begins again after it.
const DAY: u64 = 24 * 60;

/// Frames a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    Film,
    Pal,
    /// 30000 frames in 1001 seconds. Two frame numbers a minute are left out, except in each tenth one.
    Drop,
    Ntsc,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "24" => Self::Film,
            "25" => Self::Pal,
            "29.97" => Self::Drop,
            "30" => Self::Ntsc,
            _ => return Err("frames a second are 24, 25, 29.97 or 30".to_owned()),
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Film => "24",
            Self::Pal => "25",
            Self::Drop => "29.97",
            Self::Ntsc => "30",
        })
    }
}

impl Rate {
    /// Returns the rate with this number in a message.
    fn of(number: u8) -> Self {
        [Self::Film, Self::Pal, Self::Drop, Self::Ntsc][usize::from(number & 3)]
    }

    fn number(self) -> u8 {
        match self {
            Self::Film => 0,
            Self::Pal => 1,
            Self::Drop => 2,
            Self::Ntsc => 3,
        }
    }

    /// Returns how many frame numbers a second has.
    fn numbers(self) -> u64 {
        match self {
            Self::Film => 24,
            Self::Pal => 25,
            Self::Drop | Self::Ntsc => 30,
        }
    }

    /// Returns frames and the seconds that they take.
    fn fraction(self) -> (u128, u128) {
        match self {
            Self::Drop => (30_000, 1001),
            rate => (rate.numbers().into(), 1),
        }
    }

    /// Returns when a quarter frame is due, counted from 0, in nanoseconds.
    pub(crate) fn time_of(self, quarter: u64) -> u64 {
        let (frames, seconds) = self.fraction();
        let time = u128::from(quarter) * seconds * SECOND / (4 * frames);
        u64::try_from(time).unwrap_or(u64::MAX)
    }

    /// Returns the frame at a time.
    pub(crate) fn frame_at(self, time: Duration) -> u64 {
        let (frames, seconds) = self.fraction();
        u64::try_from(time.as_nanos() * frames / (seconds * SECOND)).unwrap_or(u64::MAX)
    }

    /// Returns the nanoseconds between two quarter frames.
    pub(crate) fn quarter(self) -> f64 {
        match self {
            Self::Drop => 1001.0 * 1e9 / 120_000.0,
            Self::Film => 1e9 / 96.0,
            Self::Pal => 1e9 / 100.0,
            Self::Ntsc => 1e9 / 120.0,
        }
    }
}

/// A time code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) rate: Rate,
    hours: u8,
    minutes: u8,
    seconds: u8,
    frames: u8,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A semicolon stands for frame numbers that are left out.
        let colon = if self.rate == Rate::Drop { ';' } else { ':' };
        let Self { hours, minutes, seconds, frames, .. } = self;
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}{colon}{frames:02}")
    }
}

impl Code {
    /// Returns the code of a frame, counted from 0.
    pub(crate) fn of(rate: Rate, frame: u64) -> Self {
        let mut number = frame;
        if rate == Rate::Drop {
            // Ten minutes have 9 times 1798 frames and once 1800.
            let (tens, rest) = (frame / 17_982, frame % 17_982);
            let dropped = if rest < 1800 { 0 } else { 2 * ((rest - 1800) / 1798 + 1) };
            number = tens * 18_000 + rest + dropped;
        }
        let low = |number: u64| u8::try_from(number).unwrap_or(0);
        let (seconds, frames) = (number / rate.numbers(), number % rate.numbers());
        let (minutes, seconds) = (seconds / 60 % DAY, seconds % 60);
        Self {
            rate,
            hours: low(minutes / 60),
            minutes: low(minutes % 60),
            seconds: low(seconds),
            frames: low(frames),
        }
    }

    /// Returns which frame has this code, counted from 0.
    pub(crate) fn frame(self) -> u64 {
        let minutes = u64::from(self.hours) * 60 + u64::from(self.minutes);
        let seconds = minutes * 60 + u64::from(self.seconds);
        let number = seconds * self.rate.numbers() + u64::from(self.frames);
        match self.rate {
            Rate::Drop => number.saturating_sub(2 * (minutes - minutes / 10)),
            _ => number,
        }
    }

    /// Returns the event of a Standard MIDI File that says that it begins at this code.
    pub(crate) fn offset(self) -> Meta {
        let Self { minutes, seconds, frames, .. } = self;
        let hours = self.hours | self.rate.number() << 5;
        Meta::SmpteOffset { hours, minutes, seconds, frames, hundredths: 0 }
    }

    /// Returns the data byte of one of its eight quarter frames.
    pub(crate) fn piece(self, number: u8) -> u8 {
        let nibble = match number & 7 {
            0 => self.frames & 15,
            1 => self.frames >> 4,
            2 => self.seconds & 15,
            3 => self.seconds >> 4,
            4 => self.minutes & 15,
            5 => self.minutes >> 4,
            6 => self.hours & 15,
            _ => self.hours >> 4 | self.rate.number() << 1,
        };
        (number & 7) << 4 | nibble
    }

    /// Returns the message that says the whole code at once.
    pub(crate) fn full_frame(self) -> [u8; 10] {
        let hours = self.hours | self.rate.number() << 5;
        let Self { minutes, seconds, frames, .. } = self;
        [0xf0, 0x7f, 0x7f, 1, 1, hours, minutes, seconds, frames, 0xf7]
    }

    /// Reads a message that says the whole code at once.
    pub(crate) fn of_full_frame(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [0xf0, 0x7f, _, 1, 1, hours, minutes, seconds, frames, 0xf7] => Some(Self {
                rate: Rate::of(hours >> 5),
                hours: hours & 31,
                minutes,
                seconds,
                frames,
            }),
            _ => None,
        }
    }
}

/// Puts quarter frames together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reader {
    pieces: [u8; 8],
    /// The number of the last piece.
    last: Option<u8>,
    /// How many pieces have come in a row, in one direction.
    run: u8,
    backwards: bool,
}

impl Reader {
    /// Takes the data byte of a quarter frame. Returns the code once all eight have come. That is the code of the first of
    /// them; since then, two frames have passed.
    pub(crate) fn take(&mut self, data: u8) -> Option<Code> {
        let (number, nibble) = (data >> 4 & 7, data & 15);
        let (forwards, backwards) = match self.last {
            Some(last) => ((last + 1) & 7 == number, (last + 7) & 7 == number),
            None => (false, false),
        };
        self.run = match (forwards, backwards) {
            (true, _) if !self.backwards => self.run.saturating_add(1),
            (_, true) if self.backwards => self.run.saturating_add(1),
            _ => 1,
        };
        if self.run == 1 {
            self.backwards = backwards;
        }
        self.last = Some(number);
        self.pieces[usize::from(number)] = nibble;
        let last = if self.backwards { 0 } else { 7 };
        if self.run < 8 || number != last {
            return None;
        }
        let pair = |low: usize| self.pieces[low] | self.pieces[low + 1] << 4;
        Some(Code {
            rate: Rate::of(self.pieces[7] >> 1),
            hours: pair(6) & 31,
            minutes: pair(4) & 63,
            seconds: pair(2) & 63,
            frames: pair(0) & 31,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_numbers() {
        for (rate, frame, code) in [
            (Rate::Pal, 0, "00:00:00:00"),
            (Rate::Pal, 25 * 3661 + 7, "01:01:01:07"),
            (Rate::Film, 24 * 86_400, "00:00:00:00"),
            (Rate::Drop, 1799, "00:00:59;29"),
            (Rate::Drop, 1800, "00:01:00;02"),
            (Rate::Drop, 1800 + 1798, "00:02:00;02"),
            (Rate::Drop, 17_982, "00:10:00;00"),
            (Rate::Ntsc, 1800, "00:01:00:00"),
        ] {
            assert_eq!(Code::of(rate, frame).to_string(), code, "{rate} {frame}");
            let day = rate.numbers() * 86_400;
            assert_eq!(Code::of(rate, frame).frame(), frame % day, "{code}");
        }
        // An hour of drop frame code is a real one, less 4 ms.
        assert_eq!(Rate::Drop.frame_at(Duration::from_secs(3600)), 107_892);
        assert_eq!(Code::of(Rate::Drop, 107_892).to_string(), "01:00:00;00");
    }

    #[test]
    fn quarter_frames_are_put_together() {
        for rate in [Rate::Film, Rate::Pal, Rate::Drop, Rate::Ntsc] {
            let code = Code::of(rate, 2_345_678);
            let mut reader = Reader::default();
            // It begins within a code.
            let found: Vec<_> =
                (5..24).filter_map(|number| reader.take(code.piece(number))).collect();
            assert_eq!(found, [code, code]);
            let found: Vec<_> =
                (0..17).rev().filter_map(|number| reader.take(code.piece(number))).collect();
            assert_eq!(found, [code, code], "backwards");
            assert_eq!(Code::of_full_frame(&code.full_frame()), Some(code));
            assert_eq!(rate.to_string().parse(), Ok(rate));
        }
        assert_eq!(Code::of_full_frame(&[0xf0, 1, 0xf7]), None);
    }

    #[test]
    fn quarter_frames_are_due_without_drift() {
        assert_eq!(Rate::Pal.time_of(100), 1_000_000_000);
        assert_eq!(Rate::Drop.time_of(120_000), 1_001_000_000_000);
        assert_eq!(Rate::Pal.frame_at(Duration::from_secs(2)), 50);
    }
}
