//! The device: calls of programs in, answers out.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use zerocopy::IntoBytes;

use crate::config::{CharacterConfig, Config};
use crate::connection::{BUFFER_SIZE, Buffer, Connection, Delivery, Incoming, Refused};
use crate::cuse::{self, Character};
use crate::error::{Malformed, ReceiveError};
use crate::fs::{Directory, Inode};
use crate::message::{Message, decode_call};
use crate::request::{NodeIndex, Operation, PollHandle, Request, Token};
use crate::{greeting, metadata, private, wire};

/// The most requests that [`Device::receive`] answers by itself before it returns. Each takes a few
/// microseconds, so the caller waits about a millisecond at most.
const MAX_OWN_ANSWERS: usize = 256;

/// The largest errno that the kernel accepts in an answer (`fs/fuse/dev.c`, `fuse_dev_do_write`).
const MAX_ERRNO: i32 = 511;

/// What programs see the nodes in.
#[derive(Debug)]
enum Front {
    /// A mounted directory with a file for each node.
    Directory(Directory),
    /// A device file of the machine, which is the only node.
    Character(Character),
}

/// A set of device nodes behind one `/dev/fuse` descriptor, or one node behind one of `/dev/cuse`.
///
/// Nothing here but [`wait`](Self::wait) blocks. Wait for the descriptor ([`AsFd`]) to become readable,
/// *level*-triggered, and call [`receive`](Self::receive) until it returns `None`. Dropping the device ends the
/// connection: all blocked programs get an error.
#[derive(Debug)]
pub struct Device {
    connection: Connection,
    front: Front,
    /// The minor version of the protocol, once the kernel has said which it speaks.
    minor: Option<u32>,
}

impl Device {
    /// Serves a directory of nodes through a descriptor of `/dev/fuse` ([`open_fuse`](crate::open_fuse)), which
    /// becomes non-blocking. It may be mounted before or after. In tests it may be a sequenced-packet socket
    /// whose other end plays the kernel.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if two nodes have one name, if a name cannot be a file's, or
    /// if there are more than 254 nodes. Errors of `fcntl(2)`.
    pub fn new(fd: OwnedFd, config: Config) -> io::Result<Self> {
        let directory = Directory::new(config)?;
        Ok(Self::with(Connection::new(fd)?, Front::Directory(directory)))
    }

    /// Serves a device file through a fresh descriptor of `/dev/cuse` ([`open_cuse`](crate::open_cuse)), which
    /// becomes non-blocking. The device file does not exist before [`start`](Self::start).
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the kernel would not take the name. Errors of `fcntl(2)`.
    pub fn character(fd: OwnedFd, config: CharacterConfig) -> io::Result<Self> {
        let character = Character::new(config)?;
        Ok(Self::with(Connection::new(fd)?, Front::Character(character)))
    }

    const fn with(connection: Connection, front: Front) -> Self {
        Self { connection, front, minor: None }
    }

    /// Agrees on a protocol with `/dev/cuse`. When this returns, the kernel knows the device, and its file exists if
    /// `/dev` is a devtmpfs. Its calls are for [`receive`](Self::receive).
    ///
    /// # Errors
    /// [`Disconnected`](ReceiveError::Disconnected) if the kernel already has a device of that number or name.
    /// [`Io`](ReceiveError::Io) with `WouldBlock` if the device was started already.
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

    /// Returns whether the kernel and the device have agreed on a protocol. Before that no call arrives, and
    /// programs that touch the mount wait.
    pub fn is_ready(&self) -> bool {
        self.minor.is_some()
    }

    /// Waits until there is something to [`receive`](Self::receive): for servers that do nothing else.
    ///
    /// # Errors
    /// The errors of `poll(2)` except `EINTR`.
    pub fn wait(&self) -> io::Result<()> {
        let mut readable = [PollFd::new(&self.connection, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut readable, None))?;
        Ok(())
    }

