//! The main door: a file of a FUSE mount.

use super::seccomp::handover;
use super::{Call, CallKind, Door, NODES, Readiness, Received, Transport};
use abi::Errno;
use chardev::{
    Buffer, Caller, Delivery, Device, IoctlAbi, Operation, PollHandle, ReceiveError, Request, Token,
};
use engine::{Access, FileId, Node};
use rustix::event::PollFlags;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

impl Door for Device {
    type Token = Token;
    type Wakeup = PollHandle;

    fn opened(&mut self, token: Token, file: FileId, _state: Readiness) -> io::Result<bool> {
        Ok(self.reply_open(token, file.0.into())? == Delivery::Delivered)
    }

    fn read(&mut self, token: Token, data: &[u8]) -> io::Result<()> {
        self.reply_data(token, data).map(drop)
    }

    fn written(&mut self, token: Token, count: usize) -> io::Result<()> {
        self.reply_written(token, u32::try_from(count).unwrap_or(u32::MAX)).map(drop)
    }

    fn controlled(&mut self, token: Token, out: &[u8]) -> io::Result<()> {
        self.reply_ioctl(token, 0, out).map(drop)
    }

    fn refused(&mut self, token: Token, errno: Errno) -> io::Result<()> {
        // As the value of a call that the transport carried: as its error, some would be changed.
        self.reply_ioctl(token, -i32::from(errno.0), &[]).map(drop)
    }

    fn polled(&mut self, token: Token, state: Readiness) -> io::Result<()> {
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN | PollFlags::RDNORM, state.readable);
        events.set(PollFlags::OUT | PollFlags::WRNORM, state.writable);
        self.reply_poll(token, events.bits().cast_unsigned().into()).map(drop)
    }

    fn failed(&mut self, token: Token, errno: Errno) -> io::Result<()> {
        self.reply_error(token, errno.0.into()).map(drop)
    }

    fn wake(&mut self, wakeup: PollHandle) -> io::Result<()> {
        self.notify_poll(wakeup)
    }
}

impl Transport for Device {
    type Buffer = Buffer;

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }

    fn receive<'b>(
        &mut self,
        buffer: &'b mut Buffer,
    ) -> io::Result<Received<'b, Token, PollHandle>> {
        match Self::receive(self, buffer) {
            Ok(Some(request)) => Ok(Received::Call(call(request))),
            Ok(None) => Ok(Received::Nothing),
            Err(ReceiveError::Disconnected) => Ok(Received::Disconnected),
            Err(ReceiveError::Malformed(malformed)) => {
                eprintln!("aseqd: the kernel sent what is no request: {malformed}");
                Ok(Received::Nothing)
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

/// The files of the mount: [`NODES`], all with these permissions and owners.
#[must_use]
pub fn nodes(mode: u32, uid: u32, gid: u32) -> Vec<chardev::Node> {
    NODES.map(|(name, _)| chardev::Node { name: name.into(), mode, uid, gid }).into()
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
            CallKind::Open { node, access: access(flags), pid: process_of(request.caller) }
        }
        Operation::Ioctl { request, data, out_size, abi, .. } => CallKind::Ioctl {
            file,
            request,
            compat: abi != IoctlAbi::Native,
            arg: data,
            out_size: out_size as usize,
        },
        Operation::Read { size, nonblock } => CallKind::Read { file, len: size as usize, nonblock },
        Operation::Write { data, nonblock } => CallKind::Write { file, data, nonblock },
        Operation::Poll { notify, .. } => CallKind::Poll { file, wakeup: notify },
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
