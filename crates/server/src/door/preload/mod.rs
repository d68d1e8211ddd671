//! The door of programs that have our library loaded: calls come as messages over connections that the library
//! makes. `aseqd_wire::preload` describes the messages.
//!
//! There are two epolls: that of the files is inside that of everything. A closed file shows as a hang-up of the
//! server's end. Hang-ups are handled before any call, so that a file which a program has closed is closed for
//! every later call.

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

/// The data of events in the outer epoll that are not of connections.
const LISTENER: u64 = u64::MAX;
const FILES: u64 = u64::MAX - 1;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Names a call: the connection, and the number that its library gave the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    connection: Key,
    serial: u32,
}

/// Names a program that sleeps in a poll. There are none: programs poll a socket, not the server.
#[derive(Clone, Copy, Debug)]
pub enum Wakeup {}

/// A call whose bytes are in the buffer.
type Ready = Call<'static, Token, Wakeup>;

/// The server's side of the library in programs.
#[derive(Debug)]
pub struct PreloadDoor {
    listener: OwnedFd,
    path: PathBuf,
    admission: Admission,
    /// How many connections have been accepted.
    accepted: u64,
    /// A random number, by which programs tell this server from others.
    server: u64,
    epoll: OwnedFd,
    files_epoll: OwnedFd,
    connections: Slab<Connection>,
    accounts: Accounts,
    files: Slab<File>,
    /// The keys of files, by the engine's file numbers.
    by_id: Vec<Option<Key>>,
    /// What one unread byte counts for in the answer to `SIOCOUTQ`; see [`file::byte_cost`].
    byte_cost: i32,
    /// A descriptor to give up when no other is left, so that a connection can be accepted and refused.
    spare: Option<OwnedFd>,
}

impl PreloadDoor {
    /// Returns a copy of the listening socket, to be kept when the server is gone.
    ///
    /// # Errors
    /// `EMFILE` if there are too many open files.
    pub fn listener(&self) -> io::Result<OwnedFd> {
        self.listener.try_clone()
    }

    /// Listens at a socket beside the library. With `everybody`, programs of the run that have changed their user
    /// may connect too; else only the server's own user and root may.
    ///
    /// # Errors
    /// If the path is too long for a socket, or a socket, an epoll or a random number cannot be made.
    pub fn bind(library: &Library, everybody: bool) -> io::Result<Self> {
        let listener =
            socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        peer::refuse_descriptors(listener.as_fd());
        let folder = library.descriptor();
        let name = folder::random_name()?;
        let path = library.folder().join(&name);
        // Programs connect to this path.
        SocketAddrUnix::new(&path)?;
        // The name at the time of `bind` stays in the list of sockets, which everybody can read. So it is bound
        // under another name, by a path that does not show the folder, and renamed when it listens.
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

    /// Returns the variables that the library must find in the environment. One is the secret of the run.
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

    /// Forgets a connection that has ended. Returns the interrupt of the call that it was waiting for, if any.
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

    /// Returns the key of one of the engine's files, if it is behind this door.
    fn key_of(&self, file: FileId) -> Option<Key> {
        self.by_id.get(file.0 as usize).copied().flatten()
    }
}

/// Returns a random number.
fn random() -> io::Result<u64> {
    folder::random().map(u64::from_ne_bytes)
}
