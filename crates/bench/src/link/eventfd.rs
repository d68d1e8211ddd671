//! An eventfd, the cheapest way to wake another process. A message is a number that is added to its value.

use super::ends::{Receiver, Sender};
use crate::device::now_ns;
use aseqd_host::error::{Context as _, Fail};
use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::OwnedFd;

/// Returns two descriptors of one eventfd.
pub(super) fn pair() -> Result<(OwnedFd, OwnedFd), Fail> {
    let one = eventfd(0, EventfdFlags::CLOEXEC).context("eventfd")?;
    let other = rustix::io::fcntl_dupfd_cloexec(&one, 0).context("eventfd")?;
    Ok((one, other))
}

#[derive(Debug)]
pub(super) struct Writer(pub(super) OwnedFd);

impl Sender for Writer {
    fn send(&mut self, first: u32, _count: u32) -> Result<(), Fail> {
        let value = u64::from(first) + 1;
        rustix::io::write(&self.0, &value.to_ne_bytes()).map(drop).context("eventfd")
    }
}

#[derive(Debug)]
pub(super) struct Reader {
    eventfd: OwnedFd,
    /// The number of the next message.
    next: u32,
}

impl Reader {
    pub(super) const fn new(eventfd: OwnedFd) -> Self {
        Self { eventfd, next: 0 }
    }
}

impl Receiver for Reader {
    fn receive(&mut self, into: &mut Vec<(u32, u64)>) -> Result<(), Fail> {
        let value = wait(&self.eventfd)?;
        let now = now_ns();
        let numbers = numbers(self.next, value);
        self.next = self.next.saturating_add(u32::try_from(numbers.len()).unwrap_or(u32::MAX));
        into.extend(numbers.into_iter().map(|number| (number, now)));
        Ok(())
    }
}

/// Returns the numbers of the messages that were added up to a value. They follow each other from `next` on.
fn numbers(next: u32, value: u64) -> Vec<u32> {
    let mut left = value;
    let mut numbers = Vec::new();
    for number in next.. {
        match left.checked_sub(u64::from(number) + 1) {
            Some(rest) => left = rest,
            None => break,
        }
        numbers.push(number);
    }
    numbers
}

/// Sleeps until the value is not 0, then resets it and returns what it was.
pub(super) fn wait(eventfd: &OwnedFd) -> Result<u64, Fail> {
    let mut value = [0; 8];
    rustix::io::retry_on_intr(|| rustix::io::read(eventfd, &mut value)).context("eventfd")?;
    Ok(u64::from_ne_bytes(value))
}

/// Adds to the value.
pub(super) fn add(eventfd: &OwnedFd, value: u64) -> Result<(), Fail> {
    rustix::io::write(eventfd, &value.to_ne_bytes()).map(drop).context("eventfd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_taken_apart() {
        assert_eq!(numbers(0, 1), [0]);
        assert_eq!(numbers(0, 1 + 2 + 3), [0, 1, 2]);
        assert_eq!(numbers(7, 8), [7]);
        assert_eq!(numbers(7, 8 + 9), [7, 8]);
    }
}
