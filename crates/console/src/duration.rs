//! Durations on the command line, written in the same way for every option.

use std::time::Duration;

/// The longest duration that an option takes: a year.
const MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Units, and their nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Parses a duration such as `0.2`, `200ms`, `2s` or `5min`. A number without a unit is seconds.
///
/// # Errors
/// If it is not written so, or is longer than a year. The sentence says how a duration is written.
pub fn seconds(text: &str) -> Result<Duration, String> {
    parse(text, "s")
}

/// Parses a duration as [`seconds`] does, but a number without a unit is microseconds.
///
/// # Errors
/// As for [`seconds`].
pub fn microseconds(text: &str) -> Result<Duration, String> {
    parse(text, "us")
}

fn parse(text: &str, usual: &str) -> Result<Duration, String> {
    let wrong = || {
        let unit = if usual == "s" { "seconds" } else { "microseconds" };
        format!("a duration is a number of {unit}, or a number with a unit: ns, us, ms, s, min, h")
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = if unit.is_empty() { usual } else { unit };
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && part.is_empty() || part.contains('.') {
        return Err(wrong());
    }
    // The 16th digit after the point is less than a nanosecond in every unit, and more digits would overflow.
    let digits = format!("{whole}{}", &part[..part.len().min(15)]);
    let below = u32::try_from(digits.len() - whole.len()).map_err(|_| wrong())?;
    let digits = digits.parse::<u64>().map_err(|_| "at most 365 days".to_owned())?;
    let nanoseconds = u128::from(digits) * u128::from(*length) / 10_u128.pow(below);
    match u64::try_from(nanoseconds).map(Duration::from_nanos) {
        Ok(duration) if duration <= MAX => Ok(duration),
        _ => Err("at most 365 days".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_fractions_and_units() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("2", 2_000_000_000),
            ("0.2", 200_000_000),
            (".5", 500_000_000),
            ("1.", 1_000_000_000),
            ("200ms", 200_000_000),
            ("1.5ms", 1_500_000),
            ("2s", 2_000_000_000),
            ("7us", 7_000),
            ("7\u{b5}s", 7_000),
            ("9ns", 9),
            ("0.1234567891234567s", 123_456_789),
            ("5min", 300_000_000_000),
            ("1h", 3_600_000_000_000),
        ] {
            assert_eq!(seconds(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
        assert_eq!(microseconds("50"), Ok(Duration::from_micros(50)));
        assert_eq!(microseconds("0.05ms"), Ok(Duration::from_micros(50)));
        assert_eq!(seconds("8760h"), Ok(MAX));
    }

    #[test]
    fn what_is_no_duration_is_told_how_one_is_written() {
        for text in ["", "s", ".", "-1", "+1", "1e3", "inf", "NaN", "1 s", "1.2.3", "2d", "\u{661}"]
        {
            assert!(seconds(text).unwrap_err().contains("ms, s, min, h"), "{text}");
        }
        for text in ["8761h", "99999999999999999999", "18446744073709551615h"] {
            assert_eq!(seconds(text), Err("at most 365 days".to_owned()), "{text}");
        }
    }
}
