//! Sockets: where clients come in, and the connections to them. No call waits.

use crate::http::Place;
use crate::owner;
use aseqd_host::error::{Context as _, Fail, reason};
use rustix::net::sockopt::set_socket_send_buffer_size;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Bytes that the kernel keeps for a client that does not read. Without a limit it takes megabytes for each.
const SEND_BUFFER: usize = 128 << 10;

/// A place where clients come in.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    /// With the path, which goes with it.
    Unix(UnixListener, PathBuf),
}

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    /// Listens at an address.
    ///
    /// # Errors
    /// A message if it is not one of this machine, or is in use.
    pub(crate) fn tcp(address: SocketAddr) -> Result<Self, Fail> {
        let failed = || format!("cannot listen at {address}");
        let listener = TcpListener::bind(address).with_context(failed)?;
        listener.set_nonblocking(true).with_context(failed)?;
        Ok(Self::Tcp(listener))
    }

    /// Listens at a socket file that only its owner can use. One that a dead server has left is replaced.
    ///
    /// # Errors
    /// A message if something else is there, or another server answers.
    pub(crate) fn unix(path: &Path) -> Result<Self, Fail> {
        let shown = path.display();
        let failed = || format!("cannot listen at {shown}");
        match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Fail::new(format!("cannot listen at {shown}: {}", reason(&error))));
            }
            Ok(there) if !there.file_type().is_socket() => {
                return Err(Fail::new(format!(
                    "cannot listen at {shown}: there is a file already"
                )));
            }
            Ok(_) if UnixStream::connect(path).is_ok() => {
                return Err(Fail::new(format!("cannot listen at {shown}: another server does")));
            }
            Ok(_) => std::fs::remove_file(path).with_context(failed)?,
        }
        // Nobody else can come in before its permissions are set.
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
        let bound = UnixListener::bind(path);
        rustix::process::umask(before);
        let listener = bound.with_context(failed)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
            .with_context(failed)?;
        listener.set_nonblocking(true).with_context(failed)?;
        Ok(Self::Unix(listener, path.to_owned()))
    }

    /// Returns the address of a listener of TCP, with its port.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    /// Takes a connection that has come in, with the place where.
    pub(crate) fn accept(&self) -> io::Result<(Stream, Place)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                let place = Place::Tcp(stream.local_addr()?);
                let stream = Stream::Tcp(stream);
                let _limit = set_socket_send_buffer_size(&stream, SEND_BUFFER);
                Ok((stream, place))
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok((Stream::Unix(stream), Place::Unix))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _gone = std::fs::remove_file(path);
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener, _) => listener.as_fd(),
        }
    }
}

impl Stream {
    /// Returns the user whose program is at the other end, if that is known.
    pub(crate) fn user(&self) -> Option<u32> {
        match self {
            Self::Tcp(stream) => owner::of(stream.local_addr().ok()?, stream.peer_addr().ok()?),
            // Only this user and root can open the socket file.
            Self::Unix(_) => Some(rustix::process::geteuid().as_raw()),
        }
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&self) {
        let _gone = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}
