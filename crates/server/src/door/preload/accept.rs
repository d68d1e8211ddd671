//! New connections: accepted, admitted, and greeted when they have shown the secret.

use super::admission;
use super::connection::{self, Connection};
use super::slab::Key;
use super::{PreloadDoor, Ready};
use aseqd_host::error::reason;
use aseqd_host::log;
use aseqd_host::peer;
use aseqd_wire::preload::{REFUSED, Reply, Request, VERSION, Welcome, kind};
use rustix::event::epoll::{self, EventFlags};
use rustix::io::Errno as Failure;
use rustix::net::{SocketFlags, accept_with};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use zerocopy::IntoBytes as _;

/// Maximum number of connections that are accepted before other events have their turn. So ended connections are
/// let go as quickly as new ones come, and a program that connects without end delays nobody else.
const MAX_ACCEPTS: usize = 16;

/// Maximum number of connections of other users that have not shown the secret yet. A program shows it at once. If
/// there are more, the oldest is closed.
const MAX_STRANGERS: usize = 16;

impl PreloadDoor {
    /// Accepts the connections that wait.
    pub(super) fn accept(&mut self) {
        for _ in 0..MAX_ACCEPTS {
            match accept_with(&self.listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok(socket) => self.admit(socket),
                Err(Failure::AGAIN) => return,
                Err(Failure::INTR | Failure::CONNABORTED) => {}
                Err(Failure::MFILE | Failure::NFILE) => {
                    // If it went on waiting, the server would be woken for it without end.
                    drop(self.spare.take());
                    drop(accept_with(&self.listener, SocketFlags::CLOEXEC));
                    self.spare = spare();
                    log::tell(
                        "turned away",
                        format_args!("a program was turned away: too many open files"),
                    );
                    return;
                }
                // The connection is broken, or memory is short. The others are accepted next time.
                Err(error) => {
                    log::tell(
                        "turned away",
                        format_args!("a program cannot connect: {}", reason(&error)),
                    );
                    return;
                }
            }
        }
    }

    /// Lets a connection in, or refuses it.
    fn admit(&mut self, socket: OwnedFd) {
        // A connection of an unknown process is not served.
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
        // Fails with ENOSPC if the server's user has too many watches (`fs.epoll.max_user_watches`).
        let watched = epoll::add(&self.epoll, &connection.socket, key.data(), EventFlags::IN);
        if let Err(error) = watched {
            self.connections.remove(key);
            log::tell(
                "turned away",
                format_args!("a program cannot be listened to: {}", reason(&error)),
            );
        }
    }

    /// Closes the oldest connection of another user that has not shown the secret, if there are too many.
    fn make_room_for_stranger(&mut self) {
        let is_stranger = |connection: &Connection| {
            !connection.greeted && !self.admission.is_trusted(connection.peer)
        };
        let all = self.connections.entries().filter(|(_, connection)| is_stranger(connection));
        let strangers: Vec<_> = all.map(|(key, connection)| (connection.number, key)).collect();
        if strangers.len() >= MAX_STRANGERS
            && let Some((_, oldest)) = strangers.into_iter().min()
        {
            // It has made no call, so nothing else is lost.
            let _closed = self.connections.remove(oldest);
        }
    }

    /// Handles the first message of a connection, which shows the secret.
    ///
    /// # Errors
    /// If the message is not a greeting of this version.
    pub(super) fn greet(
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
}

/// Tells a library that it is refused.
fn send_refusal(socket: BorrowedFd<'_>) {
    let reply = Reply { kind: REFUSED, ..Reply::default() };
    let _gone = connection::send(socket, &reply, &[], None);
}

/// Opens a descriptor to be given up when no other is left.
pub(super) fn spare() -> Option<OwnedFd> {
    std::fs::File::open("/dev/null").ok().map(OwnedFd::from)
}
