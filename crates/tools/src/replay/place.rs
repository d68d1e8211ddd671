//! Places in a recording, and speeds, as options have them.

use aseqd_console::duration;
use std::str::FromStr;

/// A place in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A record, by its number from 1.
    Record(u64),
    /// A time since the beginning, in nanoseconds.
    Time(u64),
}

impl Place {
    /// Returns whether a record is at this place or before it.
    pub(super) const fn includes(self, record: u64, elapsed: u64) -> bool {
        match self {
            Self::Record(number) => record <= number,
            Self::Time(time) => elapsed <= time,
        }
    }

    /// Returns whether a record is at this place or after it.
    pub(super) const fn is_reached(self, record: u64, elapsed: u64) -> bool {
        match self {
            Self::Record(number) => record >= number,
            Self::Time(time) => elapsed >= time,
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Record(number));
        }
        let time = duration::seconds(text)
            .map_err(|error| format!("it is the number of a record, or a time; {error}"))?;
        Ok(Self::Time(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// How fast a recording is replayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as the engine is.
    Max,
    /// This many times as fast as it was recorded.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "max" => Ok(Self::Max),
            "real" => Ok(Self::Times(1.0)),
            _ => match text.trim_start_matches('x').parse() {
                Ok(times) if (0.001..=1e6).contains(&times) => Ok(Self::Times(times)),
                _ => Err("a speed is max, real, or a factor from 0.001 to 1000000".to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbers_or_times() {
        assert_eq!("17".parse(), Ok(Place::Record(17)));
        assert_eq!("17s".parse(), Ok(Place::Time(17_000_000_000)));
        assert_eq!("0.5".parse(), Ok(Place::Time(500_000_000)));
        assert!("-1".parse::<Place>().unwrap_err().contains("ms, s, min"));
        let place = Place::Record(3);
        assert!(place.includes(3, 0) && !place.includes(4, 0));
        assert!(place.is_reached(3, 0) && !place.is_reached(2, 9));
        let place = Place::Time(3);
        assert!(place.includes(9, 3) && !place.includes(9, 4));
        assert!(place.is_reached(1, 3) && !place.is_reached(9, 2));
    }

    #[test]
    fn speeds_are_words_or_factors() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("real".parse(), Ok(Speed::Times(1.0)));
        assert_eq!("2.5".parse(), Ok(Speed::Times(2.5)));
        assert_eq!("x10".parse(), Ok(Speed::Times(10.0)));
        for wrong in ["0", "-1", "NaN", "inf", "fast", ""] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
    }
}
