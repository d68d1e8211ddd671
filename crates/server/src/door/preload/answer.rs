//! Sends answers, and shows in the programs' ends of files what polls find.

use super::connection::{self, Connection, Order, Pending, Work};
use super::file::{self, File};
use super::slab::Key;
use super::{PreloadDoor, Token, Wakeup, random};
use crate::door::{Answer, Door, Readiness};
use aseqd_engine::FileId;
use aseqd_host::error::reason;
use aseqd_host::log;
use aseqd_wire::preload::{FileKey, FileName, ORDER, Reply, access, node};
use rustix::event::epoll;
use rustix::io::Errno as Failure;
use rustix::net::{SocketAddrUnix, bind};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use zerocopy::IntoBytes as _;

/// Maximum number of names that are tried for a file. Another process may have taken a name by guessing it.
const MAX_NAME_TRIES: usize = 16;

impl Door for PreloadDoor {
    type Token = Token;
    type Wakeup = Wakeup;

    fn answer(&mut self, token: Token, answer: Answer<'_>) -> bool {
        let (value, data) = match answer {
            Answer::Opened { file, state } => return self.open(token, file, state, &[]),
            Answer::Created { file, state, info } => {
                return self.open(token, file, state, info.as_bytes());
            }
            Answer::Read(data) => (i64::try_from(data.len()).unwrap_or(0), data),
            Answer::Written(count) => (i64::try_from(count).unwrap_or(0), &[][..]),
            Answer::Ioctl(Ok(out)) => (0, out),
            Answer::Ioctl(Err(errno)) | Answer::Failed(errno) => (-i64::from(errno.0), &[][..]),
            // This is never asked: programs poll a socket.
            Answer::Polled(_) => return false,
        };
        self.send(token, value, data, None)
    }

    fn gives_descriptors(&self, _token: Token) -> bool {
        true
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
            // The next answer may be far away, while other threads poll.
            self.order_at_once(key);
        }
        let Some(shown) = self.files.get_mut(key) else { return };
        if let Some(interest) = shown.new_interest()
            && let Err(error) =
                epoll::modify(&self.files_epoll, &shown.socket, key.data(), interest)
        {
            log::tell("file", format_args!("a file cannot be watched: {}", reason(&error)));
        }
        if fresh {
            shown.renew();
        }
    }
}

impl PreloadDoor {
    /// Sends an answer, with an order for the program's end of the file. Returns whether it could be sent.
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
            // The program is gone or does not read. The epoll reports the end of the connection.
            connection.shut();
        }
        sent
    }

    /// Orders a program whose call waits for this file to fill its send buffer.
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

    /// Makes an open file. Returns its key and the program's end; `None` if the call does not wait any more.
    ///
    /// # Errors
    /// If its sockets cannot be made, named or watched.
    fn make(
        &mut self,
        token: Token,
        id: FileId,
        state: Readiness,
    ) -> io::Result<Option<(Key, OwnedFd)>> {
        let pending = self.connections.get(token.connection).and_then(|open| open.pending);
        let pending = pending.filter(|pending| pending.serial == token.serial);
        let Some(Pending { work, .. }) = pending else { return Ok(None) };
        let (access, nonblock, node) = match work {
            Work::Open { access, nonblock, node } => (access, nonblock, node),
            // A request has created the file.
            Work::Call => (access::BOTH, false, node::USER_TIMER),
        };
        // At least 1, because 0 means no timeout.
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

    /// Gives a program the file that it has opened or created, with the bytes of the answer. Returns whether the
    /// file will be closed.
    fn open(&mut self, token: Token, file: FileId, state: Readiness, data: &[u8]) -> bool {
        match self.make(token, file, state) {
            Ok(Some((_, theirs))) => {
                // If the answer did not reach the program, dropping `theirs` closes the file like any other.
                let _taken = self.send(token, 0, data, Some(&theirs));
                true
            }
            Ok(None) => false,
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                log::tell("file", format_args!("a file cannot be made: {}", reason(&error)));
                self.send(token, -i64::from(errno), &[], None);
                false
            }
        }
    }
}

/// Binds a file's socket to its name, with the first nonce for which the name is free.
///
/// # Errors
/// `EADDRINUSE` if no name was free, and those of `bind(2)`.
fn bind_somewhere(
    socket: &OwnedFd,
    name: FileName,
    mut nonce: impl FnMut() -> io::Result<u64>,
) -> io::Result<()> {
    for _ in 0..MAX_NAME_TRIES {
        let name = FileName { nonce: nonce()?, ..name };
        match bind(socket, &SocketAddrUnix::new_abstract_name(&name.bytes())?) {
            Err(Failure::ADDRINUSE) => {}
            bound => return Ok(bound?),
        }
    }
    Err(Failure::ADDRINUSE.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

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
