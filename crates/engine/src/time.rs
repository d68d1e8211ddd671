//! Time, as the driver tells it to the engine.

use core::ops::{Add, Sub};

/// Nanoseconds on a monotonic clock. The driver chooses where its zero is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Time(pub u64);

impl Time {
    /// Returns a time from milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }
}

impl Add<u64> for Time {
    type Output = Self;
    /// Returns the time this many nanoseconds later, or the latest time there is.
    fn add(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }
}

impl Sub for Time {
    type Output = u64;
    /// Returns the nanoseconds between two times; 0 if the other is later.
    fn sub(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
