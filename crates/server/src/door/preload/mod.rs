//! The door of programs that have our library in them: calls come over connections of the library's.
//!
//! See `aseqd_wire::preload` for what goes over the wire. Two epolls, one in the other: that of the files
//! inside that of everything. A closed file shows as a hang-up of the server's end, and before any call
//! is looked at, those are asked for: what a program has closed is closed for whoever calls later.

mod admission;
mod connection;
mod file;
pub mod library;
mod share;
mod slab;

use super::{Answer, Call, CallKind, Door, Readiness, Received, Transport};
use admission::Admission;
use aseqd_abi::Errno;
use aseqd_engine::{self as engine, Access, FileId, Node};
use aseqd_host::peer::{self, Peer};
use aseqd_host::{folder, log};
use aseqd_wire::preload::{
    CARD_VARIABLE, FileKey, FileName, KEY_WANTED, MORE, NONBLOCK, ORDER, REFUSED, Reply, Request,
    SECRET_VARIABLE, SOCKET_VARIABLE, VERSION, Welcome, access, is_same_secret, kind, node,
};
use connection::{Buffer, Connection, Message, Order, Pending, Work};
use file::File;
use library::Library;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno as Failure;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, socket_with,
};
use rustix::time::Timespec;
use share::Accounts;
use slab::{Key, Slab};
use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use zerocopy::{FromBytes as _, IntoBytes as _};

/// What the outer epoll names beside connections.
const LISTENER: u64 = u64::MAX;
const FILES: u64 = u64::MAX - 1;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Connections that are taken in before others have their turn: more wait for the next. So connections
/// that have ended are let go as quickly as new ones come, and who connects without end stops nobody.
const ACCEPTS: usize = 16;

/// What happened to files, looked at before each call: more than a program can close at a time, but not
/// without end, since a program can make something happen without end.
const MAX_EVENTS: usize = 8192;

/// Things that are no calls, looked at before others have their turn.
const MAX_STEPS: usize = 64;

/// Connections of other users that may be open without having shown the secret. A program shows it at
/// once; of more, the oldest goes.
const MAX_STRANGERS: usize = 16;

/// Names of a file that are tried: each may be taken by somebody who guesses.
const NAMES: usize = 16;

/// Names a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    connection: Key,
    serial: u32,
}

/// Programs never sleep in a poll of this door's: what they poll is a socket.
#[derive(Clone, Copy, Debug)]
pub enum Wakeup {}

/// A call, whose bytes are in the buffer.
type Ready = Call<'static, Token, Wakeup>;

/// The door.
#[derive(Debug)]
pub struct PreloadDoor {
    listener: OwnedFd,
    path: PathBuf,
    admission: Admission,
    /// Connections that have come in.
    accepted: u64,
    /// A number that no other server has.
    server: u64,
    epoll: OwnedFd,
    files_epoll: OwnedFd,
    connections: Slab<Connection>,
    accounts: Accounts,
    files: Slab<File>,
    /// By the number of the engine's file.
    by_id: Vec<Option<Key>>,
    /// What one unread byte counts for in a socket's buffer.
    byte_cost: i32,
    /// Given up to be able to refuse when there are no more descriptors.
    spare: Option<OwnedFd>,
}

