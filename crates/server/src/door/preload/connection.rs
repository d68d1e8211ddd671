//! Connections of libraries, each with one call at a time.

use super::share::Share;
use super::slab::Key;
use aseqd_host::peer::Peer;
use aseqd_wire::preload::{ANSWER, MAX_DATA, MAX_WRITE, Reply, Request};
use rustix::io::Errno as Failure;
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, recv, sendmsg,
    shutdown,
};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// The size of a message before its data, in bytes.
const HEAD: usize = size_of::<Request>();

/// Holds the bytes of one message, and those of the write that it ends.
#[derive(Debug)]
pub struct Buffer {
    message: Vec<u8>,
    len: usize,
    whole: Vec<u8>,
}

impl Default for Buffer {
    fn default() -> Self {
        // One byte more than the longest message, to recognise one that is longer.
        Self { message: vec![0; HEAD + MAX_DATA + 1], len: 0, whole: Vec::new() }
    }
}

impl Buffer {
    /// Returns the data of the last message.
    fn last(&self) -> &[u8] {
        self.message.get(HEAD..self.len).unwrap_or_default()
    }

    /// Returns the bytes of the call.
    pub(super) fn data(&self) -> &[u8] {
        if self.whole.is_empty() { self.last() } else { &self.whole }
    }
}

/// What was received.
#[derive(Debug)]
pub(super) enum Message {
    /// A request.
    Request(Request),
    /// Nothing for now.
    Nothing,
    /// The other end is closed.
    End,
}

/// A call that is not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) serial: u32,
    pub(super) file: Option<Key>,
    pub(super) work: Work,
}

/// What an unanswered call does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// It opens a file.
    Open {
        /// One of `aseqd_wire::preload::access`.
        access: u32,
        nonblock: bool,
        /// One of `aseqd_wire::preload::node`.
        node: u32,
    },
    /// It is a call on an open file.
    Call,
}

/// What a program was told to do at its end of a file: to take bytes out, to fill the send buffer. It has done so
/// when it makes its next call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) file: Key,
    pub(super) take: u32,
    pub(super) stuff: u32,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: OwnedFd,
    pub(super) peer: Peer,
    /// How many connections were accepted before it.
    pub(super) number: u64,
    /// Whether it has shown the secret.
    pub(super) greeted: bool,
    /// The files that it may use: it has opened them, or shown their keys.
    files: Vec<Key>,
    pub(super) pending: Option<Pending>,
    pub(super) order: Option<Order>,
    /// The beginning of a write that is longer than one message.
    begun: Vec<u8>,
    /// Whether the write is too much for the server. What is still to come of it is then not kept.
    overdrawn: bool,
    share: Share,
}

impl Connection {
    pub(super) const fn new(socket: OwnedFd, peer: Peer, number: u64, share: Share) -> Self {
        Self {
            socket,
            peer,
            number,
            greeted: false,
            files: Vec::new(),
            pending: None,
            order: None,
            begun: Vec::new(),
            overdrawn: false,
            share,
        }
    }

    /// Returns whether it may use a file.
    pub(super) fn knows(&self, file: Key) -> bool {
        self.files.contains(&file)
    }

    /// Lets it use a file from now on. `is_open` returns whether one of the others is still open.
    pub(super) fn learn(&mut self, file: Key, is_open: impl Fn(Key) -> bool) {
        self.files.retain(|known| *known != file && is_open(*known));
        self.files.push(file);
    }

    /// Receives one message.
    ///
    /// # Errors
    /// If the message is too long or too short.
    pub(super) fn receive(&self, buffer: &mut Buffer) -> Result<Message, &'static str> {
        buffer.whole.clear();
        let room = buffer.message.as_mut_slice();
        buffer.len = match recv(&self.socket, room, RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Ok(Message::End),
            Ok((len, _)) => len,
            Err(Failure::AGAIN | Failure::INTR) => return Ok(Message::Nothing),
            Err(_) => return Ok(Message::End),
        };
        if buffer.len > HEAD + MAX_DATA {
            return Err("it is too long");
        }
        let head = buffer.message.get(..HEAD.min(buffer.len)).unwrap_or_default();
        Request::read_from_bytes(head).map(Message::Request).map_err(|_| "it is too short")
    }

    /// Keeps the bytes of a write that goes on in the next message.
    ///
    /// # Errors
    /// If the write is longer than [`MAX_WRITE`].
    pub(super) fn keep(&mut self, buffer: &Buffer) -> Result<(), &'static str> {
        if self.begun.len() + buffer.last().len() > MAX_WRITE {
            return Err("a write is too long");
        }
        if self.overdrawn || !self.share.grow(buffer.last().len()) {
            self.forget();
            self.overdrawn = true;
            return Ok(());
        }
        self.begun.extend_from_slice(buffer.last());
        Ok(())
    }

    /// Forgets the beginning of a write.
    pub(super) fn forget(&mut self) {
        self.begun = Vec::new();
        self.overdrawn = false;
        self.share.shrink();
    }

    /// Returns whether the call that has come whole is a write that was too much for the server.
    pub(super) fn was_overdrawn(&mut self) -> bool {
        std::mem::take(&mut self.overdrawn)
    }

    /// Completes a write: `buffer` has its last bytes, and gets all of them.
    pub(super) fn complete(&mut self, buffer: &mut Buffer) {
        if !self.begun.is_empty() {
            self.begun.extend_from_slice(buffer.last());
            buffer.whole = std::mem::take(&mut self.begun);
            self.share.shrink();
        }
    }

    /// Sends an answer.
    ///
    /// # Errors
    /// The errors of `sendmsg(2)`, such as `EAGAIN` if the program does not read.
    pub(super) fn answer(
        &mut self,
        serial: u32,
        value: i64,
        data: &[u8],
        descriptor: Option<BorrowedFd<'_>>,
        order: Option<Order>,
    ) -> io::Result<()> {
        let mut reply = Reply { serial, kind: ANSWER, value, take: 0, stuff: 0 };
        if let Some(order) = order {
            reply.take = order.take;
            reply.stuff = order.stuff;
            // An order that was sent while the call waited is for the same file.
            let before = self.order.take().map_or((0, 0), |before| (before.take, before.stuff));
            let (take, stuff) = (order.take + before.0, order.stuff + before.1);
            self.order = Some(Order { take, stuff, ..order });
        }
        send(self.socket.as_fd(), &reply, data, descriptor)
    }

    /// Shuts the connection down. Its end is then received as if the program had closed it.
    pub(super) fn shut(&self) {
        let _gone = shutdown(&self.socket, Shutdown::Both);
    }
}

/// Sends a message without waiting: a socket has room for the one answer that its library waits for.
///
/// # Errors
/// The errors of `sendmsg(2)`, such as `EAGAIN` if the program does not read.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    reply: &Reply,
    data: &[u8],
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = descriptor.as_slice();
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let parts = [IoSlice::new(reply.as_bytes()), IoSlice::new(data)];
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    rustix::io::retry_on_intr(|| sendmsg(socket, &parts, &mut control, flags))?;
    Ok(())
}
