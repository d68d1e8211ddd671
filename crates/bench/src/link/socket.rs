//! A pair of Unix sockets: what a transport between processes costs without a sequencer.

use super::ends::{Receiver, Sender};
use super::records::{RECORD_SIZE, first_words, records};
use crate::device::{READ_SIZE, now_ns};
use aseqd_host::error::{Context as _, Fail};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::os::fd::OwnedFd;

/// Returns two connected sockets, for packets or a stream.
pub(super) fn pair(packets: bool) -> Result<(OwnedFd, OwnedFd), Fail> {
    let kind = if packets { SocketType::SEQPACKET } else { SocketType::STREAM };
    socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).context("socketpair")
}

#[derive(Debug)]
pub(super) struct Writer(pub(super) OwnedFd);

impl Sender for Writer {
    fn send(&mut self, first: u32, count: u32) -> Result<(), Fail> {
        let bytes = records(first, count);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let written = rustix::io::retry_on_intr(|| rustix::io::write(&self.0, rest));
            rest = &rest[written.context("socket")?..];
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Reader {
    socket: OwnedFd,
    /// The beginning of a message whose rest was not read yet.
    rest: Vec<u8>,
}

impl Reader {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self { socket, rest: Vec::new() }
    }
}

impl Receiver for Reader {
    fn receive(&mut self, into: &mut Vec<(u32, u64)>) -> Result<(), Fail> {
        let mut buffer = [0; READ_SIZE];
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&self.socket, &mut buffer));
        let bytes = &buffer[..read.context("socket")?];
        let at = now_ns();
        if bytes.is_empty() {
            return Err(Fail::new("the sender is gone"));
        }
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.len() / RECORD_SIZE * RECORD_SIZE;
        into.extend(first_words(&self.rest[..whole]).map(|number| (number, at)));
        self.rest.drain(..whole);
        Ok(())
    }
}
