//! What a program runs on.

mod abilities;
mod engine;
mod inside;
pub(crate) mod real;

pub(crate) use abilities::Abilities;
pub use engine::EngineDevice;
pub use inside::Inside;
pub use real::RealDevice;

use aseqd_abi::Errno;
use std::time::Duration;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `O_RDONLY`.
    Read,
    /// `O_WRONLY`.
    Write,
    /// `O_RDWR`.
    ReadWrite,
}

/// What `poll` reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// POLLIN.
    pub readable: bool,
    /// POLLOUT.
    pub writable: bool,
    /// Any other bit that was set.
    pub other: u16,
}

/// A sequencer device. No call ever sleeps: files are opened with `O_NONBLOCK`.
pub trait Device {
    /// Opens the sequencer, and returns this device's own number of the file.
    ///
    /// # Errors
    /// The errno with which the sequencer answers.
    fn open(&mut self, access: Access) -> Result<usize, Errno>;
    /// Opens the timer device, and returns this device's own number of the file.
    ///
    /// # Errors
    /// The errno with which the timer device answers; `ENOENT` if there is none.
    fn open_timer(&mut self, access: Access) -> Result<usize, Errno>;
    /// Creates a user-driven timer by a request on the timer device, and returns this device's own number of its file.
    ///
    /// # Errors
    /// The errno with which the timer device answers.
    fn create_timer(&mut self, file: usize, argument: &mut [u8]) -> Result<usize, Errno>;
    /// Closes a file.
    fn close(&mut self, file: usize);
    /// Makes a request with the bytes of its struct, as many as the code says.
    ///
    /// # Errors
    /// The errno with which the sequencer answers.
    fn ioctl(&mut self, file: usize, code: u32, argument: &mut [u8]) -> Result<i32, Errno>;
    /// Makes a request as a 32-bit process does. A device that cannot do that makes it as a 64-bit one.
    ///
    /// # Errors
    /// The errno with which the sequencer answers.
    fn ioctl_compat(&mut self, file: usize, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        self.ioctl(file, code, argument)
    }
    /// Writes.
    ///
    /// # Errors
    /// The errno with which the sequencer answers.
    fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, Errno>;
    /// Reads.
    ///
    /// # Errors
    /// The errno with which the sequencer answers.
    fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, Errno>;
    /// Polls.
    fn poll(&mut self, file: usize) -> Readiness;
    /// Lets time pass.
    fn wait(&mut self, time: Duration);
    /// Does what no program can do to a device, but a server to its engine. Returns this device's own number of a file that
    /// it opens, else 0.
    ///
    /// # Errors
    /// `ENODEV` if the device is not the engine in this process; else the errno with which the engine answers.
    fn inside(&mut self, inside: &Inside) -> Result<usize, Errno> {
        let _has_no_inside = inside;
        Err(Errno::ENODEV)
    }
    /// Returns the process number by which the sequencer knows us.
    fn process(&self) -> i32;
    /// Says which call of a program makes the following calls of the device. Only a device that takes notes needs it.
    fn at(&mut self, _call: usize) {}
}
