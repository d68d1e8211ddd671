//! The descriptor: messages in, answers out, and what became of each answer.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use zerocopy::IntoBytes;

use crate::error::ReceiveError;
use crate::wire;

/// The most bytes that one write request carries: 1 MiB, the kernel's own default limit (256 pages,
/// `fs.fuse.max_pages_limit`). A smaller limit would split more writes, perhaps inside of a record.
pub const MAX_WRITE: u32 = 1 << 20;

/// Room for the longest message: [`MAX_WRITE`] bytes and their headers, which fit into a page.
pub(crate) const BUFFER_SIZE: usize = MAX_WRITE as usize + 4096;
const _: () = assert!(BUFFER_SIZE >= wire::FUSE_MIN_READ_BUFFER);

/// How many reads in a row may fail before the descriptor counts as broken. Usually a failure concerns one
/// request (no memory to copy it, for example), but a descriptor on which every read fails would keep the
/// server busy for ever.
const MAX_FAILED_READS: u32 = 1000;

/// The memory in which messages arrive. A server needs one: a request borrows from it until the next is received.
#[derive(Debug)]
pub struct Buffer(
    /// Zeroed and untouched: only the pages that messages reach become resident.
    pub(crate) Vec<u8>,
);

impl Buffer {
    /// Allocates room for the longest message, about 1 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self(vec![0; BUFFER_SIZE])
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new()
    }
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The kernel took the answer.
    Delivered,
    /// No program waits for the answer any more: it gave up, it was answered before, or the device is
    /// unmounted. If the answer was to an open, the file is not open and no release will follow.
    Gone,
    /// The kernel refused the answer, for example because it is longer than what was asked for. The
    /// program got `EIO` instead. If the answer was to an open, the file is not open.
    /// [`Device::take_refused`](crate::Device::take_refused) gives the reason.
    Refused,
}

/// Answers that the kernel refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How many answers were refused.
    pub count: u64,
    /// The errno of the last one: `EINVAL` for an answer of a wrong length.
    pub errno: i32,
}

/// What a read of the descriptor found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A message of this many bytes.
    Message(usize),
    /// No message this time, but there may be more to read.
    Interrupted,
    /// No message until the descriptor is readable again.
    Nothing,
}

/// One descriptor of `/dev/fuse` or `/dev/cuse`.
#[derive(Debug)]
pub(crate) struct Connection {
    fd: OwnedFd,
    /// Answers that the kernel refused.
    refused: Option<Refused>,
    /// How many reads in a row have failed.
    failed_reads: u32,
}

impl Connection {
    /// Makes the descriptor non-blocking.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        Ok(Self { fd, refused: None, failed_reads: 0 })
    }

    /// Reads one message.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<Incoming, ReceiveError> {
        let length = match rustix::io::read(&self.fd, buffer) {
            // Not from /dev/fuse; the other end of a socket is closed.
            Ok(0) => return Err(ReceiveError::Disconnected),
            Ok(length) => length,
            Err(Errno::AGAIN) => return Ok(Incoming::Nothing),
            // ENOENT: the request was given up while it was read.
            Err(Errno::INTR | Errno::NOENT) => return Ok(Incoming::Interrupted),
            // ECONNABORTED instead of ENODEV is for servers that ask for it.
            Err(Errno::NODEV | Errno::CONNABORTED) => return Err(ReceiveError::Disconnected),
            // These concern the descriptor and not one request: no later read can succeed.
            Err(error @ (Errno::PERM | Errno::BADF | Errno::INVAL)) => {
                return Err(ReceiveError::Io(error.into()));
            }
            Err(error) => {
                self.failed_reads += 1;
                if self.failed_reads > MAX_FAILED_READS {
                    return Err(ReceiveError::Io(error.into()));
                }
                return Err(ReceiveError::Lost(error.into()));
            }
        };
        self.failed_reads = 0;
        Ok(Incoming::Message(length))
    }

    pub(crate) fn reply(&mut self, unique: u64, first: &[u8], second: &[u8]) -> Delivery {
        let sent = self.send(0, unique, first, second);
        self.delivery(unique, sent)
    }

    pub(crate) fn reply_errno(&mut self, unique: u64, errno: Errno) -> Delivery {
        let sent = self.send(-errno.raw_os_error(), unique, &[], &[]);
        self.delivery(unique, sent)
    }

    /// Sends a notification. It answers no request.
    pub(crate) fn notify(&mut self, code: i32, body: &[u8]) {
        match self.send(code, 0, body, &[]) {
            Ok(()) | Err(Errno::NOENT | Errno::NODEV) => {}
            Err(errno) => self.count_refused(errno),
        }
    }

    /// Says what became of an answer. A failure ends only the call that was answered.
    fn delivery(&mut self, unique: u64, sent: Result<(), Errno>) -> Delivery {
        match sent {
            Ok(()) => Delivery::Delivered,
            Err(Errno::NOENT | Errno::NODEV) => Delivery::Gone,
            Err(errno) => self.refuse(unique, errno),
        }
    }

    /// Ends a call with `EIO`, because its answer was refused, so that its program does not wait for ever.
    pub(crate) fn refuse(&mut self, unique: u64, errno: Errno) -> Delivery {
        self.count_refused(errno);
        // In most cases the kernel has already ended the call with `EIO`.
        let _gone = self.send(-Errno::IO.raw_os_error(), unique, &[], &[]);
        Delivery::Refused
    }

    /// Returns the refused answers since the last call.
    pub(crate) fn take_refused(&mut self) -> Option<Refused> {
        self.refused.take()
    }

    fn count_refused(&mut self, errno: Errno) {
        let count = self.refused.map_or(0, |before| before.count) + 1;
        self.refused = Some(Refused { count, errno: errno.raw_os_error() });
    }

    fn send(&self, error: i32, unique: u64, first: &[u8], second: &[u8]) -> Result<(), Errno> {
        let length = size_of::<wire::OutHeader>() + first.len() + second.len();
        // The kernel refuses a length that is not the message's.
        let len = u32::try_from(length).unwrap_or(u32::MAX);
        let header = wire::OutHeader { len, error, unique };
        let parts = [IoSlice::new(header.as_bytes()), IoSlice::new(first), IoSlice::new(second)];
        rustix::io::retry_on_intr(|| rustix::io::writev(&self.fd, &parts)).map(drop)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
