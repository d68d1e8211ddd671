//! The device: one descriptor, messages in, answers out.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use zerocopy::IntoBytes;

use crate::cuse::{self, Character};
use crate::fs::{Directory, Target};
use crate::private;
use crate::request::{Message, decode_call};
use crate::wire;
use crate::{
    CharacterConfig, Config, Malformed, NodeIndex, Operation, PollHandle, ReceiveError, Request,
    Token,
};

/// The most bytes that one write request carries: what the kernel allows by default (256 pages,
/// `fs.fuse.max_pages_limit`), since a write is better not split inside a record.
pub const MAX_WRITE: u32 = 1 << 20;

/// The kernel asks for `max_write` and the headers; a page is enough for them.
const BUFFER_SIZE: usize = MAX_WRITE as usize + 4096;
const _: () = assert!(BUFFER_SIZE >= wire::FUSE_MIN_READ_BUFFER);

/// Linux 3.15. Older kernels want shorter answers, and nobody has one.
const OLDEST_MINOR: u32 = 23;
/// Linux 5.4, the first long-term kernel in which a file has no position if it is opened as a stream.
const STREAM_MINOR: u32 = 31;
/// Linux 6.2, the first with FOPEN_PARALLEL_DIRECT_WRITES.
const PARALLEL_WRITES_MINOR: u32 = 38;

/// How many requests [`Device::receive`] answers by itself before it returns to its caller.
const MAX_OWN_ANSWERS: usize = 256;

/// The kernel takes an error from 1 to 511 in an answer (`fs/fuse/dev.c`, `fuse_dev_do_write`).
const MAX_ERRNO: i32 = 511;

/// After how many failed reads in a row the descriptor counts as broken. A failure is of one request
/// (no memory to copy it, say), but a descriptor that never gives one would keep the server busy.
const MAX_FAILED_READS: u32 = 1000;

/// In what programs see the nodes.
#[derive(Debug)]
enum Front {
    /// A mounted directory, with a file for each.
    Directory(Directory),
    /// A device file of the machine, for one node.
    Character(Character),
}

/// How every node is opened. Without a page cache, a position or a flush at close, and without
/// the inode's lock around a write. `NONSEEKABLE` is for kernels that do not know `STREAM`;
/// `NOFLUSH` also because a flush takes the inode's lock in some kernels, and then `close` would wait
/// for another program's blocked write. Kernels ignore the bits that they do not know.
const OPEN_FLAGS: u32 = wire::FOPEN_DIRECT_IO
    | wire::FOPEN_NONSEEKABLE
    | wire::FOPEN_STREAM
    | wire::FOPEN_NOFLUSH
    | wire::FOPEN_PARALLEL_DIRECT_WRITES;

/// A set of device nodes behind one `/dev/fuse` descriptor, or one node behind one of `/dev/cuse`.
///
/// Never blocks. Wait for the descriptor ([`AsFd`]) to become readable, *level*-triggered, and call
/// [`receive`](Self::receive) until it returns `None`. Dropping the device ends the connection: all
/// blocked programs get an error.
#[derive(Debug)]
pub struct Device {
    fd: OwnedFd,
    front: Front,
    /// The minor version of the kernel's protocol, once it has said so.
    minor: Option<u32>,
    /// Answers that the kernel did not take.
    refused: Option<Refused>,
    /// Reads in a row that failed.
    failed_reads: u32,
}

/// Answers that the kernel did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// The errno of the last: `EINVAL` for an answer of the wrong length.
    pub errno: i32,
}

