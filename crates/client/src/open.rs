//! Opens a device file, and waits for it.

use crate::device_file::{DeviceFile, Direction};
use crate::error::{Device, Error, Result, errno};
use crate::ioctl::ioctl;
use crate::run_socket;
use aseqd_abi::Errno;
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// Opens a device file that must know the request for its version.
pub(crate) fn open(path: &Path, device: Device, flags: OFlags, pversion: u32) -> Result<OwnedFd> {
    let opened = run_socket::open(path, device, flags).unwrap_or_else(|| {
        openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty()).map_err(errno)
    });
    let file = opened.map_err(|errno| Error::Open { device, path: path.to_owned(), errno })?;
    let mut version = 0_i32;
    let wrong = |errno| Error::WrongDevice { device, path: path.to_owned(), errno };
    ioctl(file.as_fd(), pversion, &mut version).map_err(wrong)?;
    Ok(file)
}

/// Chooses whether reads and writes return at once when there is nothing to read or no room.
pub(crate) fn set_nonblocking(file: &impl DeviceFile, nonblocking: bool) -> Result<()> {
    let what = "the mode of the descriptor cannot be changed";
    file.set_nonblocking(nonblocking).map_err(Error::of(what))
}

/// Waits until the file is ready for reading or writing. Returns `false` if the timeout passes first.
pub(crate) fn wait(
    file: &impl DeviceFile,
    device: Device,
    direction: Direction,
    timeout: Option<Duration>,
) -> Result<bool> {
    file.wait(direction, timeout).map_err(|errno| match errno {
        Errno::ENODEV => Error::Ended { device },
        errno => Error::Call { what: "the device cannot be waited for", errno },
    })
}
