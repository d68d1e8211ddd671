//! The calls that are stopped.

use crate::rows::Row;
use crate::{clocks, random, scheduling, timers, uring, waits};

/// The calls, a family a line.
const FAMILIES: &[&[Row]] = &[
    clocks::ROWS,
    waits::sleep::ROWS,
    waits::poll::ROWS,
    waits::epoll::ROWS,
    waits::futex::ROWS,
    waits::signals::ROWS,
    waits::sysv::ROWS,
    waits::mq::ROWS,
    waits::sockets::ROWS,
    timers::timerfd::ROWS,
    timers::posix::ROWS,
    timers::itimer::ROWS,
    random::ROWS,
    uring::ROWS,
    scheduling::ROWS,
];

/// Returns all calls that are stopped.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    FAMILIES.iter().copied().flatten()
}

/// Returns the row of a call.
pub(crate) fn row(number: i64) -> Option<&'static Row> {
    rows().find(|row| row.number == number)
}
