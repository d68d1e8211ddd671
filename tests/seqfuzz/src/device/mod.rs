//! What a program runs on.

mod engine;
mod real;

pub use engine::EngineDevice;
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

/// What poll says.
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
    /// Opens it; the answer is a file number of this device's own.
    ///
    /// # Errors
    /// The sequencer's.
    fn open(&mut self, access: Access) -> Result<usize, Errno>;
    /// Opens the timer device; a file number likewise.
    ///
    /// # Errors
    /// The timer's, and `ENOENT` where there is none.
    fn open_timer(&mut self, access: Access) -> Result<usize, Errno>;
    /// Closes a file.
    fn close(&mut self, file: usize);
    /// A request with the bytes of its struct, as many as the code says.
    ///
    /// # Errors
    /// The sequencer's.
    fn ioctl(&mut self, file: usize, code: u32, argument: &mut [u8]) -> Result<i32, Errno>;
    /// Writes.
    ///
    /// # Errors
    /// The sequencer's.
    fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, Errno>;
    /// Reads.
    ///
    /// # Errors
    /// The sequencer's.
    fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, Errno>;
    /// Polls.
    fn poll(&mut self, file: usize) -> Readiness;
    /// Lets time pass.
    fn wait(&mut self, time: Duration);
    /// The process that the sequencer knows us as.
    fn process(&self) -> i32;
}
