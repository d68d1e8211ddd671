//! The device: one descriptor, messages in, answers out.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use zerocopy::IntoBytes;

use crate::config::{CharacterConfig, Config};
use crate::connection::{BUFFER_SIZE, Buffer, Connection, Delivery, Incoming, Refused};
use crate::cuse::{self, Character};
use crate::error::{Malformed, ReceiveError};
use crate::fs::{Directory, Target};
use crate::message::{Message, decode_call};
use crate::request::{NodeIndex, Operation, PollHandle, Request, Token};
use crate::{greeting, metadata, private, wire};

/// How many requests [`Device::receive`] answers by itself before it returns to its caller.
const MAX_OWN_ANSWERS: usize = 256;

/// The kernel takes an error from 1 to 511 in an answer (`fs/fuse/dev.c`, `fuse_dev_do_write`).
const MAX_ERRNO: i32 = 511;

/// In what programs see the nodes.
#[derive(Debug)]
enum Front {
    /// A mounted directory, with a file for each.
    Directory(Directory),
    /// A device file of the machine, for one node.
    Character(Character),
}

/// A set of device nodes behind one `/dev/fuse` descriptor, or one node behind one of `/dev/cuse`.
///
/// Never blocks. Wait for the descriptor ([`AsFd`]) to become readable, *level*-triggered, and call
/// [`receive`](Self::receive) until it returns `None`. Dropping the device ends the connection: all
/// blocked programs get an error.
#[derive(Debug)]
pub struct Device {
    connection: Connection,
    front: Front,
    /// The minor version of the kernel's protocol, once it has said so.
    minor: Option<u32>,
}

impl Device {
    /// Takes a descriptor of `/dev/fuse` ([`open_fuse`](crate::open_fuse)), and makes it
    /// non-blocking. It may be mounted before or after. (For tests, a sequenced-packet socket whose
    /// other end plays the kernel does as well.)
    ///
    /// # Errors
    /// `InvalidInput` for names that cannot be file names, or errors of `fcntl`.
    pub fn new(fd: OwnedFd, config: Config) -> io::Result<Self> {
        let directory = Directory::new(config)?;
        Ok(Self::with(Connection::new(fd)?, Front::Directory(directory)))
    }

    /// Takes a fresh descriptor of `/dev/cuse` ([`open_cuse`](crate::open_cuse)), and makes it
    /// non-blocking. The device file does not exist before [`start`](Self::start).
    ///
    /// # Errors
    /// `InvalidInput` for a name that the kernel would not take, or errors of `fcntl`.
    pub fn character(fd: OwnedFd, config: CharacterConfig) -> io::Result<Self> {
        let character = Character::new(config)?;
        Ok(Self::with(Connection::new(fd)?, Front::Character(character)))
    }

    const fn with(connection: Connection, front: Front) -> Self {
        Self { connection, front, minor: None }
    }

    /// Agrees on a protocol with `/dev/cuse`. When this returns the kernel knows the device, and
    /// where `/dev` is a devtmpfs its file is there; calls that come are for [`receive`](Self::receive).
    ///
    /// # Errors
    /// [`Disconnected`](ReceiveError::Disconnected): the kernel has a device of that number or name.
    /// `WouldBlock` for a descriptor that has nothing to say, since it was started already.
    pub fn start(&mut self) -> Result<(), ReceiveError> {
        let mut buffer = vec![0; BUFFER_SIZE];
        let length = loop {
            match self.connection.read(&mut buffer) {
                Ok(Incoming::Message(length)) => break length,
                Ok(Incoming::Interrupted) => {}
                Ok(Incoming::Nothing) => return Err(ReceiveError::Io(Errno::AGAIN.into())),
                // Without its greeting nothing else can come.
                Err(ReceiveError::Lost(error)) => return Err(ReceiveError::Io(error)),
                Err(error) => return Err(error),
            }
        };
        let message = Message::parse(&buffer[..length])?;
        if message.header.opcode != wire::CUSE_INIT {
            return Err(message.malformed("no greeting of /dev/cuse").into());
        }
        self.handle_cuse_init(&message)?;
        // The kernel makes the device within the write of that answer, or gives the connection up.
        if cuse::is_aborted(self.connection.as_fd())? {
            return Err(ReceiveError::Disconnected);
        }
        Ok(())
    }

