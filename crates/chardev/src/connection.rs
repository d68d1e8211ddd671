//! The descriptor: messages in, answers out, and what became of each answer.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use zerocopy::IntoBytes;

use crate::error::ReceiveError;
use crate::wire;

/// The most bytes that one write request carries: what the kernel allows by default (256 pages,
/// `fs.fuse.max_pages_limit`), since a write is better not split inside a record.
pub const MAX_WRITE: u32 = 1 << 20;

/// The kernel asks for `max_write` and the headers; a page is enough for them.
pub(crate) const BUFFER_SIZE: usize = MAX_WRITE as usize + 4096;
const _: () = assert!(BUFFER_SIZE >= wire::FUSE_MIN_READ_BUFFER);

/// After how many failed reads in a row the descriptor counts as broken. A failure is of one request
/// (no memory to copy it, say), but a descriptor that never gives one would keep the server busy.
const MAX_FAILED_READS: u32 = 1000;

/// Where messages arrive. One is enough: a request borrows from it until the next is received.
#[derive(Debug)]
pub struct Buffer(
    /// Zeroed memory that the kernel has not handed out yet: only what messages reach is resident.
    pub(crate) Vec<u8>,
);

impl Buffer {
    /// Memory for the longest message, about 1 MiB.
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
    /// Nobody waits for it any more: the request was given up, or answered before, or the device
    /// is unmounted. An open that ends so was not opened: no release will come for its handle.
    Gone,
    /// The kernel refused the answer, for example because it is longer than what was asked for. The
    /// program got `EIO` in its place. For an open this means what [`Gone`](Self::Gone) means.
    /// [`Device::take_refused`] tells the reason.
    Refused,
}

/// Answers that the kernel did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// The errno of the last: `EINVAL` for an answer of the wrong length.
    pub errno: i32,
}

/// What a read of the descriptor found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A message of this many bytes.
    Message(usize),
    /// No message this time; there may be one behind it.
    Interrupted,
    /// No message until the descriptor is readable again.
    Nothing,
}

/// One descriptor of `/dev/fuse` or `/dev/cuse`.
#[derive(Debug)]
pub(crate) struct Connection {
    fd: OwnedFd,
    /// Answers that the kernel did not take.
    refused: Option<Refused>,
    /// Reads in a row that failed.
    failed_reads: u32,
}

impl Connection {
    /// Makes the descriptor non-blocking.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        Ok(Self { fd, refused: None, failed_reads: 0 })
    }

    /// Reads one message. What is no message ends up in an error or in one of the other words.
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
            // Neither has anything to do with a request: the descriptor is of no use.
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

    /// Sends a notification, which nobody waits for.
    pub(crate) fn notify(&mut self, code: i32, body: &[u8]) {
        match self.send(code, 0, body, &[]) {
            Ok(()) | Err(Errno::NOENT | Errno::NODEV) => {}
            Err(errno) => self.count_refused(errno),
        }
    }

    /// What became of an answer. No failure of one ends more than the call that it is for.
    fn delivery(&mut self, unique: u64, sent: Result<(), Errno>) -> Delivery {
        match sent {
            Ok(()) => Delivery::Delivered,
            Err(Errno::NOENT | Errno::NODEV) => Delivery::Gone,
            Err(errno) => self.refuse(unique, errno),
        }
    }

    /// Ends a call whose answer cannot be given, so that nobody waits for it.
    pub(crate) fn refuse(&mut self, unique: u64, errno: Errno) -> Delivery {
        self.count_refused(errno);
        // In most cases the kernel has ended the call already, so, and nobody waits any more.
        let _gone = self.send(-Errno::IO.raw_os_error(), unique, &[], &[]);
        Delivery::Refused
    }

    /// The answers that the kernel refused since this was last asked.
    pub(crate) fn take_refused(&mut self) -> Option<Refused> {
        self.refused.take()
    }

    fn count_refused(&mut self, errno: Errno) {
        let count = self.refused.map_or(0, |before| before.count) + 1;
        self.refused = Some(Refused { count, errno: errno.raw_os_error() });
    }

    fn send(&self, error: i32, unique: u64, first: &[u8], second: &[u8]) -> Result<(), Errno> {
        let length = size_of::<wire::OutHeader>() + first.len() + second.len();
        // A length that does not fit is one that the kernel refuses.
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
