//! The words of the contract: what enters the engine and what leaves it.

use crate::Error;
use alloc::borrow::Cow;
use aseqd_abi::Errno;

/// Poll bit: a read would not sleep.
pub const READABLE: usize = 1;
/// Poll bit: the client's output pool has as much room as the client asks for.
pub const WRITABLE: usize = 2;

/// Maximum number of records that one [`Call::Write`] handles before it answers [`Reply::More`], so
/// that a flood of events does not keep other programs and due events waiting.
pub const WRITE_BATCH: usize = 1000;

/// The number of an open file. The lowest free number is given to the next file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FileId(pub u32);

/// Which device file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// `/dev/snd/seq`: each open file is a client.
    Sequencer,
    /// `/dev/snd/timer`: each open file can be bound to one timer.
    Timer,
    /// `/dev/snd/controlC0`: programs ask it what the sound card has.
    Control,
}

/// How a file was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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

/// The opener of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    /// A program. On the timer device its instance is called "application" and the process id, and
    /// slaves find it by that id.
    User {
        /// Process id, as other programs are to see it.
        pid: i32,
    },
    /// A client of kernel type that lives in the server, such as hardware or a bridge.
    Kernel {
        /// Client number, below 128. With `None` the engine takes the lowest free number of those
        /// for programs.
        number: Option<u8>,
        /// Number of the sound card to report, or -1.
        card: i32,
        /// Client name; bytes beyond the 63rd are cut off.
        name: &'a str,
    },
}

/// Everything that can happen to the engine. A recorder, a replay or a fuzzer needs to see nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A file is opened. The reply's value is its [`FileId`].
    Open {
        /// Which device file.
        node: Node,
        /// For reading, writing or both.
        access: Access,
        /// The opener.
        identity: Identity<'a>,
    },
    /// A call on an open file.
    Call {
        /// On which file.
        file: FileId,
        /// Which call.
        call: Call<'a>,
    },
    /// Names the thread that makes the next call. The timer device binds in the name of the calling
    /// thread. Without this input it uses the process that opened the file.
    Thread {
        /// On which file.
        file: FileId,
        /// Thread id, as other programs are to see it.
        thread: i32,
    },
    /// A file of the timer device becomes that of a new user-driven timer. The reply's value is the timer's
    /// number. It is for drivers that can open a second file for a program, but cannot give it the one that
    /// `CREATE` opens.
    BecomeUserTimer {
        /// Which file. It is bound to no timer any more.
        file: FileId,
        /// Resolution of the timer, in nanoseconds.
        resolution: u64,
    },
    /// The last descriptor of a file is closed.
    Close {
        /// Which file.
        file: FileId,
    },
    /// Nothing but time passed.
    Timeout,
}

/// A call on an open file, whatever device the file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// An ioctl. Bytes to copy back to the program, if any, are in the output buffer.
    ///
    /// The timer device's `CREATE` opens another file, that of the new user-driven timer. Its
    /// [`FileId`] stands in the field `fd` of the struct that is copied back. The driver opens a
    /// descriptor for it and writes that into the field instead.
    Ioctl {
        /// The whole request code.
        request: u32,
        /// Whether the caller is a 32-bit process.
        compat: bool,
        /// What the program passed; empty for requests that pass nothing.
        arg: &'a [u8],
    },
    /// A read. The bytes are in the output buffer.
    Read {
        /// Size of the program's buffer.
        len: usize,
        /// Whether to fail with `EAGAIN` instead of sleeping.
        nonblock: bool,
    },
    /// A write.
    Write {
        /// The bytes.
        data: &'a [u8],
        /// Whether to fail with `EAGAIN` instead of sleeping.
        nonblock: bool,
    },
    /// A poll. The reply's value has the bits [`READABLE`] and [`WRITABLE`].
    Poll,
}

/// The answer to an [`Input`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Reply {
    /// The call is finished and returns this number.
    Done(usize),
    /// The call has handled this many bytes and sleeps. Call again with the rest when
    /// [`Output::Ready`] names the file. A non-blocking call never gets this reply.
    Wait(usize),
    /// The call has handled this many bytes of a long write. Call again with the rest after other
    /// programs had their turn.
    More(usize),
    /// The call fails.
    Failed(Error),
}

impl Reply {
    /// Returns the value of the call, or how many bytes it has handled so far.
    ///
    /// # Errors
    /// The error of a failed call; `EAGAIN` for a call that sleeps and has handled nothing yet.
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

/// What the engine tells the driver besides replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// What a read, write or poll of this file would answer may have changed.
    Ready(FileId),
}

/// A client that a program, or a bridge in the server, has open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenClient<'a> {
    /// Its client number.
    pub number: u8,
    /// Its file.
    pub file: FileId,
    /// Its process, as [`Identity::User`] gave it; -1 for a client of the server's own.
    pub pid: i32,
    /// Its name.
    pub name: Cow<'a, str>,
}
