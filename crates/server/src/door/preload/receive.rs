//! Receives what comes next: a file that a program has closed, a new connection, or a message.

use super::connection::{Buffer, Message};
use super::slab::Key;
use super::{FILES, LISTENER, PreloadDoor, Ready, Token, Wakeup};
use crate::door::{Call, CallKind, Pollable, Received, Transport};
use aseqd_engine::FileId;
use aseqd_host::log;
use aseqd_host::peer::Peer;
use rustix::event::epoll::{self, Event, EventFlags};
use rustix::io::Errno as Failure;
use rustix::time::Timespec;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// Maximum number of events of files that are handled before a call. A program cannot close more at a time, but it
/// can cause other events without end.
const MAX_FILE_EVENTS: usize = 8192;

/// Maximum number of events without a call that are handled before `receive` returns.
const MAX_EVENTS_WITHOUT_CALL: usize = 64;

impl Pollable for PreloadDoor {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    fn is_end(&self, inode: u64) -> bool {
        self.files.iter().any(|file| file.inode == inode)
    }
}

impl Transport for PreloadDoor {
    type Buffer = Buffer;

    fn receive<'b>(&mut self, buffer: &'b mut Buffer) -> Received<'b, Token, Wakeup> {
        for _ in 0..MAX_EVENTS_WITHOUT_CALL {
            let Some(event) = one(&self.epoll) else { break };
            // Closed files first: the caller may know that they are closed.
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

    fn is_ready(&self) -> bool {
        crate::door::is_readable(std::iter::once(self.descriptor()))
    }
}

impl PreloadDoor {
    /// Handles events of files. Returns the next file that a program has closed.
    fn closed_file(&mut self) -> Option<FileId> {
        for _ in 0..MAX_FILE_EVENTS {
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

    /// Receives from a connection. Returns `None` if what came is no call. The bytes of the call are in the buffer.
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

    /// Closes a connection that has sent an invalid message, and logs why.
    fn refuse(&mut self, key: Key, why: &'static str) -> Option<Ready> {
        if let Some(connection) = self.connections.get(key) {
            let Peer { pid, .. } = connection.peer;
            log::tell(why, format_args!("process {pid} sent an invalid message: {why}"));
        }
        self.end(key)
    }
}

/// Returns an event, if there is one.
fn one(epoll: &OwnedFd) -> Option<Event> {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    loop {
        let mut space = [MaybeUninit::<Event>::uninit()];
        match epoll::wait(epoll, &mut space[..], Some(&now)) {
            Ok((events, _)) => return events.first().copied(),
            Err(Failure::INTR) => {}
            // This only fails for a descriptor that is no epoll.
            Err(_) => return None,
        }
    }
}
