//! The door of programs that have our library in them: calls come over connections of the library's.
//!
//! See `aseqd_wire::preload` for what goes over the wire. Two epolls, one in the other: that of the files
//! inside that of everything. A closed file shows as a hang-up of the server's end, and before any call
//! is looked at, those are asked for: what a program has closed is closed for whoever calls later.

mod accept;
mod admission;
mod answer;
mod connection;
mod file;
pub mod library;
mod receive;
mod request;
mod share;
mod slab;

use self::accept::spare;
use self::admission::Admission;
use self::connection::Connection;
use self::file::File;
use self::library::Library;
use self::share::Accounts;
use self::slab::{Key, Slab};
use super::{Call, CallKind};
use aseqd_engine::FileId;
use aseqd_host::{folder, peer};
use aseqd_wire::preload::{CARD_VARIABLE, SECRET_VARIABLE, SOCKET_VARIABLE};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno as Failure;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with,
};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// What the outer epoll names beside connections.
const LISTENER: u64 = u64::MAX;
const FILES: u64 = u64::MAX - 1;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

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

    fn key_of(&self, file: FileId) -> Option<Key> {
        self.by_id.get(file.0 as usize).copied().flatten()
    }
}

/// A number that nobody else has.
fn random() -> io::Result<u64> {
    folder::random().map(u64::from_ne_bytes)
}
