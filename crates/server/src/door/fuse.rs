//! The main door: a file of a FUSE mount.

use super::handover;
use super::{Answer, Call, CallKind, Door, NODES, Pollable, Received, Transport};
use aseqd_engine::{self as engine, Access, FileId, Node};
use aseqd_host::log;
use chardev::{
    Buffer, Caller, Delivery, Device, IoctlAbi, Operation, PollHandle, ReceiveError, Refused,
    Request, Token,
};
use rustix::event::PollFlags;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

impl Door for Device {
    type Token = Token;
    type Wakeup = PollHandle;

    fn answer(&mut self, token: Token, answer: Answer<'_>) -> bool {
        let delivery = match answer {
            Answer::Opened { file, .. } => self.reply_open(token, file.0.into()),
            Answer::Read(data) => self.reply_data(token, data),
            Answer::Written(count) => {
                self.reply_written(token, u32::try_from(count).unwrap_or(u32::MAX))
            }
            Answer::Ioctl(Ok(out)) => self.reply_ioctl(token, 0, out),
            Answer::Ioctl(Err(errno)) => self.reply_ioctl(token, -i32::from(errno.0), &[]),
            Answer::Polled(state) => {
                let mut events = PollFlags::empty();
                events.set(PollFlags::IN | PollFlags::RDNORM, state.readable);
                events.set(PollFlags::OUT | PollFlags::WRNORM, state.writable);
                self.reply_poll(token, events.bits().cast_unsigned().into())
            }
            Answer::Failed(errno) => self.reply_error(token, errno.0.into()),
        };
        delivery == Delivery::Delivered
    }

    fn wake(&mut self, wakeup: PollHandle) {
        self.notify_poll(wakeup);
    }
}

impl Pollable for Device {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

impl Transport for Device {
    type Buffer = Buffer;

    fn receive<'b>(&mut self, buffer: &'b mut Buffer) -> Received<'b, Token, PollHandle> {
        if let Some(Refused { count, errno }) = self.take_refused() {
            let why = io::Error::from_raw_os_error(errno);
            log::tell(
                "refused answer",
                format_args!("{count} programs got EIO: the kernel took no answer for them: {why}"),
            );
        }
        match Self::receive(self, buffer) {
            Ok(Some(request)) => Received::Call(call(request)),
            Ok(None) => Received::Nothing,
            Err(ReceiveError::Disconnected) => Received::Disconnected,
            Err(error) if error.ends_device() => Received::Broken(io::Error::other(error)),
            Err(error) => {
                log::tell("lost request", format_args!("a request of the kernel's: {error}"));
                Received::Nothing
            }
        }
    }
}

/// The files of the mount: [`super::nodes`], all with these permissions and owners.
#[must_use]
pub fn nodes(mode: u32, uid: u32, gid: u32) -> Vec<chardev::Node> {
    let node = |name: &str| chardev::Node { name: name.into(), mode, uid, gid };
    super::nodes().iter().map(|(name, _)| node(name)).collect()
}

/// The call that a request of the FUSE device is, for a mount of [`nodes`].
#[must_use]
pub fn call(request: Request<'_>) -> Call<'_, Token, PollHandle> {
    // Handles are the file numbers that `opened` gave out.
    let file = FileId(u32::try_from(request.handle).unwrap_or(u32::MAX));
    let thread = i32::try_from(request.caller.pid).unwrap_or(0);
    let kind = match request.operation {
        Operation::Open { flags } => {
            let node = NODES.get(request.node.0).map_or(Node::Sequencer, |(_, node)| *node);
            let (pid, user) = (process_of(request.caller), request.caller.uid);
            CallKind::Open { node, access: access(flags), pid, user }
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
    };
    Call { token: request.token, thread, kind }
}

fn access(flags: u32) -> Access {
    match flags & 3 {
        0 => Access::Read,
        1 => Access::Write,
        _ => Access::ReadWrite,
    }
}

/// The process of the thread that calls.
fn process_of(caller: Caller) -> i32 {
    let thread = i32::try_from(caller.pid).unwrap_or(0);
    if let Some(process) = handover::on_behalf(thread) {
        return process;
    }
    let status = std::fs::read_to_string(format!("/proc/{thread}/status"));
    let tgid = status.ok().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
        line.trim().parse().ok()
    });
    tgid.unwrap_or(thread)
}