impl PreloadDoor {
    /// A copy of the descriptor at which connections arrive, to be kept when the server is gone.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn listener(&self) -> io::Result<OwnedFd> {
        self.listener.try_clone()
    }

    /// Listens at a socket beside the library. With `everybody`, programs of the run that have changed
    /// their user come in; else only those of the server's own user, and root.
    ///
    /// # Errors
    /// Those of making sockets; a path that is too long for one.
    pub fn bind(library: &Library, everybody: bool) -> io::Result<Self> {
        let listener =
            socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        peer::refuse_descriptors(listener.as_fd());
        let folder = library.descriptor();
        let name = folder::random_name()?;
        let path = library.folder().join(&name);
        // Programs connect to this one.
        SocketAddrUnix::new(&path)?;
        // The name that it is bound to stays in the list of sockets, which everybody can read: it says
        // neither where the socket is nor what it is called when there is somebody who listens.
        let unnamed = "new";
        let hidden = format!("/proc/self/fd/{}/{unnamed}", folder.as_raw_fd());
        match bind(&listener, &SocketAddrUnix::new(hidden)?) {
            Err(Failure::NOENT | Failure::NOTDIR | Failure::ACCESS) => {
                bind(&listener, &SocketAddrUnix::new(library.folder().join(unnamed))?)?;
            }
            bound => bound?,
        }
        let mode = Mode::from_bits_truncate(if everybody { 0o666 } else { 0o600 });
        rustix::fs::chmodat(folder, unnamed, mode, AtFlags::empty())?;
        listen(&listener, BACKLOG)?;
        rustix::fs::renameat(folder, unnamed, folder, &name)?;
        rustix::io::ioctl_fionbio(&listener, true)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let files_epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        epoll::add(&epoll, &files_epoll, EventData::new_u64(FILES), EventFlags::IN)?;
        Ok(Self {
            listener,
            path,
            admission: Admission::new(everybody)?,
            accepted: 0,
            server: random()?,
            epoll,
            files_epoll,
            connections: Slab::default(),
            accounts: Accounts::new(),
            files: Slab::default(),
            by_id: Vec::new(),
            byte_cost: file::byte_cost()?,
            spare: spare(),
        })
    }

    /// What the library must find in the environment. Nobody else may see it.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let digits = OsString::from_vec(self.admission.secret.digits().to_vec());
        let mut variables =
            vec![(SOCKET_VARIABLE, self.path.clone().into()), (SECRET_VARIABLE, digits)];
        if crate::door::has_card() {
            variables.push((CARD_VARIABLE, "1".into()));
        }
        variables
    }

    /// Takes all that wait to come in.
    fn accept(&mut self) {
        for _ in 0..ACCEPTS {
            match accept_with(&self.listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok(socket) => self.admit(socket),
                Err(Failure::AGAIN) => return,
                Err(Failure::INTR | Failure::CONNABORTED) => {}
                Err(Failure::MFILE | Failure::NFILE) => {
                    // It would wait, and we would be woken for it, without end.
                    drop(self.spare.take());
                    drop(accept_with(&self.listener, SocketFlags::CLOEXEC));
                    self.spare = spare();
                    log::tell(
                        "turned away",
                        format_args!("a program was turned away: too many open files"),
                    );
                    return;
                }
                // Of the one that comes in, or for want of memory: the next look finds the others.
                Err(error) => {
                    log::tell("turned away", format_args!("a program cannot come in: {error}"));
                    return;
                }
            }
        }
    }

    fn admit(&mut self, socket: OwnedFd) {
        // One of which nothing is known is not served.
        let Ok(peer) = peer::of(socket.as_fd()) else { return };
        if !self.admission.may_ask(peer) {
            send_refusal(socket.as_fd());
            return;
        }
        if !self.admission.is_trusted(peer) {
            self.make_room_for_stranger();
        }
        let Some(share) = self.accounts.open(peer.uid) else { return };
        let number = self.accepted;
        self.accepted += 1;
        let key = self.connections.insert(Connection::new(socket, peer, number, share));
        let Some(connection) = self.connections.get(key) else { return };
        // ENOSPC if the user of the server has too many (`fs.epoll.max_user_watches`).
        let watched = epoll::add(&self.epoll, &connection.socket, key.data(), EventFlags::IN);
        if let Err(error) = watched {
            self.connections.remove(key);
            log::tell("turned away", format_args!("a program cannot be listened to: {error}"));
        }
    }

    /// Ends the oldest connection of another user that has not shown the secret, if there are many.
    fn make_room_for_stranger(&mut self) {
        let is_stranger = |connection: &Connection| {
            !connection.greeted && !self.admission.is_trusted(connection.peer)
        };
        let all = self.connections.entries().filter(|(_, connection)| is_stranger(connection));
        let strangers: Vec<_> = all.map(|(key, connection)| (connection.number, key)).collect();
        if strangers.len() >= MAX_STRANGERS
            && let Some((_, oldest)) = strangers.into_iter().min()
        {
            // It has made no call: with it nothing else goes.
            let _closed = self.connections.remove(oldest);
        }
    }

    /// Hears a connection's first message.
    fn greet(
        &mut self,
        key: Key,
        request: &Request,
        shown: &[u8],
    ) -> Result<Option<Ready>, &'static str> {
        let Some(connection) = self.connections.get_mut(key) else { return Ok(None) };
        if request.kind != kind::HELLO || request.code != VERSION {
            return Err("its library is of another version");
        }
        if let Err(why) = self.admission.check(connection.peer, shown) {
            admission::tell(connection.peer, why);
            send_refusal(connection.socket.as_fd());
            return Ok(self.end(key));
        }
        connection.greeted = true;
        let welcome = Welcome { proof: self.admission.secret.server, server: self.server };
        let _gone = connection.answer(request.serial, 0, welcome.as_bytes(), None, None);
        Ok(None)
    }

    /// A connection shows the key of a file.
    fn learn(&mut self, key: Key, request: &Request, shown: &[u8]) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let file = Key::from_number(request.file);
        let found = self.files.get(file).filter(|_| request.server == self.server);
        let right = found.is_some_and(|found| {
            FileKey::read_from_bytes(shown)
                .is_ok_and(|shown| is_same_secret(shown.as_bytes(), found.key.as_bytes()))
        });
        if right {
            connection.learn(file, |known| self.files.get(known).is_some());
        }
        let value = if right { 0 } else { -i64::from(Errno::EBADFD.0) };
        let _gone = connection.answer(request.serial, value, &[], None, None);
    }

    /// What has happened to the files: the next that is closed.
    fn closed_file(&mut self) -> Option<FileId> {
        for _ in 0..MAX_EVENTS {
            let event = one(&self.files_epoll)?;
            let key = Key::from_data(event.data);
            let flags = event.flags;
            if flags.intersects(EventFlags::HUP | EventFlags::RDHUP | EventFlags::ERR) {
                let Some(file) = self.files.remove(key) else { continue };
                let slot = self.by_id.get_mut(file.id.0 as usize);
                if let Some(slot) = slot.filter(|slot| **slot == Some(key)) {
                    *slot = None;
                }
                return Some(file.id);
            }
            if let Some(file) = self.files.get(key) {
                file.drain();
            }
        }
        None
    }

    /// Receives from one connection. None if what came is no call. The bytes of the call are in the
    /// buffer.
    fn heard_on(&mut self, key: Key, buffer: &mut Buffer) -> Option<Ready> {
        let connection = self.connections.get_mut(key)?;
        match connection.receive(buffer) {
            Ok(Message::Nothing) => None,
            Ok(Message::End) => self.end(key),
            Ok(Message::Request(request)) => match self.request(key, &request, buffer) {
                Ok(call) => call,
                Err(why) => self.refuse(key, why),
            },
            Err(why) => self.refuse(key, why),
        }
    }

    /// Nonsense came: one line, and no more of it.
    fn refuse(&mut self, key: Key, why: &'static str) -> Option<Ready> {
        if let Some(connection) = self.connections.get(key) {
            let Peer { pid, .. } = connection.peer;
            log::tell(why, format_args!("process {pid} sent what is no request: {why}"));
        }
        self.end(key)
    }

    /// A connection is over: what it was waiting for is taken back.
    fn end(&mut self, key: Key) -> Option<Ready> {
        let connection = self.connections.remove(key)?;
        if let Some(order) = connection.order
            && let Some(file) = self.files.get_mut(order.file)
        {
            file.lost(order.take, order.stuff, self.byte_cost);
        }
        let pending = connection.pending?;
        let token = Token { connection: key, serial: pending.serial };
        Some(Call { token, thread: 0, kind: CallKind::Interrupt { target: token } })
    }

    /// The call that a request is.
    fn request(
        &mut self,
        key: Key,
        request: &Request,
        buffer: &mut Buffer,
    ) -> Result<Option<Ready>, &'static str> {
        let Some(connection) = self.connections.get_mut(key) else { return Ok(None) };
        if !connection.greeted {
            return self.greet(key, request, buffer.data());
        }
        let token = Token { connection: key, serial: request.serial };
        if request.kind == kind::INTERRUPT {
            // Of a call that has been answered: the answer is on its way.
            let waits = connection.pending.is_some_and(|call| call.serial == request.serial);
            let kind = CallKind::Interrupt { target: token };
            return Ok(waits.then_some(Call { token, thread: 0, kind }));
        }
        if connection.pending.is_some() {
            return Err("a call before the last one was answered");
        }
        if let Some(order) = connection.order.take()
            && let Some(file) = self.files.get_mut(order.file)
        {
            file.obeyed(order.take, order.stuff, self.byte_cost);
        }
        if request.kind == kind::SYNC {
            // Whatever was closed before it was seen before it.
            let _gone = connection.answer(request.serial, 0, &[], None, None);
            return Ok(None);
        }
        if request.kind == kind::KEY {
            self.learn(key, request, buffer.data());
            return Ok(None);
        }
        let peer = connection.peer;
        let thread = if request.thread == 0 { peer.pid } else { request.thread };
        let mut pending = Pending { serial: request.serial, file: None, work: Work::Call };
        if request.kind == kind::OPEN {
            let engine_node = match request.code {
                node::SEQUENCER => Node::Sequencer,
                node::TIMER => Node::Timer,
                node::CONTROL => Node::Control,
                _ => return Err("there is no such device"),
            };
            let (access, engine_access) = match request.access {
                access::READ => (access::READ, Access::Read),
                access::WRITE => (access::WRITE, Access::Write),
                _ => (access::BOTH, Access::ReadWrite),
            };
            let nonblock = request.flags & NONBLOCK != 0;
            pending.work = Work::Open { access, nonblock, node: request.code };
            connection.pending = Some(pending);
            let (node, access) = (engine_node, engine_access);
            let kind = CallKind::Open { node, access, pid: peer.pid, user: peer.uid };
            return Ok(Some(Call { token, thread, kind }));
        }
        if request.flags & MORE != 0 {
            if request.kind != kind::WRITE {
                return Err("only a write goes on in another message");
            }
            connection.keep(buffer)?;
            return Ok(None);
        }
        if connection.was_overdrawn() {
            let value = -i64::from(Errno::ENOMEM.0);
            let _gone = connection.answer(request.serial, value, &[], None, None);
            return Ok(None);
        }
        let file_key = Key::from_number(request.file);
        let found = self.files.get(file_key).filter(|_| request.server == self.server);
        let Some(file) = found.map(|file| file.id) else {
            // Of another server, or one that is closed already.
            connection.forget();
            let _gone =
                connection.answer(request.serial, -i64::from(Errno::EBADFD.0), &[], None, None);
            return Ok(None);
        };
        if !connection.knows(file_key) {
            connection.forget();
            let reply = Reply { serial: request.serial, kind: KEY_WANTED, ..Reply::default() };
            if connection::send(connection.socket.as_fd(), &reply, &[], None).is_err() {
                connection.shut();
            }
            return Ok(None);
        }
        pending.file = Some(file_key);
        connection.pending = Some(pending);
        let nonblock = request.flags & NONBLOCK != 0;
        let len = usize::try_from(request.len).unwrap_or(usize::MAX);
        let call = match request.kind {
            kind::READ => {
                engine::Call::Read { len: len.min(aseqd_wire::preload::MAX_READ), nonblock }
            }
            kind::WRITE => {
                connection.complete(buffer);
                engine::Call::Write { data: &[], nonblock }
            }
            kind::IOCTL => engine::Call::Ioctl { request: request.code, compat: false, arg: &[] },
            _ => return Err("there is no such request"),
        };
        let out_size = aseqd_abi::ioctl::size(request.code);
        let kind = CallKind::File { file, call, out_size, wakeup: None };
        Ok(Some(Call { token, thread, kind }))
    }

    /// Sends a call's answer, with what is to be done for its file.
    fn send(
        &mut self,
        token: Token,
        value: i64,
        data: &[u8],
        descriptor: Option<&OwnedFd>,
    ) -> bool {
        let Some(connection) = self.connections.get_mut(token.connection) else { return false };
        let pending = connection.pending.take_if(|pending| pending.serial == token.serial);
        let Some(pending) = pending else { return false };
        let mut order = None;
        if let Some(key) = pending.file
            && let Some(file) = self.files.get_mut(key)
            && let Some((take, stuff)) = file.order()
        {
            order = Some(Order { file: key, take, stuff });
        }
        let descriptor = descriptor.map(OwnedFd::as_fd);
        let sent = connection.answer(token.serial, value, data, descriptor, order).is_ok();
        if !sent {
            // Nobody is there, or somebody who does not read: the epoll tells of the end.
            connection.shut();
        }
        sent
    }

    /// Lets somebody who waits for this file fill its buffer.
    fn order_at_once(&mut self, key: Key) {
        let waits = |connection: &&mut Connection| {
            connection.order.is_none()
                && connection.pending.is_some_and(|pending| pending.file == Some(key))
        };
        let Some(connection) = self.connections.iter_mut().find(waits) else { return };
        let Some(file) = self.files.get_mut(key) else { return };
        let Some((take, stuff)) = file.order() else { return };
        let reply = Reply { kind: ORDER, take, stuff, ..Reply::default() };
        connection.order = Some(Order { file: key, take, stuff });
        if connection::send(connection.socket.as_fd(), &reply, &[], None).is_err() {
            connection.shut();
        }
    }

    /// Makes an open file, and gives its number and the program's end.
    fn make(
        &mut self,
        token: Token,
        id: FileId,
        state: Readiness,
    ) -> io::Result<Option<(Key, OwnedFd)>> {
        let pending = self.connections.get(token.connection).and_then(|open| open.pending);
        let pending = pending.filter(|pending| pending.serial == token.serial);
        let Some(Pending { work: Work::Open { access, nonblock, node }, .. }) = pending else {
            return Ok(None);
        };
        // Not 0, which would be no timeout.
        let half = || random().map(|number| 1 + (number >> (64 - FileKey::BITS)));
        let (receive, send) = (half()?, half()?);
        let (file, theirs) = File::new(id, state, nonblock, FileKey { receive, send })?;
        let key = self.files.insert(file);
        let name = FileName { server: self.server, key: key.number(), nonce: 0, access, node };
        let named = self.files.get(key).map_or(Ok(()), |file| {
            bind_somewhere(&file.socket, name, random)?;
            Ok(epoll::add(&self.files_epoll, &file.socket, key.data(), file::INTEREST)?)
        });
        if let Err(error) = named {
            let _not_named = self.files.remove(key);
            return Err(error);
        }
        if let Some(connection) = self.connections.get_mut(token.connection) {
            connection.learn(key, |known| self.files.get(known).is_some());
        }
        let slot = id.0 as usize;
        if self.by_id.len() <= slot {
            self.by_id.resize(slot + 1, None);
        }
        self.by_id[slot] = Some(key);
        Ok(Some((key, theirs)))
    }

    /// Gives a program the file that it has opened. Returns whether it will be closed.
    fn open(&mut self, token: Token, file: FileId, state: Readiness) -> bool {
        match self.make(token, file, state) {
            Ok(Some((_, theirs))) => {
                // If nobody has taken it, it is closed with `theirs`, and that is seen as of any other.
                let _taken = self.send(token, 0, &[], Some(&theirs));
                true
            }
            Ok(None) => false,
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                log::tell("file", format_args!("a file cannot be made: {error}"));
                self.send(token, -i64::from(errno), &[], None);
                false
            }
        }
    }

    fn key_of(&self, file: FileId) -> Option<Key> {
        self.by_id.get(file.0 as usize).copied().flatten()
    }
}

