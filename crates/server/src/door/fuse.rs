//! The main door: the files of a FUSE mount, or a device of CUSE.

use super::{Answer, Call, CallKind, Door, NODES, Pollable, Received, Transport};
use aseqd_abi::Errno;
use aseqd_engine::{self as engine, Access, FileId, Node};
use aseqd_host::log;
use chardev::{
    Buffer, Delivery, Device, IoctlAbi, Operation, PollHandle, ReceiveError, Refused, Request,
    Token,
};
use rustix::event::PollFlags;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// The door of a FUSE mount or of a CUSE device.
#[derive(Debug)]
pub struct FuseDoor {
    device: Device,
    opener: Opener,
}

/// A thread of this process that opens files of the mount for other processes. FUSE says which thread opens a
/// file; the door reports the process that the file is for instead.
///
/// Clones are the same opener: the door has one and the thread another.
#[derive(Clone, Debug, Default)]
pub struct Opener(Arc<Opening>);

#[derive(Debug, Default)]
struct Opening {
    /// The thread, or 0 if none opens files for others.
    thread: AtomicI32,
    /// The process for which it opens files.
    process: AtomicI32,
}

impl Opener {
    /// Makes the calling thread the one that opens files for others.
    pub fn is_this_thread(&self) {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        self.0.thread.store(thread, Ordering::Release);
    }

    /// Says for which process the thread opens files from now on.
    pub fn opens_for(&self, process: i32) {
        self.0.process.store(process, Ordering::Release);
    }

    /// Returns the process for which a thread opens files, if it is the one that does so for others.
    fn process(&self, thread: i32) -> Option<i32> {
        let opens = thread != 0 && self.0.thread.load(Ordering::Acquire) == thread;
        opens.then(|| self.0.process.load(Ordering::Acquire))
    }
}

impl From<Device> for FuseDoor {
    fn from(device: Device) -> Self {
        Self { device, opener: Opener::default() }
    }
}

impl FuseDoor {
    /// Returns the door of a device whose files this opener opens for other processes.
    #[must_use]
    pub const fn with_opener(device: Device, opener: Opener) -> Self {
        Self { device, opener }
    }

    /// Returns the call that a request is, for a mount of [`nodes`].
    fn call<'b>(&self, request: Request<'b>) -> Call<'b, Token, PollHandle> {
        // Handles are the file numbers of `Answer::Opened`.
        let file = FileId(u32::try_from(request.handle).unwrap_or(u32::MAX));
        let thread = i32::try_from(request.caller.pid).unwrap_or(0);
        let kind = match request.operation {
            Operation::Open { flags } => {
                let node = NODES.get(request.node.0).map_or(Node::Sequencer, |(_, node)| *node);
                let pid = self.opener.process(thread).unwrap_or_else(|| process_of(thread));
                CallKind::Open { node, access: access(flags), pid, user: request.caller.uid }
            }
            Operation::Ioctl { request, data: arg, out_size, abi, .. } => CallKind::File {
                file,
                call: engine::Call::Ioctl { request, compat: abi != IoctlAbi::Native, arg },
                out_size: out_size as usize,
                wakeup: None,
            },
            Operation::Read { size, nonblock } => {
                CallKind::on(file, engine::Call::Read { len: size as usize, nonblock })
            }
            Operation::Write { data, nonblock } => {
                CallKind::on(file, engine::Call::Write { data, nonblock })
            }
            Operation::Poll { notify, .. } => {
                CallKind::File { file, call: engine::Call::Poll, out_size: 0, wakeup: notify }
            }
            Operation::Release => CallKind::Close { file },
            Operation::Interrupt { target } => CallKind::Interrupt { target },
            // A call that chardev has learnt since: `ENOTTY`, as for a request that no device knows.
            _ => CallKind::on(file, engine::Call::Ioctl { request: 0, compat: false, arg: &[] }),
        };
        Call { token: request.token, thread, kind }
    }
}

impl Door for FuseDoor {
    type Token = Token;
    type Wakeup = PollHandle;

    fn answer(&mut self, token: Token, answer: Answer<'_>) -> bool {
        let delivery = match answer {
            Answer::Opened { file, .. } => self.device.reply_open(token, file.0.into()),
            Answer::Read(data) => self.device.reply_data(token, data),
            Answer::Written(count) => {
                self.device.reply_written(token, u32::try_from(count).unwrap_or(u32::MAX))
            }
            Answer::Ioctl(Ok(out)) => self.device.reply_ioctl(token, 0, out),
            Answer::Ioctl(Err(errno)) => self.device.reply_ioctl(token, -i32::from(errno.0), &[]),
            Answer::Polled(state) => {
                let mut events = PollFlags::empty();
                events.set(PollFlags::IN | PollFlags::RDNORM, state.readable);
                events.set(PollFlags::OUT | PollFlags::WRNORM, state.writable);
                self.device.reply_poll(token, events.bits().cast_unsigned().into())
            }
            Answer::Failed(errno) => self.device.reply_error(token, errno.0.into()),
            // FUSE cannot carry a descriptor, so this is never asked.
            Answer::Created { .. } => {
                self.device.reply_ioctl(token, -i32::from(Errno::ENOTTY.0), &[]);
                return false;
            }
        };
        delivery == Delivery::Delivered
    }

    fn wake(&mut self, wakeup: PollHandle) {
        self.device.notify_poll(wakeup);
    }
}

impl Pollable for FuseDoor {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

impl Transport for FuseDoor {
    type Buffer = Buffer;

    fn receive<'b>(&mut self, buffer: &'b mut Buffer) -> Received<'b, Token, PollHandle> {
        if let Some(Refused { count, errno }) = self.device.take_refused() {
            let why = io::Error::from_raw_os_error(errno);
            log::tell(
                "refused answer",
                format_args!("{count} programs got EIO: the kernel took no answer for them: {why}"),
            );
        }
        match self.device.receive(buffer) {
            Ok(Some(request)) => Received::Call(self.call(request)),
            Ok(None) => Received::Nothing,
            Err(ReceiveError::Disconnected) => Received::Disconnected,
            Err(error) if error.ends_device() => Received::Broken(io::Error::other(error)),
            Err(error) => {
                log::tell("lost request", format_args!("a request of the kernel's: {error}"));
                Received::Nothing
            }
        }
    }

    fn is_ready(&self) -> bool {
        super::is_readable(std::iter::once(self.descriptor()))
    }
}

/// Returns the files of the mount: [`super::nodes`], all with these permissions and owners.
#[must_use]
pub fn nodes(mode: u32, uid: u32, gid: u32) -> Vec<chardev::Node> {
    let node = |name: &str| chardev::Node { name: name.into(), mode, uid, gid };
    super::nodes().iter().map(|(name, _)| node(name)).collect()
}

/// Returns the access of an open with these flags.
fn access(flags: u32) -> Access {
    match flags & 3 {
        0 => Access::Read,
        1 => Access::Write,
        _ => Access::ReadWrite,
    }
}

/// Returns the process of a thread, or the thread's own number if it is gone.
fn process_of(thread: i32) -> i32 {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status"));
    let tgid = status.ok().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
        line.trim().parse().ok()
    });
    tgid.unwrap_or(thread)
}
