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
pub(super) struct Reader(pub(super) OwnedFd);

impl Receiver for Reader {
    fn receive(&mut self, into: &mut Vec<(u32, u64)>) -> Result<(), Fail> {
        let value = wait(&self.0)?;
        // If two messages were added up, the sum stands for both and counts as one.
        into.push((u32::try_from(value - 1).unwrap_or(u32::MAX), now_ns()));
        Ok(())
    }
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
