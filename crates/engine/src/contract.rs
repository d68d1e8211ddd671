//! The words of the border: what enters the engine and what leaves it.

use crate::Error;
use alloc::borrow::Cow;
use aseqd_abi::Errno;

/// Poll bit: a read would return something.
pub const READABLE: usize = 1;
/// Poll bit: the output pool has its room.
pub const WRITABLE: usize = 2;

/// Records that one [`Input::Write`] handles before it answers [`Reply::More`]: a flood of events
/// must not keep other programs and due events waiting.
pub const WRITE_BATCH: usize = 1000;

/// One open of the device, as the driver knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// Which device file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// `/dev/snd/seq`: the file is a client.
    Sequencer,
    /// `/dev/snd/timer`: the file can be bound to a timer.
    Timer,
    /// `/dev/snd/controlC0`: the file asks what the sound card has.
    Control,
}

/// How a file was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `O_RDONLY`: can receive.
    Read,
    /// `O_WRONLY`: can send.
    Write,
    /// `O_RDWR`: both.
    ReadWrite,
}

impl Access {
    pub(crate) const fn reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite)
    }
    pub(crate) const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }
}

/// Who opens a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    /// A program; `pid` is its process, as others shall see it. On the timer device its instance is
    /// called "application" and this number, by which slaves find it.
    User {
        /// Process id.
        pid: i32,
    },
    /// A client of kernel type that lives in the server: hardware, a bridge.
    Kernel {
        /// Client number below 128, or none for the lowest free user number, as for cards from 28.
        number: Option<u8>,
        /// Sound card to report, or -1.
        card: i32,
        /// Client name, cut to 63 bytes.
        name: &'a str,
    },
}

/// Everything that can happen to the engine. Recorder, replay and fuzzer need no other tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A file is opened; the reply's value is its [`FileId`].
    Open {
        /// Which device file.
        node: Node,
        /// Direction.
        access: Access,
        /// By whom.
        identity: Identity<'a>,
    },
    /// An ioctl. Bytes to copy back, if any, are in the output buffer. The `CREATE` of the timer
    /// device opens another file, that of the user-driven timer: its [`FileId`] stands in the `fd`
    /// of the struct that is copied back, and the driver puts a descriptor for it in its place.
    Ioctl {
        /// On which file.
        file: FileId,
        /// The whole code.
        request: u32,
        /// The caller is a 32-bit process.
        compat: bool,
        /// What the program passed, for requests that pass something.
        arg: &'a [u8],
    },
    /// Who calls next: timers are bound in the name of the calling thread, not of the process that
    /// opened the file. Without it, that is assumed.
    Thread {
        /// On which file.
        file: FileId,
        /// Thread id, as others shall see it.
        thread: i32,
    },
    /// A read of at most `len` bytes, which are in the output buffer.
    Read {
        /// On which file.
        file: FileId,
        /// Size of the program's buffer.
        len: usize,
        /// Fail instead of sleeping.
        nonblock: bool,
    },
    /// A write.
    Write {
        /// On which file.
        file: FileId,
        /// The bytes.
        data: &'a [u8],
        /// Fail instead of sleeping.
        nonblock: bool,
    },
    /// A poll; the reply's value has [`READABLE`] and [`WRITABLE`].
    Poll {
        /// On which file.
        file: FileId,
    },
    /// The last descriptor of a file is closed.
    Close {
        /// Which file.
        file: FileId,
    },
    /// Nothing but time passed.
    Timeout,
}

/// Answer to an [`Input`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Reply {
    /// The call returns this number.
    Done(usize),
    /// The call has handled this many bytes and sleeps; retry with the rest when the file is ready.
    /// Never for a non-blocking call.
    Wait(usize),
    /// The call has handled this many bytes; go on with the rest, after others had their turn.
    More(usize),
    /// The call fails.
    Failed(Error),
}

impl Reply {
    /// The value of a finished call.
    ///
    /// # Errors
    /// The error of a failed call; a sleeping call is `EAGAIN`.
    pub const fn finish(self) -> Result<usize, Error> {
        match self {
            Self::Done(value) | Self::More(value) => Ok(value),
            Self::Wait(0) => Err(Error::new(Errno::EAGAIN, "the call sleeps")),
            Self::Wait(value) => Ok(value),
            Self::Failed(error) => Err(error),
        }
    }
}

impl From<Result<usize, Error>> for Reply {
    fn from(result: Result<usize, Error>) -> Self {
        result.map_or_else(Self::Failed, Self::Done)
    }
}

/// What the engine has to say beside replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// What a read, write or poll of this file would answer may have changed.
    Ready(FileId),
}

/// A client that somebody has open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenClient<'a> {
    /// Its number.
    pub number: u8,
    /// Its process, as [`Identity::User`] had it; -1 for one of the server's own.
    pub pid: i32,
    /// Its name.
    pub name: Cow<'a, str>,
}