/// Where messages arrive. One is enough: a request borrows from it until the next is received.
#[derive(Debug)]
pub struct Buffer(
    /// Zeroed memory that the kernel has not handed out yet: only what messages reach is resident.
    Vec<u8>,
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

impl Device {
    /// Takes a descriptor of `/dev/fuse` ([`open_fuse`](crate::open_fuse)), and makes it
    /// non-blocking. It may be mounted before or after. (For tests, a sequenced-packet socket whose
    /// other end plays the kernel does as well.)
    ///
    /// # Errors
    /// `InvalidInput` for names that cannot be file names, or errors of `fcntl`.
    pub fn new(fd: OwnedFd, config: Config) -> io::Result<Self> {
        let directory = Directory::new(config)?;
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        Ok(Self::with(fd, Front::Directory(directory)))
    }

    /// Takes a fresh descriptor of `/dev/cuse` ([`open_cuse`](crate::open_cuse)), and makes it
    /// non-blocking. The device file does not exist before [`start`](Self::start).
    ///
    /// # Errors
    /// `InvalidInput` for a name that the kernel would not take, or errors of `fcntl`.
    pub fn character(fd: OwnedFd, config: CharacterConfig) -> io::Result<Self> {
        let character = Character::new(config)?;
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        Ok(Self::with(fd, Front::Character(character)))
    }

    const fn with(fd: OwnedFd, front: Front) -> Self {
        Self { fd, front, minor: None, refused: None, failed_reads: 0 }
    }

    /// Agrees on a protocol with `/dev/cuse`. When this returns the kernel knows the device, and
    /// where `/dev` is a devtmpfs its file is there; calls that come are for [`receive`](Self::receive).
    ///
    /// # Errors
    /// [`Disconnected`](ReceiveError::Disconnected): the kernel has a device of that number or name.
    /// `WouldBlock` for a descriptor that has nothing to say, since it was started already.
    pub fn start(&mut self) -> Result<(), ReceiveError> {
        let mut buffer = vec![0; BUFFER_SIZE];
        let length = match rustix::io::retry_on_intr(|| rustix::io::read(&self.fd, &mut *buffer)) {
            Ok(0) | Err(Errno::NODEV | Errno::CONNABORTED) => {
                return Err(ReceiveError::Disconnected);
            }
            Ok(length) => length,
            Err(error) => return Err(ReceiveError::Io(error.into())),
        };
        let message = Message::parse(&buffer[..length])?;
        if message.header.opcode != wire::CUSE_INIT {
            return Err(message.malformed("no greeting of /dev/cuse").into());
        }
        self.handle_cuse_init(&message)?;
        // The kernel makes the device within the write of that answer, or gives the connection up.
        if cuse::is_aborted(self.fd.as_fd())? {
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
            Front::Directory(_) => OPEN_FLAGS,
            // A device file has no page cache, no lock and no flush that could be asked for.
            Front::Character(_) => wire::FOPEN_DIRECT_IO,
        };
        let open = wire::OpenOut { fh: handle, open_flags, padding: 0 };
        self.reply(token.0, open.as_bytes(), &[])
    }

    /// Answers a read; no bytes mean the end of the file. More than was asked for is refused.
    pub fn reply_data(&mut self, token: Token, data: &[u8]) -> Delivery {
        self.reply(token.0, data, &[])
    }

    /// Answers a write with the number of bytes that were taken. More than was written is `EIO` at
    /// the program.
    pub fn reply_written(&mut self, token: Token, count: u32) -> Delivery {
        let write = wire::WriteOut { size: count, padding: 0 };
        self.reply(token.0, write.as_bytes(), &[])
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
                return self.reply_errno(token.0, errno);
            }
        }
        let ioctl = wire::IoctlOut { result, ..Default::default() };
        self.reply(token.0, ioctl.as_bytes(), out)
    }

    /// Answers a poll with the `POLL*` bits that hold now.
    pub fn reply_poll(&mut self, token: Token, revents: u32) -> Delivery {
        let poll = wire::PollOut { revents, padding: 0 };
        self.reply(token.0, poll.as_bytes(), &[])
    }

    /// Answers any call with a (positive) errno.
    ///
    /// `ENOSYS` is sent as `EOPNOTSUPP`, because the kernel would take it as a property of the whole
    /// mount and not ask again (after an open it would even let every open succeed). For a
    /// poll, any errno is `POLLERR` at the program. What is not an errno from 1 to 511 is refused.
    pub fn reply_error(&mut self, token: Token, errno: i32) -> Delivery {
        if !(1..=MAX_ERRNO).contains(&errno) {
            return self.refuse(token.0, Errno::INVAL);
        }
        let errno = Errno::from_raw_os_error(errno);
        self.reply_errno(token.0, if errno == Errno::NOSYS { Errno::OPNOTSUPP } else { errno })
    }

    /// Wakes the programs that sleep in a poll of this open file: they ask for its state again.
    ///
    /// Spurious notifications are harmless, also for a file that was released.
    pub fn notify_poll(&mut self, handle: PollHandle) {
        let wakeup = wire::NotifyPollWakeupOut { kh: handle.0 };
        match self.send(wire::FUSE_NOTIFY_POLL, 0, wakeup.as_bytes(), &[]) {
            Ok(()) | Err(Errno::NOENT | Errno::NODEV) => {}
            Err(errno) => self.count_refused(errno),
        }
    }

    /// How many answers the kernel has refused since this was last asked, and why; `None` if there
    /// were none. The program behind each got `EIO`. Answers that the device gave by itself count, too.
    pub fn take_refused(&mut self) -> Option<Refused> {
        self.refused.take()
    }

    /// Receives messages until there is one for the server, and answers the others. The length of
    /// that message.
    fn receive_call(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, ReceiveError> {
        for _ in 0..MAX_OWN_ANSWERS {
            let length = match rustix::io::read(&self.fd, &mut *buffer) {
                // Not from /dev/fuse; the other end of a socket is closed.
                Ok(0) => return Err(ReceiveError::Disconnected),
                Ok(length) => length,
                Err(Errno::AGAIN) => return Ok(None),
                // ENOENT: the request was given up while it was read.
                Err(Errno::INTR | Errno::NOENT) => continue,
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
                self.reply(unique, &[], &[]);
                return Ok(false);
            }
            _ => {}
        }
        let Some(target) = self.target(nodeid) else {
            self.reply_errno(unique, Errno::STALE);
            return Ok(false);
        };
        match target {
            Target::Node(_) => {
                if let Some(ours) = self.handle_call(message)? {
                    return Ok(ours);
                }
            }
            Target::Root if opcode == wire::FUSE_IOCTL => {
                self.reply_errno(unique, Errno::NOTTY);
                return Ok(false);
            }
            Target::Root => {}
        }
        self.handle_directory(message, target)?;
        Ok(false)
    }

    fn handle_init(&mut self, message: &Message<'_>) -> Result<(), ReceiveError> {
        let unique = message.header.unique;
        let (init, _) = message.argument::<wire::InitIn>()?;
        let wire::InitIn { major, minor, max_readahead, flags } = init;
        let mut answer = wire::InitOut {
            major: wire::FUSE_KERNEL_VERSION,
            minor: wire::FUSE_KERNEL_MINOR_VERSION,
            ..Default::default()
        };
        if major > wire::FUSE_KERNEL_VERSION {
            // The kernel asks again with our version.
            self.reply(unique, answer.as_bytes(), &[]);
            return Ok(());
        }
        if major < wire::FUSE_KERNEL_VERSION || minor < OLDEST_MINOR {
            self.reply_errno(unique, Errno::PROTO);
            return Err(ReceiveError::Unsupported { major, minor });
        }
        // Not FUSE_ATOMIC_O_TRUNC: with it the kernel sets the inode's size to 0 in an open with
        // O_TRUNC, and every later write is past the end, and so takes the inode's lock. Without it
        // a truncation arrives as a SETATTR, and its answer keeps the size.
        answer.flags =
            flags & (wire::FUSE_BIG_WRITES | wire::FUSE_PARALLEL_DIROPS | wire::FUSE_MAX_PAGES);
        answer.max_readahead = max_readahead;
        answer.max_background = 64;
        answer.congestion_threshold = 48;
        answer.max_write = MAX_WRITE;
        // One more for a buffer that does not start at a page, should the kernel allow as many.
        let pages = MAX_WRITE as usize / rustix::param::page_size() + 1;
        answer.max_pages = u16::try_from(pages).unwrap_or(u16::MAX);
        answer.time_gran = 1;
        self.reply(unique, answer.as_bytes(), &[]);
        self.minor = Some(minor);
        if let Front::Directory(directory) = &mut self.front {
            directory.settle_inodes(minor >= PARALLEL_WRITES_MINOR);
        }
        Ok(())
    }

    fn handle_cuse_init(&mut self, message: &Message<'_>) -> Result<(), ReceiveError> {
        let unique = message.header.unique;
        let (init, _) = message.argument::<wire::CuseInitIn>()?;
        let wire::CuseInitIn { major, minor, .. } = init;
        let Front::Character(character) = &self.front else {
            self.reply_errno(unique, Errno::PROTO);
            return Err(message.malformed("a greeting of /dev/cuse from another device").into());
        };
        if major != wire::FUSE_KERNEL_VERSION || minor < OLDEST_MINOR {
            self.reply_errno(unique, Errno::PROTO);
            return Err(ReceiveError::Unsupported { major, minor });
        }
        let (answer, information) = (character.answer(), character.information());
        self.reply(unique, answer.as_bytes(), &information);
        // The position of a call is that within the call, as of a stream, in every version.
        self.minor = Some(minor.max(STREAM_MINOR));
        Ok(())
    }

    /// True for a call that the server answers; `None` is not a call on a node.
    fn handle_call(&mut self, message: &Message<'_>) -> Result<Option<bool>, ReceiveError> {
        let unique = message.header.unique;
        let Some(call) = decode_call(message)? else { return Ok(None) };
        if private::HANDLE == call.handle {
            match call.operation {
                // As a driver that has no such request.
                Operation::Ioctl { .. } => self.reply_errno(unique, Errno::NOTTY),
                Operation::Release => self.reply(unique, &[], &[]),
                _ => self.reply_errno(unique, Errno::BADF),
            };
            return Ok(Some(false));
        }
        let stream = self.minor.is_some_and(|minor| minor >= STREAM_MINOR);
        match call.operation {
            Operation::Open { flags } if private::is_open(flags, message.header.pid) => {
                self.reply_open(Token(unique), private::HANDLE);
                return Ok(Some(false));
            }
            // For a private mapping, `readahead` or POSIX_FADV_WILLNEED: it would take data from the
            // program, and could not be interrupted. A page fault gets SIGBUS.
            Operation::Read { .. } if call.page_cache => {
                self.reply_errno(unique, Errno::IO);
                return Ok(Some(false));
            }
            // The rest of a call that was longer than a request, after a full answer to its head. The
            // call ends with what it has: a part of a call that may block is not to block. (The
            // position of an appending write is the end of the file instead of 0.)
            Operation::Read { .. } if stream && call.offset != 0 => {
                self.reply(unique, &[], &[]);
                return Ok(Some(false));
            }
            Operation::Write { .. }
                if stream && call.offset != 0 && call.flags & OFlags::APPEND.bits() == 0 =>
            {
                self.reply(unique, wire::WriteOut::default().as_bytes(), &[]);
                return Ok(Some(false));
            }
            // The kernel does not wait for this answer, only counts it.
            Operation::Release => _ = self.reply(unique, &[], &[]),
            _ => {}
        }
        Ok(Some(true))
    }

    fn handle_directory(
        &mut self,
        message: &Message<'_>,
        target: Target,
    ) -> Result<(), ReceiveError> {
        let wire::InHeader { opcode, unique, nodeid, .. } = message.header;
        let Front::Directory(directory) = &mut self.front else {
            self.reply_errno(unique, Errno::NOSYS);
            return Ok(());
        };
        match opcode {
            wire::FUSE_LOOKUP => match directory.lookup(nodeid, message.name()?) {
                Ok(entry) => self.reply(unique, entry.as_bytes(), &[]),
                Err(errno) => self.reply_errno(unique, errno),
            },
            wire::FUSE_GETATTR => {
                let attr = directory.getattr(target);
                self.reply(unique, attr.as_bytes(), &[])
            }
            wire::FUSE_SETATTR => {
                let (change, _) = message.argument::<wire::SetattrIn>()?;
                match directory.setattr(target, &change) {
                    Ok(attr) => self.reply(unique, attr.as_bytes(), &[]),
                    Err(errno) => self.reply_errno(unique, errno),
                }
            }
            wire::FUSE_OPENDIR => self.reply(unique, wire::OpenOut::default().as_bytes(), &[]),
            wire::FUSE_READDIR => {
                let (read, _) = message.argument::<wire::ReadIn>()?;
                let size = read.size.min(MAX_WRITE) as usize;
                let entries = directory.readdir(read.offset, size);
                self.reply(unique, &entries, &[])
            }
            wire::FUSE_STATFS => {
                let statfs = directory.statfs();
                self.reply(unique, statfs.as_bytes(), &[])
            }
            wire::FUSE_RELEASEDIR | wire::FUSE_FSYNCDIR => self.reply(unique, &[], &[]),
            // As a character device without that operation.
            wire::FUSE_FSYNC | wire::FUSE_READLINK | wire::FUSE_COPY_FILE_RANGE => {
                self.reply_errno(unique, Errno::INVAL)
            }
            wire::FUSE_FALLOCATE => self.reply_errno(unique, Errno::NODEV),
            wire::FUSE_SYMLINK
            | wire::FUSE_MKNOD
            | wire::FUSE_MKDIR
            | wire::FUSE_UNLINK
            | wire::FUSE_RMDIR
            | wire::FUSE_RENAME
            | wire::FUSE_RENAME2
            | wire::FUSE_LINK
            | wire::FUSE_CREATE
            | wire::FUSE_TMPFILE => self.reply_errno(unique, Errno::ROFS),
            // To FLUSH, ACCESS, the xattrs and all that is unknown: the kernel remembers that there
            // is no such thing here, does what is right then, and does not ask again.
            _ => self.reply_errno(unique, Errno::NOSYS),
        };
        Ok(())
    }

    /// So that nobody waits for ever for an answer to what could not be understood.
    fn refuse_malformed(&mut self, message: &Message<'_>) {
        let silent = matches!(
            message.header.opcode,
            wire::FUSE_FORGET | wire::FUSE_BATCH_FORGET | wire::FUSE_INTERRUPT
        );
        if !silent {
            self.reply_errno(message.header.unique, Errno::IO);
        }
    }

    fn reply(&mut self, unique: u64, first: &[u8], second: &[u8]) -> Delivery {
        let sent = self.send(0, unique, first, second);
        self.delivery(unique, sent)
    }

    fn reply_errno(&mut self, unique: u64, errno: Errno) -> Delivery {
        let sent = self.send(-errno.raw_os_error(), unique, &[], &[]);
        self.delivery(unique, sent)
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
    fn refuse(&mut self, unique: u64, errno: Errno) -> Delivery {
        self.count_refused(errno);
        // In most cases the kernel has ended the call already, so, and nobody waits any more.
        let _gone = self.send(-Errno::IO.raw_os_error(), unique, &[], &[]);
        Delivery::Refused
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

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
