//! Statistics of one round and of several.

use super::device::signed;

/// Named figures of one measurement, in the order of the table. A name ends in its unit.
pub(super) type Figures = Vec<(String, f64)>;

/// Returns the quantile `part` (0 to 1) of sorted values, or 0 if there are none.
pub(super) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, reason = "an index, between 0 and last")]
    #[expect(clippy::cast_sign_loss, reason = "an index, between 0 and last")]
    let index = (last as f64 * part.clamp(0.0, 1.0)).round() as usize;
    sorted.get(index).copied().unwrap_or(0.0)
}

/// Returns the percentiles 50 and 99, in microseconds, of times in nanoseconds. Times may be negative.
pub(super) fn percentiles(nanoseconds: impl IntoIterator<Item = i64>) -> Figures {
    let mut values: Vec<f64> = nanoseconds.into_iter().map(|value| value as f64 / 1000.0).collect();
    values.sort_unstable_by(f64::total_cmp);
    vec![
        ("p50_us".to_owned(), quantile(&values, 0.5)),
        ("p99_us".to_owned(), quantile(&values, 0.99)),
    ]
}

/// Returns by how much each time of `to` is later than the one of `from`.
pub(super) fn differences(from: &[u64], to: &[u64]) -> impl Iterator<Item = i64> {
    from.iter().zip(to).map(|(from, to)| signed(*to) - signed(*from))
}

/// Median and range of one figure over the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Returns the spread of the values, or nothing if there are none.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _ => sorted[middle],
        };
        Some(Self { median, min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.5), 50.0);
        assert_eq!(quantile(&values, 0.99), 99.0);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn percentiles_are_of_sorted_values_in_microseconds() {
        let figures = percentiles((1..=1000).rev().map(|value| value * 1000));
        assert_eq!(figures, [("p50_us".to_owned(), 501.0), ("p99_us".to_owned(), 990.0)]);
    }

    #[test]
    fn a_spread_has_the_middle_and_both_ends() {
        let spread = Spread::of(&[3.0, 1.0, 9.0]);
        assert_eq!(spread, Some(Spread { median: 3.0, min: 1.0, max: 9.0 }));
        let spread = Spread::of(&[4.0, 2.0]);
        assert_eq!(spread, Some(Spread { median: 3.0, min: 2.0, max: 4.0 }));
        assert_eq!(Spread::of(&[]), None);
    }
}
