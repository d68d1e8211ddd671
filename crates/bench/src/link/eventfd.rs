//! An eventfd: the least that can wake another process. A message is a number added to its value.

use super::ends::{Receiver, Sender};
use crate::device::now_ns;
use aseqd_host::error::{Context as _, Fail};
use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::OwnedFd;

/// The same eventfd twice.
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
        // Two that met in one value are lost for the statistics, not for the process.
        into.push((u32::try_from(value - 1).unwrap_or(u32::MAX), now_ns()));
        Ok(())
    }
}

/// Sleeps until the value is not 0, and takes it.
pub(super) fn wait(eventfd: &OwnedFd) -> Result<u64, Fail> {
    let mut value = [0; 8];
    rustix::io::retry_on_intr(|| rustix::io::read(eventfd, &mut value)).context("eventfd")?;
    Ok(u64::from_ne_bytes(value))
}

/// Adds to the value.
pub(super) fn add(eventfd: &OwnedFd, value: u64) -> Result<(), Fail> {
    rustix::io::write(eventfd, &value.to_ne_bytes()).map(drop).context("eventfd")
}