impl Door for PreloadDoor {
    type Token = Token;
    type Wakeup = Wakeup;

    fn answer(&mut self, token: Token, answer: Answer<'_>) -> bool {
        let (value, data) = match answer {
            Answer::Opened { file, state } => return self.open(token, file, state),
            Answer::Read(data) => (i64::try_from(data.len()).unwrap_or(0), data),
            Answer::Written(count) => (i64::try_from(count).unwrap_or(0), &[][..]),
            Answer::Ioctl(Ok(out)) => (0, out),
            Answer::Ioctl(Err(errno)) | Answer::Failed(errno) => (-i64::from(errno.0), &[][..]),
            // Programs poll a socket, and never ask.
            Answer::Polled(_) => return false,
        };
        self.send(token, value, data, None)
    }

    fn wake(&mut self, wakeup: Wakeup) {
        match wakeup {}
    }

    fn shows(&self, file: FileId) -> bool {
        self.key_of(file).is_some()
    }

    fn show(&mut self, file: FileId, state: Readiness, fresh: bool) {
        let Some(key) = self.key_of(file) else { return };
        let Some(shown) = self.files.get_mut(key) else { return };
        if shown.show(state) {
            // A call that waits goes on waiting, while others may poll.
            self.order_at_once(key);
        }
        let Some(shown) = self.files.get_mut(key) else { return };
        if let Some(interest) = shown.new_interest()
            && let Err(error) =
                epoll::modify(&self.files_epoll, &shown.socket, key.data(), interest)
        {
            log::tell("file", format_args!("a file cannot be watched: {error}"));
        }
        if fresh {
            shown.renew();
        }
    }
}

