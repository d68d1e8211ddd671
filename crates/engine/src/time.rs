//! Time as the engine is told it.

use core::ops::{Add, Sub};

/// Nanoseconds on a monotonic clock whose zero is the driver's affair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// A time from milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }
}

impl Add<u64> for Time {
    type Output = Self;
    /// Nanoseconds later; stops at the end of time.
    fn add(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }
}

impl Sub for Time {
    type Output = u64;
    /// Nanoseconds between two times; 0 if the other is later.
    fn sub(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
