//! ZeroMQ over a Unix socket, PUSH to PULL. The library batches messages by itself.

use super::ends::{Receiver, Sender};
use super::records::{first_words, records};
use crate::device::{READ_SIZE, now_ns};
use crate::directory;
use crate::peer::library::ZeroMq;
use aseqd_host::error::Fail;
use aseqd_host::folder::Private;

pub(super) struct Writer(ZeroMq);

impl Writer {
    pub(super) fn new(endpoint: &str) -> Result<Self, Fail> {
        ZeroMq::open(endpoint, true).map(Self).map_err(Fail::new)
    }
}

impl Sender for Writer {
    fn send(&mut self, first: u32, count: u32) -> Result<(), Fail> {
        self.0.send(&records(first, count)).map_err(Fail::new)
    }
}

pub(super) struct Reader {
    socket: ZeroMq,
    _folder: Private,
}

impl Reader {
    pub(super) fn new() -> Result<(Self, String), Fail> {
        let folder = directory::create()?;
        let endpoint = format!("ipc://{}", folder.path().join("socket").display());
        let socket = ZeroMq::open(&endpoint, false).map_err(Fail::new)?;
        Ok((Self { socket, _folder: folder }, endpoint))
    }
}

impl Receiver for Reader {
    fn receive(&mut self, into: &mut Vec<(u32, u64)>) -> Result<(), Fail> {
        let mut buffer = [0; READ_SIZE];
        let read = self.socket.receive(&mut buffer).map_err(Fail::new)?;
        let at = now_ns();
        into.extend(first_words(&buffer[..read]).map(|number| (number, at)));
        Ok(())
    }
}
