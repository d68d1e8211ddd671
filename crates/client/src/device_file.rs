//! What a client needs of a device that is open.

use crate::error::errno;
use crate::ioctl::ioctl_bytes;
use crate::run_socket;
use aseqd_abi::Errno;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// A device file that is open: a file descriptor, or a sequencer in this process such as that of `aseqd-server`.
///
/// The methods are the system calls. What they return is what programs see of the device.
pub trait DeviceFile {
    /// Makes a request with the bytes of a struct: at least as many as the code says. The device reads them, or writes its
    /// answer there, or both.
    ///
    /// # Errors
    /// The device's error number.
    fn ioctl(&self, code: u32, argument: &mut [u8]) -> Result<i32, Errno>;

    /// Reads into a buffer, and returns how many bytes were read.
    ///
    /// # Errors
    /// The device's error number: `EAGAIN` if there is nothing to read and the file is non-blocking.
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno>;

    /// Writes, and returns how many bytes were taken.
    ///
    /// # Errors
    /// The device's error number: `EAGAIN` if there is no room and the file is non-blocking.
    fn write(&self, bytes: &[u8]) -> Result<usize, Errno>;

    /// Chooses whether reads and writes fail with `EAGAIN` instead of sleeping.
    ///
    /// # Errors
    /// Never for an open device.
    fn set_nonblocking(&self, nonblocking: bool) -> Result<(), Errno>;

    /// Waits until a read or a write would not sleep. Returns `false` if the timeout passes first.
    ///
    /// # Errors
    /// `ENODEV` if the device has ended.
    fn wait(&self, direction: Direction, timeout: Option<Duration>) -> Result<bool, Errno>;
}

/// What [`DeviceFile::wait`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Something to read.
    Read,
    /// Room to write.
    Write,
}

/// Reads from a device, and once more if a signal interrupts that.
pub(crate) fn read(device: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Errno> {
    if let Some(file) = run_socket::File::of(device) {
        return until_done(|| file.read(buffer));
    }
    rustix::io::retry_on_intr(|| rustix::io::read(device, &mut *buffer)).map_err(errno)
}

/// Makes a call until no signal interrupts it.
fn until_done<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            done => return done,
        }
    }
}

impl DeviceFile for OwnedFd {
    fn ioctl(&self, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        ioctl_bytes(self.as_fd(), code, argument)
    }

    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        read(self.as_fd(), buffer)
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        if let Some(file) = run_socket::File::of(self.as_fd()) {
            return until_done(|| file.write(bytes));
        }
        rustix::io::retry_on_intr(|| rustix::io::write(self, bytes)).map_err(errno)
    }

    fn set_nonblocking(&self, nonblocking: bool) -> Result<(), Errno> {
        let set = fcntl_getfl(self).and_then(|mut flags| {
            flags.set(OFlags::NONBLOCK, nonblocking);
            fcntl_setfl(self, flags)
        });
        set.map_err(errno)
    }

    fn wait(&self, direction: Direction, timeout: Option<Duration>) -> Result<bool, Errno> {
        let wanted = match direction {
            Direction::Read => PollFlags::IN,
            Direction::Write => PollFlags::OUT,
        };
        // A timeout beyond what the clock can say is none.
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let left = left.map(Timespec::try_from).transpose().map_err(|_| Errno::EINVAL)?;
            let mut ready = [PollFd::new(self, wanted)];
            match poll(&mut ready, left.as_ref()) {
                Err(rustix::io::Errno::INTR) => continue,
                polled => polled.map_err(errno)?,
            };
            let found = ready[0].revents();
            if found.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
                return Err(Errno::ENODEV);
            }
            return Ok(found.intersects(wanted));
        }
    }
}