    /// Whether the kernel and the device have agreed on a protocol. From then on calls arrive;
    /// before, programs that touch the mount simply wait.
    pub fn is_ready(&self) -> bool {
        self.minor.is_some()
    }

    /// The next call of a program on a node; `None` if there is nothing to do now.
    ///
    /// All that belongs to the directory is answered on the way. So that a program that only asks
    /// for attributes cannot keep the server, this returns `None` after a number of such answers
    /// even if there is more to read; a level-triggered wait then returns at once.
    ///
    /// # Errors
    /// See [`ReceiveError`]; [`ends_device`](ReceiveError::ends_device) says whether it is of use to go
    /// on.
    pub fn receive<'b>(
        &mut self,
        buffer: &'b mut Buffer,
    ) -> Result<Option<Request<'b>>, ReceiveError> {
        let Some(length) = self.receive_call(&mut buffer.0)? else { return Ok(None) };
        let message = Message::parse(&buffer.0[..length]).map_err(ReceiveError::Malformed)?;
        Ok(self.request(&message)?)
    }

    /// Answers an open: `handle` comes back with every call on this open file. It must not be
    /// `u64::MAX`.
    pub fn reply_open(&mut self, token: Token, handle: u64) -> Delivery {
        let open_flags = match self.front {
            Front::Directory(_) => greeting::OPEN_FLAGS,
            // A device file has no page cache, no lock and no flush that could be asked for.
            Front::Character(_) => wire::FOPEN_DIRECT_IO,
        };
        let open = wire::OpenOut { fh: handle, open_flags, padding: 0 };
        self.connection.reply(token.0, open.as_bytes(), &[])
    }

    /// Answers a read; no bytes mean the end of the file. More than was asked for is refused.
    pub fn reply_data(&mut self, token: Token, data: &[u8]) -> Delivery {
        self.connection.reply(token.0, data, &[])
    }

    /// Answers a write with the number of bytes that were taken. More than was written is `EIO` at
    /// the program.
    pub fn reply_written(&mut self, token: Token, count: u32) -> Delivery {
        let write = wire::WriteOut { size: count, padding: 0 };
        self.connection.reply(token.0, write.as_bytes(), &[])
    }

    /// Answers an ioctl with the value that it returns to the program, and with the bytes for its
    /// argument: at most `out_size`, and less are possible. More than `out_size` is refused.
    ///
    /// A negative `result` is an errno for the program, and the bytes arrive nevertheless.
    pub fn reply_ioctl(&mut self, token: Token, result: i32, out: &[u8]) -> Delivery {
        // An errno alone goes as the error of the answer, which fits every kind of ioctl: the kernel
        // makes some for itself and takes no other answer that is shorter than `out_size`. `ENOSYS`
        // would mean something else there.
        if out.is_empty() && (-MAX_ERRNO..0).contains(&result) {
            let errno = Errno::from_raw_os_error(-result);
            if errno != Errno::NOSYS {
                return self.connection.reply_errno(token.0, errno);
            }
        }
        let ioctl = wire::IoctlOut { result, ..Default::default() };
        self.connection.reply(token.0, ioctl.as_bytes(), out)
    }

    /// Answers a poll with the `POLL*` bits that hold now.
    pub fn reply_poll(&mut self, token: Token, revents: u32) -> Delivery {
        let poll = wire::PollOut { revents, padding: 0 };
        self.connection.reply(token.0, poll.as_bytes(), &[])
    }

    /// Answers any call with a (positive) errno.
    ///
    /// `ENOSYS` is sent as `EOPNOTSUPP`, because the kernel would take it as a property of the whole
    /// mount and not ask again (after an open it would even let every open succeed). For a
    /// poll, any errno is `POLLERR` at the program. What is not an errno from 1 to 511 is refused.
    pub fn reply_error(&mut self, token: Token, errno: i32) -> Delivery {
        if !(1..=MAX_ERRNO).contains(&errno) {
            return self.connection.refuse(token.0, Errno::INVAL);
        }
        let errno = Errno::from_raw_os_error(errno);
        self.connection
            .reply_errno(token.0, if errno == Errno::NOSYS { Errno::OPNOTSUPP } else { errno })
    }

    /// Wakes the programs that sleep in a poll of this open file: they ask for its state again.
    ///
    /// Spurious notifications are harmless, also for a file that was released.
    pub fn notify_poll(&mut self, handle: PollHandle) {
        let wakeup = wire::NotifyPollWakeupOut { kh: handle.0 };
        self.connection.notify(wire::FUSE_NOTIFY_POLL, wakeup.as_bytes());
    }

    /// How many answers the kernel has refused since this was last asked, and why; `None` if there
    /// were none. The program behind each got `EIO`. Answers that the device gave by itself count, too.
    pub fn take_refused(&mut self) -> Option<Refused> {
        self.connection.take_refused()
    }

    /// Receives messages until there is one for the server, and answers the others. The length of
    /// that message.
    fn receive_call(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, ReceiveError> {
        for _ in 0..MAX_OWN_ANSWERS {
            let length = match self.connection.read(buffer)? {
                Incoming::Message(length) => length,
                Incoming::Interrupted => continue,
                Incoming::Nothing => return Ok(None),
            };
            let message = Message::parse(&buffer[..length]).map_err(ReceiveError::Malformed)?;
            match self.handle(&message) {
                Ok(true) => return Ok(Some(length)),
                Ok(false) => {}
                Err(ReceiveError::Malformed(malformed)) => {
                    self.refuse_malformed(&message);
                    return Err(ReceiveError::Malformed(malformed));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The request that a message for the server is.
    fn request<'b>(&self, message: &Message<'b>) -> Result<Option<Request<'b>>, Malformed> {
        let wire::InHeader { opcode, unique, nodeid, .. } = message.header;
        let caller = message.caller();
        let token = Token(unique);
        if opcode == wire::FUSE_INTERRUPT {
            let (interrupt, _) = message.argument::<wire::InterruptIn>()?;
            let operation = Operation::Interrupt { target: Token(interrupt.unique) };
            // An interrupt names no file: its target does.
            return Ok(Some(Request { token, node: NodeIndex(0), handle: 0, caller, operation }));
        }
        let Some(Target::Node(node)) = self.target(nodeid) else { return Ok(None) };
        Ok(decode_call(message)?.map(|call| Request {
            token,
            node,
            handle: call.handle,
            caller,
            operation: call.operation,
        }))
    }

    fn target(&self, nodeid: u64) -> Option<Target> {
        match &self.front {
            Front::Directory(directory) => directory.target(nodeid),
            // Its calls name no inode.
            Front::Character(character) => Some(Target::Node(character.node())),
        }
    }

    /// Answers what belongs to the directory. True for what belongs to the server.
    fn handle(&mut self, message: &Message<'_>) -> Result<bool, ReceiveError> {
        let wire::InHeader { opcode, unique, nodeid, .. } = message.header;
        match opcode {
            wire::FUSE_INIT => {
                self.handle_init(message)?;
                return Ok(false);
            }
            wire::CUSE_INIT => {
                self.handle_cuse_init(message)?;
                return Ok(false);
            }
            wire::FUSE_INTERRUPT => {
                let (_, _) = message.argument::<wire::InterruptIn>()?;
                return Ok(true);
            }
            // These take no answer, and an inode id carries all that we know about it.
            wire::FUSE_FORGET | wire::FUSE_BATCH_FORGET | wire::FUSE_NOTIFY_REPLY => {
                return Ok(false);
            }
            wire::FUSE_DESTROY => {
                self.connection.reply(unique, &[], &[]);
                return Ok(false);
            }
            _ => {}
        }
        let Some(target) = self.target(nodeid) else {
            self.connection.reply_errno(unique, Errno::STALE);
            return Ok(false);
        };
        match target {
            Target::Node(_) => {
                if let Some(ours) = self.handle_call(message)? {
                    return Ok(ours);
                }
            }
            Target::Root if opcode == wire::FUSE_IOCTL => {
                self.connection.reply_errno(unique, Errno::NOTTY);
                return Ok(false);
            }
            Target::Root => {}
        }
        let directory = match &mut self.front {
            Front::Directory(directory) => Some(directory),
            Front::Character(_) => None,
        };
        metadata::answer(&mut self.connection, directory, target, message)?;
        Ok(false)
    }

    fn handle_init(&mut self, message: &Message<'_>) -> Result<(), ReceiveError> {
        if let Some(minor) = greeting::answer_fuse(&mut self.connection, message)? {
            self.minor = Some(minor);
            if let Front::Directory(directory) = &mut self.front {
                directory.settle_inodes(minor >= greeting::PARALLEL_WRITES_MINOR);
            }
        }
        Ok(())
    }

    fn handle_cuse_init(&mut self, message: &Message<'_>) -> Result<(), ReceiveError> {
        let character = match &self.front {
            Front::Character(character) => Some(character),
            Front::Directory(_) => None,
        };
        let minor = greeting::answer_cuse(&mut self.connection, character, message)?;
        self.minor = Some(minor);
        Ok(())
    }

    /// True for a call that the server answers; `None` is not a call on a node.
    fn handle_call(&mut self, message: &Message<'_>) -> Result<Option<bool>, ReceiveError> {
        let unique = message.header.unique;
        let Some(call) = decode_call(message)? else { return Ok(None) };
        if private::HANDLE == call.handle {
            match call.operation {
                // As a driver that has no such request.
                Operation::Ioctl { .. } => self.connection.reply_errno(unique, Errno::NOTTY),
                Operation::Release => self.connection.reply(unique, &[], &[]),
                _ => self.connection.reply_errno(unique, Errno::BADF),
            };
            return Ok(Some(false));
        }
        let stream = self.minor.is_some_and(|minor| minor >= greeting::STREAM_MINOR);
        match call.operation {
            Operation::Open { flags } if private::is_open(flags, message.header.pid) => {
                self.reply_open(Token(unique), private::HANDLE);
                return Ok(Some(false));
            }
            // For a private mapping, `readahead` or POSIX_FADV_WILLNEED: it would take data from the
            // program, and could not be interrupted. A page fault gets SIGBUS.
            Operation::Read { .. } if call.page_cache => {
                self.connection.reply_errno(unique, Errno::IO);
                return Ok(Some(false));
            }
            // The rest of a call that was longer than a request, after a full answer to its head. The
            // call ends with what it has: a part of a call that may block is not to block. (The
            // position of an appending write is the end of the file instead of 0.)
            Operation::Read { .. } if stream && call.offset != 0 => {
                self.connection.reply(unique, &[], &[]);
                return Ok(Some(false));
            }
            Operation::Write { .. }
                if stream && call.offset != 0 && call.flags & OFlags::APPEND.bits() == 0 =>
            {
                self.connection.reply(unique, wire::WriteOut::default().as_bytes(), &[]);
                return Ok(Some(false));
            }
            // The kernel does not wait for this answer, only counts it.
            Operation::Release => _ = self.connection.reply(unique, &[], &[]),
            _ => {}
        }
        Ok(Some(true))
    }

    /// So that nobody waits for ever for an answer to what could not be understood.
    fn refuse_malformed(&mut self, message: &Message<'_>) {
        let silent = matches!(
            message.header.opcode,
            wire::FUSE_FORGET | wire::FUSE_BATCH_FORGET | wire::FUSE_INTERRUPT
        );
        if !silent {
            self.connection.reply_errno(message.header.unique, Errno::IO);
        }
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}
