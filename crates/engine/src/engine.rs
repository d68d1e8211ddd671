//! The border of the engine: inputs, replies, outputs.

use crate::seq::{Seq, ioctl};
use crate::{Error, Time};
use abi::Errno;
use alloc::string::String;
use alloc::vec::Vec;

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
    /// A program; `pid` is its process, as others shall see it.
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
        /// Direction.
        access: Access,
        /// By whom.
        identity: Identity<'a>,
    },
    /// An ioctl. Bytes to copy back, if any, are in the output buffer.
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

/// The sequencer. See the crate's documentation for the contract.
#[derive(Debug)]
pub struct Engine {
    seq: Seq,
    /// The client of each file.
    files: Vec<Option<u8>>,
    now: Time,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// A sequencer as after loading the kernel's modules: the System client and Midi Through.
    #[must_use]
    pub fn new() -> Self {
        Self { seq: Seq::new(), files: Vec::new(), now: Time(0) }
    }

    /// Takes in one input that happened at `now`. `out` is cleared and gets the bytes that go back
    /// to the program.
    pub fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Vec<u8>) -> Reply {
        self.now = self.now.max(now);
        self.seq.advance_to(self.now);
        out.clear();
        let reply = self.take_in(input, out);
        self.seq.refresh_deadlines();
        reply
    }

    fn take_in(&mut self, input: Input<'_>, out: &mut Vec<u8>) -> Reply {
        match input {
            Input::Open { access, identity } => self.handle_open(access, identity).into(),
            Input::Ioctl { file, request, compat, arg } => {
                let client = match self.client_of(file) {
                    Ok(client) => client,
                    Err(error) => return Reply::Failed(error),
                };
                ioctl::handle(&mut self.seq, client, request, compat, arg, out).into()
            }
            Input::Read { file, len, nonblock } => match self.client_of(file) {
                Ok(client) => self.seq.read(client, len, nonblock, out),
                Err(error) => Reply::Failed(error),
            },
            Input::Write { file, data, nonblock } => match self.client_of(file) {
                Ok(client) => self.seq.write(client, data, nonblock),
                Err(error) => Reply::Failed(error),
            },
            Input::Poll { file } => self.client_of(file).map(|client| self.seq.poll(client)).into(),
            Input::Close { file } => self.handle_close(file).into(),
            Input::Timeout => Reply::Done(0),
        }
    }

    /// The next time at which something falls due, if nothing else happens before. A time that has
    /// passed means: at once.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.seq.next_deadline().map(|(deadline, _)| deadline)
    }

    /// Takes one output, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.seq.take_ready().map(Output::Ready)
    }

    /// Opens a file.
    ///
    /// # Errors
    /// `ENOMEM` when no client number is free, `EBUSY` when the wanted one is taken.
    pub fn open(
        &mut self,
        now: Time,
        access: Access,
        identity: Identity<'_>,
    ) -> Result<FileId, Error> {
        let reply = self.handle(now, Input::Open { access, identity }, &mut Vec::new());
        let number = u32::try_from(reply.finish()?);
        number.map(FileId).map_err(|_| Error::new(Errno::ENOMEM, "too many files"))
    }

    /// Number of clients, those of the kernel included.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.seq.client_count()
    }

    /// The text of `/proc/asound/seq/clients`.
    #[must_use]
    pub fn proc_clients(&self) -> String {
        crate::seq::proc::clients(&self.seq)
    }

    /// The text of `/proc/asound/seq/queues`.
    #[must_use]
    pub fn proc_queues(&self) -> String {
        crate::seq::proc::queues(&self.seq)
    }

    /// The text of `/proc/asound/seq/timer`.
    #[must_use]
    pub fn proc_timer(&self) -> String {
        crate::seq::proc::timer(&self.seq)
    }

    /// The text of `/proc/asound/seq/drivers`: empty without sequencer hardware.
    #[must_use]
    pub const fn proc_drivers(&self) -> &'static str {
        ""
    }

    fn client_of(&self, file: FileId) -> Result<u8, Error> {
        self.files
            .get(file.0 as usize)
            .copied()
            .flatten()
            .ok_or(Error::new(Errno::EBADF, "no such file is open"))
    }

    fn handle_open(&mut self, access: Access, identity: Identity<'_>) -> Result<usize, Error> {
        let slot = self.files.iter().position(Option::is_none).unwrap_or(self.files.len());
        let file = u32::try_from(slot).map(FileId);
        let file = file.map_err(|_| Error::new(Errno::ENOMEM, "too many files"))?;
        let client = self.seq.open(file, access, identity)?;
        if slot == self.files.len() {
            self.files.push(None);
        }
        self.files[slot] = Some(client);
        Ok(slot)
    }

    fn handle_close(&mut self, file: FileId) -> Result<usize, Error> {
        let client = self.client_of(file)?;
        self.files[file.0 as usize] = None;
        self.seq.close(client);
        Ok(0)
    }
}
