//! What can be chosen for a run.

use std::time::Duration;

/// How the clock moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// It stands while any thread runs, and jumps to the earliest deadline when all sleep.
    Virtual,
    /// It runs at this multiple of real time, and never jumps.
    Scaled(f64),
    /// It jumps as in [`Pace::Virtual`], but only up to a limit, which the [`World`](crate::World) moves. The limit is
    /// at the start at first.
    Step,
}

/// A pace and the date at which it begins, as a command line names them: `virtual`, `virtual=2026-03-01T12:00:00Z`,
/// `virtual=@SECONDS`, `virtual=now`, `x10`, `step`. [`std::str::FromStr`] reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// How the clock moves.
    pub pace: Pace,
    /// Virtual `CLOCK_REALTIME` at the beginning, in ns since 1970-01-01T00:00:00Z.
    pub epoch: i64,
}

/// In which order a world serves the requests of one virtual instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By the age of the threads, when all sleep. Every run has the same order.
    #[default]
    Canonical,
    /// As they arrive. It is quicker, but two runs may differ.
    Arrival,
}

/// How many processors the programs may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cpus {
    /// At most this many. With one, threads do not run at the same time, which removes most races.
    Count(usize),
    /// As many as the caller has.
    All,
}

/// The options of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How the clock moves.
    pub pace: Pace,
    /// Virtual `CLOCK_REALTIME` at the beginning, in ns since 1970-01-01T00:00:00Z.
    pub epoch: i64,
    /// Where the random numbers begin that programs get from the kernel. With `None` they are the kernel's own, and
    /// addresses are random too.
    pub seed: Option<u64>,
    /// How many processors the programs may use.
    pub cpus: Cpus,
    /// In which order the world serves requests.
    pub order: Order,
    /// Whether programs may wait for something outside, such as a terminal. If not, a run in which all threads sleep
    /// and nothing is due ends with [`Reason::Deadlock`](crate::Reason).
    pub outside: bool,
    /// How much virtual time may pass before the run ends with [`Reason::TimeLimit`](crate::Reason).
    pub time_limit: Option<Duration>,
}

impl Options {
    /// The epoch of a run that names none, in ns since 1970: 2026-01-01T00:00:00Z.
    pub const EPOCH: i64 = 1_767_225_600_000_000_000;
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pace: Pace::Virtual,
            epoch: Self::EPOCH,
            seed: Some(0),
            cpus: Cpus::Count(1),
            order: Order::Canonical,
            outside: true,
            time_limit: None,
        }
    }
}