    /// Returns the next call of a program on a node, or `None` if there is nothing to do now.
    ///
    /// Requests about the directory are answered on the way. After 256 of them this returns `None` even if there
    /// is more to read, so that a program that only asks for attributes cannot keep the server busy. A
    /// level-triggered wait then returns at once.
    ///
    /// # Errors
    /// [`ReceiveError::Disconnected`] once the device is unmounted. After an error for which
    /// [`ends_device`](ReceiveError::ends_device) is false, call this again.
    pub fn receive<'b>(
        &mut self,
        buffer: &'b mut Buffer,
    ) -> Result<Option<Request<'b>>, ReceiveError> {
        let Some(length) = self.receive_call(&mut buffer.0)? else { return Ok(None) };
        let message = Message::parse(&buffer.0[..length]).map_err(ReceiveError::Malformed)?;
        Ok(self.request(&message)?)
    }

    /// Answers an open. Every call on the open file will carry `handle`, which must not be `u64::MAX`.
    pub fn reply_open(&mut self, token: Token, handle: u64) -> Delivery {
        let open_flags = match self.front {
            Front::Directory(_) => greeting::OPEN_FLAGS,
            // The kernel has no page cache, no lock and no flush for a device file.
            Front::Character(_) => wire::FOPEN_DIRECT_IO,
        };
        let open = wire::OpenOut { fh: handle, open_flags, padding: 0 };
        self.connection.reply(token.0, open.as_bytes(), &[])
    }

    /// Answers a read. No bytes mean the end of the file. More bytes than were asked for are refused.
    pub fn reply_data(&mut self, token: Token, data: &[u8]) -> Delivery {
        self.connection.reply(token.0, data, &[])
    }

    /// Answers a write with the number of bytes that were taken. If it is more than was written, the program gets
    /// `EIO`.
    pub fn reply_written(&mut self, token: Token, count: u32) -> Delivery {
        let write = wire::WriteOut { size: count, padding: 0 };
        self.connection.reply(token.0, write.as_bytes(), &[])
    }

    /// Answers an ioctl with the value that it returns to the program, and with the bytes for its
    /// argument: at most [`out_size`](Operation::Ioctl::out_size). More are refused.
    ///
    /// A negative `result` is an errno for the program, which gets the bytes all the same.
    pub fn reply_ioctl(&mut self, token: Token, result: i32, out: &[u8]) -> Delivery {
        // An errno alone is sent as the error of the answer, which fits every ioctl: for those that the kernel
        // makes for itself it takes no other answer shorter than `out_size`. `ENOSYS` would mean something
        // else there.
        if out.is_empty() && (-MAX_ERRNO..0).contains(&result) {
            let errno = Errno::from_raw_os_error(-result);
            if errno != Errno::NOSYS {
                return self.connection.reply_errno(token.0, errno);
            }
        }
        let ioctl = wire::IoctlOut { result, ..Default::default() };
        self.connection.reply(token.0, ioctl.as_bytes(), out)
    }

    /// Answers a poll with the `POLL*` bits of the present state.
    pub fn reply_poll(&mut self, token: Token, revents: u32) -> Delivery {
        let poll = wire::PollOut { revents, padding: 0 };
        self.connection.reply(token.0, poll.as_bytes(), &[])
    }

    /// Answers any call with a (positive) errno.
    ///
    /// `ENOSYS` is sent as `EOPNOTSUPP`, because the kernel would take it as a property of the whole
    /// mount and not ask again (after an open it would even let every open succeed). To a poll, any errno
    /// means `POLLERR`. Numbers other than 1 to 511 are refused.
    pub fn reply_error(&mut self, token: Token, errno: i32) -> Delivery {
        if !(1..=MAX_ERRNO).contains(&errno) {
            return self.connection.refuse(token.0, Errno::INVAL);
        }
        let errno = Errno::from_raw_os_error(errno);
        self.connection
            .reply_errno(token.0, if errno == Errno::NOSYS { Errno::OPNOTSUPP } else { errno })
    }

    /// Wakes the programs that sleep in a poll of this open file, so that they ask for its state again.
    ///
    /// Spurious notifications are harmless, also for a file that was released.
    pub fn notify_poll(&mut self, handle: PollHandle) {
        let wakeup = wire::NotifyPollWakeupOut { kh: handle.0 };
        self.connection.notify(wire::FUSE_NOTIFY_POLL, wakeup.as_bytes());
    }

    /// Returns how many answers the kernel has refused since the last call, and why, or `None` if it refused none.
    /// The program behind each got `EIO`. Answers that the device gave by itself count too.
    pub fn take_refused(&mut self) -> Option<Refused> {
        self.connection.take_refused()
    }

    /// Receives messages until there is one for the server, and answers the others. Returns the length of the
    /// server's message.
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

    /// Returns a message for the server as a request.
    fn request<'b>(&self, message: &Message<'b>) -> Result<Option<Request<'b>>, Malformed> {
        let wire::InHeader { opcode, unique, nodeid, .. } = message.header;
        let caller = message.caller();
        let token = Token(unique);
        if opcode == wire::FUSE_INTERRUPT {
            let (interrupt, _) = message.argument::<wire::InterruptIn>()?;
            let operation = Operation::Interrupt { target: Token(interrupt.unique) };
            // An interrupt names no file; its target does.
            return Ok(Some(Request { token, node: NodeIndex(0), handle: 0, caller, operation }));
        }
        let Some(Inode::Node(node)) = self.inode(nodeid) else { return Ok(None) };
        Ok(decode_call(message)?.map(|call| Request {
            token,
            node,
            handle: call.handle,
            caller,
            operation: call.operation,
        }))
    }

    fn inode(&self, nodeid: u64) -> Option<Inode> {
        match &self.front {
            Front::Directory(directory) => directory.inode(nodeid),
            // Its calls name no inode.
            Front::Character(character) => Some(Inode::Node(character.node())),
        }
    }

    /// Returns whether a message is for the server. If not, it has been answered.
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
            // These take no answer, and there is nothing to forget: an inode id says all about its inode.
            wire::FUSE_FORGET | wire::FUSE_BATCH_FORGET | wire::FUSE_NOTIFY_REPLY => {
                return Ok(false);
            }
            wire::FUSE_DESTROY => {
                self.connection.reply(unique, &[], &[]);
                return Ok(false);
            }
            _ => {}
        }
        let Some(inode) = self.inode(nodeid) else {
            self.connection.reply_errno(unique, Errno::STALE);
            return Ok(false);
        };
        match inode {
            Inode::Node(_) => {
                if let Some(ours) = self.handle_call(message)? {
                    return Ok(ours);
                }
            }
            Inode::Root if opcode == wire::FUSE_IOCTL => {
                self.connection.reply_errno(unique, Errno::NOTTY);
                return Ok(false);
            }
            Inode::Root => {}
        }
        let directory = match &mut self.front {
            Front::Directory(directory) => Some(directory),
            Front::Character(_) => None,
        };
        metadata::answer(&mut self.connection, directory, inode, message)?;
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

    /// Returns whether the server answers a call on a node, or `None` if the message is no such call.
    fn handle_call(&mut self, message: &Message<'_>) -> Result<Option<bool>, ReceiveError> {
        let unique = message.header.unique;
        let Some(call) = decode_call(message)? else { return Ok(None) };
        if private::HANDLE == call.handle {
            match call.operation {
                // What a driver without that request answers.
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
            // For a private mapping, `readahead` or POSIX_FADV_WILLNEED. Such a read would take data from the
            // program, and could not be interrupted. The page fault raises SIGBUS.
            Operation::Read { .. } if call.page_cache => {
                self.connection.reply_errno(unique, Errno::IO);
                return Ok(Some(false));
            }
            // The rest of a call that was longer than a request, after a full answer to its head. The call ends
            // with what it has: once some bytes are moved, a call must not block. (An appending write
            // starts at the end of the file instead of at 0.)
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
            // The kernel does not wait for this answer, but expects it.
            Operation::Release => _ = self.connection.reply(unique, &[], &[]),
            _ => {}
        }
        Ok(Some(true))
    }

    /// Answers a message that could not be understood, so that no program waits for ever.
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
