//! Opens a device file, and waits for it.

use crate::error::{Device, Error, Result};
use crate::ioctl::{errno, ioctl};
use aseqd_abi::Errno;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, fcntl_getfl, fcntl_setfl, openat};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// Opens a device file that must know the request for its version.
pub(crate) fn open(path: &Path, device: Device, flags: OFlags, pversion: u32) -> Result<OwnedFd> {
    let opened = openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty()).map_err(errno);
    let file = opened.map_err(|errno| Error::Open { device, path: path.to_owned(), errno })?;
    let mut version = 0_i32;
    let wrong = |errno| Error::WrongDevice { device, path: path.to_owned(), errno };
    ioctl(file.as_fd(), pversion, &mut version).map_err(wrong)?;
    Ok(file)
}

/// Chooses whether reads and writes return at once when there is nothing to read or no room.
pub(crate) fn set_nonblocking(file: BorrowedFd<'_>, nonblocking: bool) -> Result<()> {
    let set = fcntl_getfl(file).and_then(|mut flags| {
        flags.set(OFlags::NONBLOCK, nonblocking);
        fcntl_setfl(file, flags)
    });
    set.map_err(errno).map_err(Error::of("the mode of the descriptor cannot be changed"))
}

/// Waits until the file is ready for reading or writing. Returns `false` if the timeout passes first.
pub(crate) fn wait(
    file: BorrowedFd<'_>,
    device: Device,
    wanted: PollFlags,
    timeout: Option<Duration>,
) -> Result<bool> {
    let what = "the device cannot be waited for";
    // A timeout beyond what the clock can say is none.
    let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let left = left.map(Timespec::try_from).transpose();
        let left = left.map_err(|_| Error::Call { what, errno: Errno::EINVAL })?;
        let mut ready = [PollFd::from_borrowed_fd(file, wanted)];
        match poll(&mut ready, left.as_ref()) {
            Err(rustix::io::Errno::INTR) => continue,
            polled => polled.map_err(errno).map_err(Error::of(what))?,
        };
        let found = ready[0].revents();
        if found.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
            return Err(Error::Ended { device });
        }
        return Ok(found.intersects(wanted));
    }
}
