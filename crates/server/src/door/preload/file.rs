//! An open file: a pair of sockets, whose other end the program polls.
//!
//! | state | how the program's end shows it |
//! | --- | --- |
//! | readable | bytes of ours lie there unread: one, and one more for each time that something came |
//! | not readable | they were taken, by whoever of the program's threads was told so |
//! | writable | its send buffer is empty |
//! | not writable | its send buffer was filled, by whoever was told so, and lies here unread |
//!
//! Bytes to take are counted, so that late hands do no harm: a thread that was told to take one and is
//! slow takes one of two. Filling a buffer twice is filling it; stuffing that comes when the file is
//! writable again is taken out at once.

use crate::door::Readiness;
use aseqd_client::ioctl::ioctl;
use aseqd_engine::FileId;
use aseqd_host::peer::refuse_descriptors;
use aseqd_wire::preload::FileKey;
use rustix::event::epoll::EventFlags;
use rustix::fs::OFlags;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair, sockopt,
    sockopt::Timeout,
};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// What the epoll is to tell of a file.
pub(super) const INTEREST: EventFlags = EventFlags::RDHUP;

/// The request for the bytes that the other end has not read.
const SIOCOUTQ: u32 = 0x5411;
/// Bytes that fill the smallest send buffer.
const STUFFING: usize = 1024;
const MOST_STUFFING: usize = 1024;
/// Reads until an end is empty, of a buffer that is smaller than one of them. A program that fills it
/// as quickly must not keep the server.
const MOST_READS: usize = 16;

#[derive(Debug)]
pub(super) struct File {
    pub(super) id: FileId,
    pub(super) socket: OwnedFd,
    /// Of the program's end.
    pub(super) inode: u64,
    /// Lies in the program's end.
    pub(super) key: FileKey,
    shown: Readiness,
    /// Bytes that show that it is readable.
    bytes: u32,
    /// The last of them was sent because it became readable.
    fresh: bool,
    /// Bytes that nobody was told yet to take.
    to_take: u32,
    /// Bytes that somebody was told to take, and may not have taken yet.
    taking: u32,
    /// Somebody has to fill the send buffer.
    to_stuff: bool,
    /// How many were told to, and may not have done so yet.
    stuffing: u32,
    /// Somebody ended who was told to take a byte: nobody knows whether it is taken.
    doubt: bool,
    /// The epoll tells when stuffing comes.
    watched: bool,
}