impl Transport for PreloadDoor {
    type Buffer = Buffer;

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    fn is_end(&self, inode: u64) -> bool {
        self.files.iter().any(|file| file.inode == inode)
    }

    fn receive<'b>(&mut self, buffer: &'b mut Buffer) -> Received<'b, Token, Wakeup> {
        for _ in 0..MAX_STEPS {
            let Some(event) = one(&self.epoll) else { break };
            // First of all what was closed: whoever calls may know of it.
            if let Some(file) = self.closed_file() {
                let token = Token { connection: Key::NONE, serial: 0 };
                let kind = CallKind::Close { file };
                return Received::Call(Call { token, thread: 0, kind });
            }
            match event.data.u64() {
                LISTENER => self.accept(),
                FILES => {}
                _ => {
                    let ready = self.heard_on(Key::from_data(event.data), buffer);
                    if let Some(Call { token, thread, kind }) = ready {
                        let kind = kind.with_bytes(buffer.data());
                        return Received::Call(Call { token, thread, kind });
                    }
                }
            }
        }
        Received::Nothing
    }
}

/// One event, if one is there.
fn one(epoll: &OwnedFd) -> Option<Event> {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    loop {
        let mut space = [MaybeUninit::<Event>::uninit()];
        match epoll::wait(epoll, &mut space[..], Some(&now)) {
            Ok((events, _)) => return events.first().copied(),
            Err(Failure::INTR) => {}
            // Only a descriptor that is no epoll makes this fail, and ours are some.
            Err(_) => return None,
        }
    }
}

