//! `/dev/snd/seq` and `/dev/snd/timer`, of Linux or of a server.

use super::{Access, Device, Inside, Readiness};
use crate::sys::{self, ARGUMENT_SIZE, Argument, errno};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The device node of the sequencer.
const PATH: &str = "/dev/snd/seq";
/// The device node of the timer.
const TIMER_PATH: &str = "/dev/snd/timer";

/// The sequencer of this machine.
#[derive(Debug, Default)]
pub struct RealDevice {
    files: Vec<Option<OwnedFd>>,
}

impl RealDevice {
    /// Returns the device with no file open.
    ///
    /// # Errors
    /// A message for people if the device cannot be opened.
    pub fn new() -> Result<Self, String> {
        match rustix::fs::open(PATH, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
            Ok(_) => Ok(Self::default()),
            Err(error) => Err(format!("{PATH} cannot be opened: {error}")),
        }
    }

    fn open_path(&mut self, path: &str, access: Access) -> Result<usize, Errno> {
        let access = match access {
            Access::Read => OFlags::RDONLY,
            Access::Write => OFlags::WRONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(errno)?;
        self.files.push(Some(fd));
        Ok(self.files.len() - 1)
    }

    fn file(&self, file: usize) -> Result<&OwnedFd, Errno> {
        self.files.get(file).and_then(Option::as_ref).ok_or(Errno::EBADF)
    }
}

/// What a poll asks for.
pub(crate) const ASKED: PollFlags = PollFlags::IN
    .union(PollFlags::OUT)
    .union(PollFlags::PRI)
    .union(PollFlags::RDNORM)
    .union(PollFlags::WRNORM);

/// Returns what a poll has found. Linux sets `POLLRDNORM` with `POLLIN` and `POLLWRNORM` with `POLLOUT`: where only one of two
/// is set, `other` has the bit of the former.
pub(crate) fn polled(told: PollFlags) -> Readiness {
    let (readable, writable) = (told.contains(PollFlags::IN), told.contains(PollFlags::OUT));
    let mut other = told - PollFlags::IN - PollFlags::OUT;
    for (set, norm) in [(readable, PollFlags::RDNORM), (writable, PollFlags::WRNORM)] {
        if set {
            other.toggle(norm);
        }
    }
    Readiness { readable, writable, other: other.bits().cast_unsigned() }
}

impl Device for RealDevice {
    fn open(&mut self, access: Access) -> Result<usize, Errno> {
        self.open_path(PATH, access)
    }

    fn open_timer(&mut self, access: Access) -> Result<usize, Errno> {
        self.open_path(TIMER_PATH, access)
    }

    fn create_timer(&mut self, file: usize, argument: &mut [u8]) -> Result<usize, Errno> {
        self.ioctl(file, timers::CREATE, argument)?;
        let number = i32::from_le_bytes([argument[8], argument[9], argument[10], argument[11]]);
        self.files.push(Some(sys::adopt(number)));
        Ok(self.files.len() - 1)
    }

    fn close(&mut self, file: usize) {
        if let Some(fd) = self.files.get_mut(file) {
            drop(fd.take());
        }
    }

    fn ioctl(&mut self, file: usize, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        // No driver of ours knows such a code, and the buffer could not hold its struct.
        if aseqd_abi::ioctl::size(code) > ARGUMENT_SIZE {
            return Err(Errno::ENOTTY);
        }
        let mut buffer = Argument([0; ARGUMENT_SIZE]);
        buffer.0[..argument.len()].copy_from_slice(argument);
        let result = sys::ioctl(self.file(file)?, code, &mut buffer);
        argument.copy_from_slice(&buffer.0[..argument.len()]);
        result
    }

    fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, Errno> {
        rustix::io::write(self.file(file)?, data).map_err(errno)
    }

    fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, Errno> {
        rustix::io::read(self.file(file)?, buffer).map_err(errno)
    }

    fn poll(&mut self, file: usize) -> Readiness {
        let Ok(file) = self.file(file) else { return Readiness::default() };
        let mut fds = [PollFd::new(file, ASKED)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut fds, Some(&now)).is_err() {
            return Readiness::default();
        }
        polled(fds[0].revents())
    }

    fn wait(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn inside(&mut self, inside: &Inside) -> Result<usize, Errno> {
        if *inside != Inside::Texts {
            return Err(Errno::ENODEV);
        }
        // What they say depends on the machine. That they can be read is what counts.
        for text in ["seq/clients", "seq/queues", "seq/timer", "timers"] {
            let _said = std::fs::read(format!("/proc/asound/{text}"));
        }
        Ok(0)
    }

    fn process(&self) -> i32 {
        rustix::process::getpid().as_raw_nonzero().get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bits_of_a_poll_must_agree() {
        let (read, write) = (PollFlags::IN | PollFlags::RDNORM, PollFlags::OUT | PollFlags::WRNORM);
        let both = Readiness { readable: true, writable: true, other: 0 };
        assert_eq!(polled(read | write), both);
        let rdnorm = PollFlags::RDNORM.bits().cast_unsigned();
        assert_eq!(polled(write | PollFlags::IN), Readiness { other: rdnorm, ..both });
        assert_eq!(polled(PollFlags::RDNORM), Readiness { other: rdnorm, ..Readiness::default() });
    }
}