impl File {
    /// A file in that state, and the program's end of it.
    pub(super) fn new(
        id: FileId,
        state: Readiness,
        nonblock: bool,
        key: FileKey,
    ) -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = pair()?;
        // The smallest there is.
        sockopt::set_socket_send_buffer_size(&theirs, 0)?;
        // Nobody waits in a receive or a send of this end: see `aseqd_wire::preload::FileKey`.
        for (option, seconds) in [(Timeout::Recv, key.receive), (Timeout::Send, key.send)] {
            sockopt::set_socket_timeout(&theirs, option, Some(Duration::from_secs(seconds)))?;
        }
        if nonblock {
            rustix::fs::fcntl_setfl(&theirs, OFlags::NONBLOCK)?;
        }
        let mut file = Self {
            id,
            socket: ours,
            inode: rustix::fs::fstat(&theirs)?.st_ino,
            key,
            shown: Readiness { readable: false, writable: state.writable },
            bytes: 0,
            fresh: false,
            to_take: 0,
            taking: 0,
            to_stuff: false,
            stuffing: 0,
            doubt: false,
            watched: false,
        };
        if !state.writable {
            for _ in 0..MOST_STUFFING {
                if send(&theirs, &[0; STUFFING], QUIETLY).is_err() {
                    break;
                }
            }
        }
        let _nothing_to_order = file.show(state);
        Ok((file, theirs))
    }

    /// Shows a state. True if the program's end has to be filled.
    pub(super) fn show(&mut self, state: Readiness) -> bool {
        self.fresh = state.readable && !self.shown.readable;
        if self.fresh {
            self.signal();
        } else if !state.readable {
            self.to_take += std::mem::take(&mut self.bytes);
        }
        if state.writable != self.shown.writable {
            self.to_stuff = !state.writable;
        }
        let emptied = state.writable && !self.shown.writable;
        self.shown = state;
        if emptied {
            self.drain();
        }
        self.to_stuff
    }

    /// Something came. Who waits for edges, or for signals, is told of it though it was readable before.
    pub(super) fn renew(&mut self) {
        if self.shown.readable && !std::mem::take(&mut self.fresh) {
            self.signal();
        }
    }

    /// Puts a byte to the program's end. One that is gone is told of by the epoll; where hundreds lie
    /// unread there is no room for more.
    fn signal(&mut self) {
        self.bytes += u32::from(send(&self.socket, &[0], QUIETLY).is_ok());
    }

    /// Takes out what has come, if the file is writable.
    pub(super) fn drain(&self) {
        if !self.shown.writable {
            return;
        }
        let mut bytes = [0; 4 * STUFFING];
        for _ in 0..MOST_READS {
            let read = recv(&self.socket, &mut bytes[..], RecvFlags::DONTWAIT);
            if !read.is_ok_and(|(len, _)| len > 0) {
                break;
            }
        }
    }

    /// What the next who is answered has to do: how many bytes to take, whether to fill the buffer.
    pub(super) fn order(&mut self) -> Option<(u32, u32)> {
        if self.to_take == 0 && !self.to_stuff {
            return None;
        }
        let take = std::mem::take(&mut self.to_take);
        let stuff = std::mem::take(&mut self.to_stuff).into();
        self.taking += take;
        self.stuffing += stuff;
        Some((take, stuff))
    }

    /// An order was obeyed.
    pub(super) fn obeyed(&mut self, take: u32, stuff: u32, byte_cost: i32) {
        self.taking -= take.min(self.taking);
        self.stuffing -= stuff.min(self.stuffing);
        if stuff > 0 {
            self.drain();
        }
        self.resolve(byte_cost);
    }

    /// Somebody ended who had an order.
    pub(super) fn lost(&mut self, take: u32, stuff: u32, byte_cost: i32) {
        self.doubt |= take > 0;
        self.to_stuff |= stuff > 0 && !self.shown.writable;
        self.obeyed(take, stuff, byte_cost);
    }

    /// Counts the bytes at the program's end, when nobody is about to take any.
    fn resolve(&mut self, byte_cost: i32) {
        if !self.doubt || self.taking > 0 {
            return;
        }
        let mut unread = 0_i32;
        if byte_cost <= 0 || ioctl(self.socket.as_fd(), SIOCOUTQ, &mut unread).is_err() {
            return;
        }
        self.doubt = false;
        let unread = u32::try_from(unread / byte_cost).unwrap_or(0);
        self.to_take += unread.saturating_sub(self.bytes + self.to_take);
        if self.shown.readable && unread == 0 {
            self.bytes = 0;
            self.signal();
        }
    }

    /// What the epoll is to be told, if it was told otherwise.
    pub(super) fn new_interest(&mut self) -> Option<EventFlags> {
        let watched = self.shown.writable && self.stuffing > 0;
        if watched == self.watched {
            return None;
        }
        self.watched = watched;
        Some(if watched { INTEREST | EventFlags::IN } else { INTEREST })
    }
}

const QUIETLY: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

/// The server's end, which takes no descriptors, and the program's.
fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    refuse_descriptors(ours.as_fd());
    Ok((ours, theirs))
}

/// What one unread byte counts for in the answer to `SIOCOUTQ`; 0 where the system does not say.
pub(super) fn byte_cost() -> io::Result<i32> {
    let (ours, theirs) = pair()?;
    send(&ours, &[0], QUIETLY)?;
    let mut unread = 0_i32;
    let known = ioctl(ours.as_fd(), SIOCOUTQ, &mut unread).is_ok();
    drop(theirs);
    Ok(if known { unread } else { 0 })
}

#[cfg(test)]
mod tests;