/// Binds a file's socket to its name with a nonce that makes it nobody's.
fn bind_somewhere(
    socket: &OwnedFd,
    name: FileName,
    mut nonce: impl FnMut() -> io::Result<u64>,
) -> io::Result<()> {
    for _ in 0..NAMES {
        let name = FileName { nonce: nonce()?, ..name };
        match bind(socket, &SocketAddrUnix::new_abstract_name(&name.bytes())?) {
            Err(Failure::ADDRINUSE) => {}
            bound => return Ok(bound?),
        }
    }
    Err(Failure::ADDRINUSE.into())
}

fn send_refusal(socket: BorrowedFd<'_>) {
    let reply = Reply { kind: REFUSED, ..Reply::default() };
    let _gone = connection::send(socket, &reply, &[], None);
}

/// A number that nobody else has.
fn random() -> io::Result<u64> {
    folder::random().map(u64::from_ne_bytes)
}

fn spare() -> Option<OwnedFd> {
    std::fs::File::open("/dev/null").ok().map(OwnedFd::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_is_another_try() {
        let socket = || {
            let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
            socket_with(family, kind, SocketFlags::CLOEXEC, None).expect("a socket")
        };
        let server = random().expect("a number");
        let name = FileName { server, key: 0, nonce: 0, access: access::READ, node: node::TIMER };
        let (squatter, first, second) = (socket(), socket(), socket());
        bind_somewhere(&squatter, name, || Ok(1)).expect("a name");
        let mut nonces = [1, 1, 2].into_iter();
        bind_somewhere(&first, name, || Ok(nonces.next().expect("one more"))).expect("a name");
        assert_eq!(nonces.next(), None);
        let taken = bind_somewhere(&second, name, || Ok(2)).expect_err("all names are taken");
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    }
}
