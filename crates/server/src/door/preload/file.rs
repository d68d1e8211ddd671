//! Open files: pairs of sockets, of which the program polls one.
//!
//! | state | how the program's end shows it |
//! | --- | --- |
//! | readable | bytes of the server's lie in it unread: one, and one more each time that something comes |
//! | not readable | a thread of the program has taken those bytes out, as the server told it to |
//! | writable | its send buffer is empty |
//! | not writable | a thread of the program has filled its send buffer, as the server told it to |
//!
//! The server counts the bytes that threads are told to take, so that slow threads do no harm: a thread that takes
//! its byte late takes one of two. Filling the buffer twice does no harm either. If a thread fills it when the
//! file is writable again, the server reads the bytes at once; the call that was told to fill it returns only then.

use crate::door::Readiness;
use aseqd_engine::FileId;
use aseqd_host::peer::{self, refuse_descriptors};
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

/// The events of a file that the epoll always reports.
pub(super) const INTEREST: EventFlags = EventFlags::RDHUP;

/// The size of one send that fills a send buffer, in bytes.
const STUFFING: usize = 1024;
/// Maximum number of sends to fill a send buffer. The smallest one takes a few.
const MAX_STUFFING_SENDS: usize = 1024;
/// Maximum number of reads to empty the server's end, each of more bytes than the send buffer has. A program that
/// fills it as quickly must not keep the server busy.
const MAX_DRAIN_READS: usize = 16;

/// An open file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) id: FileId,
    pub(super) socket: OwnedFd,
    /// The inode of the program's end.
    pub(super) inode: u64,
    /// The key by which other connections may use the file. It is stored in the program's end.
    pub(super) key: FileKey,
    shown: Readiness,
    /// How many bytes lie in the program's end to show that it is readable.
    bytes: u32,
    /// Whether the last of them was sent because the file became readable.
    fresh: bool,
    /// How many bytes must be taken that no thread was told to take yet.
    to_take: u32,
    /// How many bytes threads were told to take, and may not have taken yet.
    taking: u32,
    /// Whether a thread must be told to fill the send buffer.
    to_stuff: bool,
    /// How many threads were told to fill it, and may not have done so yet.
    stuffing: u32,
    /// Whether a program has ended that was told to take bytes, so that it is unknown whether they are taken.
    doubt: bool,
    /// Whether the epoll reports that bytes have come.
    watched: bool,
}

impl File {
    /// Makes a file that shows a state. Returns it and the program's end.
    ///
    /// # Errors
    /// If the sockets cannot be made or set up.
    pub(super) fn new(
        id: FileId,
        state: Readiness,
        nonblock: bool,
        key: FileKey,
    ) -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = pair()?;
        // The smallest send buffer there is.
        sockopt::set_socket_send_buffer_size(&theirs, 0)?;
        // The timeouts are the key, since no program waits in a receive or send of this end: see
        // `aseqd_wire::preload::FileKey`.
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
            for _ in 0..MAX_STUFFING_SENDS {
                if send(&theirs, &[0; STUFFING], QUIETLY).is_err() {
                    break;
                }
            }
        }
        let _nothing_to_order = file.show(state);
        Ok((file, theirs))
    }

    /// Shows a state. Returns whether the send buffer of the program's end must be filled for that.
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

    /// Shows that something has come, to programs that wait for edges or signals and find the file readable already.
    pub(super) fn renew(&mut self) {
        if self.shown.readable && !std::mem::take(&mut self.fresh) {
            self.signal();
        }
    }

    /// Sends a byte to the program's end. That fails if the end is closed, which the epoll reports, or if hundreds of
    /// bytes lie there unread.
    fn signal(&mut self) {
        self.bytes += u32::from(send(&self.socket, &[0], QUIETLY).is_ok());
    }

    /// Reads what has come, if the file is writable.
    pub(super) fn drain(&self) {
        if !self.shown.writable {
            return;
        }
        let mut bytes = [0; 4 * STUFFING];
        for _ in 0..MAX_DRAIN_READS {
            let read = recv(&self.socket, &mut bytes[..], RecvFlags::DONTWAIT);
            if !read.is_ok_and(|(len, _)| len > 0) {
                break;
            }
        }
    }

    /// Returns what the thread of the next answer must do: how many bytes to take, and 1 if it must fill the buffer.
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

    /// Notes that a thread has obeyed an order.
    pub(super) fn obeyed(&mut self, take: u32, stuff: u32, byte_cost: i32) {
        self.taking -= take.min(self.taking);
        self.stuffing -= stuff.min(self.stuffing);
        if stuff > 0 {
            self.drain();
        }
        self.resolve(byte_cost);
    }

    /// Notes that a program has ended that had an order.
    pub(super) fn lost(&mut self, take: u32, stuff: u32, byte_cost: i32) {
        self.doubt |= take > 0;
        self.to_stuff |= stuff > 0 && !self.shown.writable;
        self.obeyed(take, stuff, byte_cost);
    }

    /// Counts the bytes in the program's end, if that is unknown and no thread is about to take any.
    fn resolve(&mut self, byte_cost: i32) {
        if !self.doubt || self.taking > 0 {
            return;
        }
        if byte_cost <= 0 {
            return;
        }
        let Ok(unread) = peer::unread(self.socket.as_fd()) else { return };
        self.doubt = false;
        let unread = u32::try_from(unread / byte_cost).unwrap_or(0);
        self.to_take += unread.saturating_sub(self.bytes + self.to_take);
        if self.shown.readable && unread == 0 {
            self.bytes = 0;
            self.signal();
        }
    }

    /// Returns the events that the epoll should report from now on, if they are others than before.
    pub(super) fn new_interest(&mut self) -> Option<EventFlags> {
        let watched = self.shown.writable && self.stuffing > 0;
        if watched == self.watched {
            return None;
        }
        self.watched = watched;
        Some(if watched { INTEREST | EventFlags::IN } else { INTEREST })
    }
}

/// Sends without waiting and without a signal.
const QUIETLY: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

/// Makes the server's end, which receives no descriptors, and the program's.
fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    refuse_descriptors(ours.as_fd());
    Ok((ours, theirs))
}

/// Returns what one unread byte counts for in [`peer::unread`]; 0 if the system does not answer that.
///
/// # Errors
/// If a pair of sockets cannot be made.
pub(super) fn byte_cost() -> io::Result<i32> {
    let (ours, theirs) = pair()?;
    send(&ours, &[0], QUIETLY)?;
    let cost = peer::unread(ours.as_fd()).unwrap_or(0);
    drop(theirs);
    Ok(cost)
}

#[cfg(test)]
mod tests;
