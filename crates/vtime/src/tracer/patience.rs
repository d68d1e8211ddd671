//! How to wait for a program that runs.

use std::time::{Duration, Instant};

/// How often the tracer gives way before it sleeps. On the program's own processor, giving way lets the program run, and
/// comes back when that sleeps: the quickest way to notice it. Elsewhere it costs half a microsecond each time.
const YIELDS: u32 = 4;

/// The first sleep. A program that answers a request or has been woken is asleep again after some tens of microseconds.
const FIRST: Duration = Duration::from_micros(30);

/// The longest sleep. A call that is stopped wakes the tracer, so only a computation of 80 ms or more that ends in a wait
/// without a timeout is noticed this late. Half as much would cost such a computation 0.2 % instead of 0.1 %.
const LONGEST: Duration = Duration::from_millis(20);

/// What to do next.
pub(super) enum Next {
    Yield,
    Sleep(Duration),
}

/// Counts how often the tracer has waited in a row.
#[derive(Default)]
pub(super) struct Patience {
    tries: u32,
    /// When the first sleep began.
    since: Option<Instant>,
}

impl Patience {
    /// Something has happened.
    pub(super) const fn reset(&mut self) {
        self.tries = 0;
        self.since = None;
    }

    /// Returns for how long the tracer has waited.
    pub(super) fn waited(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub(super) fn next(&mut self) -> Next {
        self.tries = self.tries.saturating_add(1);
        match self.tries.checked_sub(YIELDS) {
            None => Next::Yield,
            // A quarter longer each time.
            Some(sleeps) => {
                self.since.get_or_insert_with(Instant::now);
                let longer = 1.25_f64.powi(i32::try_from(sleeps.min(40)).unwrap_or(40));
                Next::Sleep(FIRST.mul_f64(longer).min(LONGEST))
            }
        }
    }
}
