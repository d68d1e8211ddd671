//! Statistics of the time between messages.

/// Times between messages, in nanoseconds: their number, mean, standard deviation and extremes. It needs no memory for each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Intervals {
    pub(super) count: u64,
    pub(super) mean: f64,
    /// The sum of the squares of the differences from the mean (Welford's method).
    squares: f64,
    least: f64,
    most: f64,
}

impl Intervals {
    /// Adds one.
    #[expect(
        clippy::cast_precision_loss,
        reason = "intervals are far shorter than 2^53 ns, 104 days"
    )]
    pub(super) fn add(&mut self, nanoseconds: u64) {
        let value = nanoseconds as f64;
        self.count += 1;
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (value - self.mean);
        self.least = if self.count == 1 { value } else { self.least.min(value) };
        self.most = self.most.max(value);
    }

    /// Returns the standard deviation.
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 messages")]
    pub(super) fn deviation(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.squares / self.count as f64).sqrt() }
    }

    /// Returns the largest difference from the mean.
    pub(super) fn worst(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.most - self.mean).max(self.mean - self.least) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_deviation_and_worst() {
        let mut intervals = Intervals::default();
        assert_eq!((intervals.deviation(), intervals.worst()), (0.0, 0.0));
        for value in [8, 12, 8, 12, 8, 12] {
            intervals.add(value);
        }
        assert_eq!(intervals.count, 6);
        for (found, wanted) in
            [(intervals.mean, 10.0), (intervals.deviation(), 2.0), (intervals.worst(), 2.0)]
        {
            assert!((found - wanted).abs() < 1e-9, "{found} is not {wanted}");
        }
        intervals.add(24);
        assert!((intervals.mean - 12.0).abs() < 1e-9 && (intervals.worst() - 12.0).abs() < 1e-9);
    }
}
