//! Options as people write them.

use crate::options::{Cpus, Options, Pace, Time};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, epoch) = text.split_once('=').map_or((text, None), |(a, b)| (a, Some(b)));
        let pace = match word {
            "virtual" => Pace::Virtual,
            "step" => Pace::Step,
            _ => match word.strip_prefix('x').and_then(|factor| factor.parse::<f64>().ok()) {
                // Faster than that, a clock's smallest steps are seconds.
                Some(factor) if factor > 0.0 && factor <= 1e6 => Pace::Scaled(factor),
                Some(_) => return Err("a factor is above 0 and at most 1000000".to_owned()),
                None => return Err("expected virtual, step, or a factor such as x10".to_owned()),
            },
        };
        let epoch = epoch.map_or(Ok(Options::EPOCH), self::epoch)?;
        Ok(Self { pace, epoch })
    }
}

impl FromStr for Cpus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "all" => Ok(Self::All),
            Ok(count) if count > 0 => Ok(Self::Count(count)),
            _ => Err("expected a number of processors, or all".to_owned()),
        }
    }
}

/// A seed for [`Options::seed`]: a number, or `random` for `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub Option<u64>);

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "random" => Ok(Self(None)),
            Ok(seed) => Ok(Self(Some(seed))),
            Err(_) => Err("expected a number, or random".to_owned()),
        }
    }
}

/// Reads a duration such as `500ms`, `90s` or `1h30m`. A number alone is in seconds.
///
/// # Errors
/// A sentence if it is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a duration such as 500ms, 90s or 1h30m".to_owned();
    let mut rest = text;
    let mut sum = 0_f64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().map_err(|_| wrong())?;
        let after = &rest[end..];
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let seconds = match &after[..unit] {
            "ns" => 1e-9,
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "" if end == text.len() => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return Err(wrong()),
        };
        sum += number * seconds;
        rest = &after[unit..];
    }
    if text.is_empty() {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(sum).map_err(|_| wrong())
}

/// Reads a date: `now`, `@SECONDS` since 1970, or `YYYY-MM-DD[Thh:mm[:ss[.fraction]]][Z]` in UTC. Returns ns since 1970.
fn epoch(text: &str) -> Result<i64, String> {
    let wrong = || {
        "expected a date such as 2026-03-01 or 2026-03-01T12:00:00Z, @SECONDS since 1970, or now"
            .to_owned()
    };
    const SECOND: i64 = 1_000_000_000;
    if text == "now" {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| wrong())?;
        return i64::try_from(now.as_nanos()).map_err(|_| wrong());
    }
    if let Some(seconds) = text.strip_prefix('@') {
        let (whole, part) = seconds.split_once('.').unwrap_or((seconds, ""));
        let whole: i64 = whole.parse().map_err(|_| wrong())?;
        let part = fraction(part).ok_or_else(wrong)?;
        return whole.checked_mul(SECOND).and_then(|ns| ns.checked_add(part)).ok_or_else(wrong);
    }
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let date: Vec<i64> = numbers(date, '-').ok_or_else(wrong)?;
    let (time, part) = time.split_once('.').unwrap_or((time, ""));
    let time: Vec<i64> = numbers(time, ':').ok_or_else(wrong)?;
    let part = fraction(part).ok_or_else(wrong)?;
    let (&[year, month, day], &[hour, minute, ref second @ ..]) = (&*date, &*time) else {
        return Err(wrong());
    };
    let second = match *second {
        [] => 0,
        [second] => second,
        _ => return Err(wrong()),
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let is_date = (1970..=2200).contains(&year) && (1..=12).contains(&month);
    let is_time = hour < 24 && minute < 60 && second < 60;
    if !is_date || !(1..=last).contains(&day) || !is_time {
        return Err(wrong());
    }
    let days = days(year, month, day);
    Ok((((days * 24 + hour) * 60 + minute) * 60 + second) * SECOND + part)
}

/// Returns how many days have passed since 1970-01-01. Years begin in March here, so that the odd day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    // From March on, five months have 153 days.
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

fn numbers(text: &str, between: char) -> Option<Vec<i64>> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split(between).map(|part| part.parse().ok().filter(|_| digits(part))).collect()
}

/// Reads the digits after a point, as ns.
fn fraction(digits: &str) -> Option<i64> {
    let fits = digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| format!("{digits:0<9}").parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let read = |text: &str| text.parse::<Time>().map(|time| (time.pace, time.epoch));
        assert_eq!(read("virtual"), Ok((Pace::Virtual, Options::EPOCH)));
        assert_eq!(read("virtual=2026-01-01"), Ok((Pace::Virtual, Options::EPOCH)));
        assert_eq!(read("x2.5=@1"), Ok((Pace::Scaled(2.5), 1_000_000_000)));
        assert_eq!(read("step=1970-01-02T01:02:03.5Z"), Ok((Pace::Step, 90_123_500_000_000)));
        assert_eq!(
            read("virtual=2024-02-29T00:00"),
            Ok((Pace::Virtual, 1_709_164_800_000_000_000))
        );
        for wrong in ["", "x", "x0", "x-1", "xNaN", "fast", "virtual=", "virtual=2025-02-29"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for wrong in ["virtual=2025-13-01", "virtual=@", "virtual=2025-01-01T24:00"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_read() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("2.5"), Ok(Duration::from_millis(2500)));
        for wrong in ["", "ms", "5x", "1h30", "-1s", "1..2s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
