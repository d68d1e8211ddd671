//! Opens a device file, and makes sure that it is the right one.

use crate::error::{Device, Error, Result};
use crate::ioctl::{errno, ioctl};
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

/// Opens a device file that must know the request for its version.
pub(crate) fn open(path: &Path, device: Device, flags: OFlags, pversion: u32) -> Result<OwnedFd> {
    let opened = openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty()).map_err(errno);
    let file = opened.map_err(|errno| Error::Open { device, path: path.to_owned(), errno })?;
    let mut version = 0_i32;
    let wrong = |errno| Error::WrongDevice { device, path: path.to_owned(), errno };
    ioctl(file.as_fd(), pversion, &mut version).map_err(wrong)?;
    Ok(file)
}
