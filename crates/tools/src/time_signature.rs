//! Time signatures, bars and beats in ticks, and tempos.

use aseqd_smf::Meta;
use std::str::FromStr;

/// How many beats a bar has, and what a beat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeSignature {
    /// Beats of a bar.
    pub(crate) numerator: u8,
    /// The beat as a part of a whole note, as a power of two: 2 for quarter notes.
    pub(crate) denominator_power: u8,
}

impl Default for TimeSignature {
    fn default() -> Self {
        Self { numerator: 4, denominator_power: 2 }
    }
}

impl FromStr for TimeSignature {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(numerator, denominator)| {
            let numerator = numerator.parse::<u8>().ok().filter(|beats| *beats > 0)?;
            let denominator = denominator.parse::<u8>().ok()?;
            (denominator.is_power_of_two() && denominator <= 64).then_some((numerator, denominator))
        });
        let (numerator, denominator) = parsed.ok_or("a time signature is such as 3/4 or 6/8")?;
        let power = u8::try_from(denominator.trailing_zeros()).unwrap_or(0);
        Ok(Self { numerator, denominator_power: power })
    }
}

impl TimeSignature {
    /// Returns the ticks of a beat, at least 1.
    pub(crate) fn beat(self, ticks_per_quarter: u32) -> u32 {
        ((u64::from(ticks_per_quarter) * 4) >> self.denominator_power.min(31))
            .try_into()
            .map_or(u32::MAX, |beat: u32| beat.max(1))
    }

    /// Returns the ticks of a bar, at least 1.
    pub(crate) fn bar(self, ticks_per_quarter: u32) -> u32 {
        self.beat(ticks_per_quarter).saturating_mul(self.numerator.max(1).into())
    }

    /// Returns the event that a file has for it: a metronome clicks on each beat.
    pub(crate) fn meta(self) -> Meta {
        Meta::TimeSignature {
            numerator: self.numerator,
            denominator_power: self.denominator_power,
            clocks_per_click: u8::try_from(96_u32 >> self.denominator_power.min(6)).unwrap_or(24),
            notated_32nds: 8,
        }
    }
}

/// The slowest and the fastest tempo, in quarter notes a minute. A file has 24 bits for the microseconds of a quarter
/// note, so it can hold nothing slower.
const TEMPOS: std::ops::RangeInclusive<f64> = 4.0..=6000.0;

/// Returns the microseconds of a quarter note for quarter notes a minute.
pub(crate) fn tempo_us(text: &str) -> Option<u32> {
    let tempo: f64 = text.parse().ok().filter(|tempo| TEMPOS.contains(tempo))?;
    let microseconds = (60_000_000.0 / tempo).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 10000 to 15000000"
    )]
    Some(microseconds as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_have_beats_and_bars() {
        let ticks = |text: &str| {
            let signature: TimeSignature = text.parse().unwrap();
            (signature.beat(480), signature.bar(480))
        };
        assert_eq!(ticks("4/4"), (480, 1920));
        assert_eq!(ticks("6/8"), (240, 1440));
        assert_eq!(ticks("3/2"), (960, 2880));
        for wrong in ["", "4", "0/4", "4/3", "4/0", "4/128", "-1/4", "4/4/4", "256/4"] {
            assert!(wrong.parse::<TimeSignature>().is_err(), "{wrong}");
        }
        let meta = "6/8".parse::<TimeSignature>().unwrap().meta();
        assert_eq!(meta.to_data(), (0x58, vec![6, 3, 12, 8]));
    }
}
