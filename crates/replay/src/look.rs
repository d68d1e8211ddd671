//! Looks at the state of an engine: as a client that sees everything, and that leaves the engine as it was.

use aseqd_abi::Errno;
use aseqd_client::{Client, DeviceFile, Direction, Received};
use aseqd_engine::{Access, Call, Engine, FileId, Identity, Input, Reply, Time};
use std::cell::RefCell;
use std::time::Duration;

/// A file of a copy of an engine, on which time stands still.
#[derive(Debug)]
pub struct Observer {
    engine: RefCell<Engine>,
    at: Time,
    file: FileId,
    number: u8,
}

/// Returns a client of a copy of an engine. It can be asked for everything that a program could ask, as of this
/// instant. The client itself is in the copy alone: [`number_of`] says which it is.
///
/// # Errors
/// `ENOMEM` if there is no number for the client, or no room for a file.
pub fn observe(engine: &Engine, at: Time) -> Result<Client<Observer>, Errno> {
    let mut engine = engine.clone();
    // Numbers that no program has. That of the OSS emulation, which we do not have, comes first.
    for number in (15..128).chain(1..14) {
        let identity = Identity::Kernel { number: Some(number), card: -1, name: "" };
        match engine.open(at, Access::Read, identity) {
            Ok(file) => {
                let observer = Observer { engine: RefCell::new(engine), at, file, number };
                let client = Client::over(observer, "replay");
                return client.map_err(|error| error.errno().unwrap_or(Errno::EIO));
            }
            Err(error) if error.errno == Errno::EBUSY => {}
            Err(error) => return Err(error.errno),
        }
    }
    Err(Errno::ENOMEM)
}

/// Returns the number that the observing client itself has.
#[must_use]
pub fn number_of(client: &Client<Observer>) -> u8 {
    client.file().number
}

/// What a client has not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The events, the oldest first.
    pub events: Vec<Received>,
    /// Whether events were lost after these, because nobody read them.
    pub overflow: bool,
}

/// Returns what the client of a file has not read yet. The engine stays as it is.
#[must_use]
pub fn unread(engine: &Engine, at: Time, file: FileId, ump: bool) -> Unread {
    let mut engine = engine.clone();
    let mut unread = Unread { events: Vec::new(), overflow: false };
    let mut out = Vec::new();
    let call = Call::Read { len: 1 << 20, nonblock: true };
    loop {
        match engine.handle(at, Input::Call { file, call }, &mut out) {
            Reply::Done(len) if len > 0 => unread.events.extend(Received::of_read(&out, ump)),
            Reply::Failed(error) if error.errno == Errno::ENOSPC => unread.overflow = true,
            _ => return unread,
        }
    }
}

impl Observer {
    fn call(&self, call: Call<'_>, out: &mut Vec<u8>) -> Result<usize, Errno> {
        let input = Input::Call { file: self.file, call };
        let reply = self.engine.borrow_mut().handle(self.at, input, out);
        reply.finish().map_err(|error| error.errno)
    }
}

impl DeviceFile for Observer {
    fn ioctl(&self, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        let mut out = Vec::new();
        let call = Call::Ioctl { request: code, compat: false, arg: argument };
        let value = self.call(call, &mut out)?;
        let len = out.len().min(argument.len());
        argument[..len].copy_from_slice(&out[..len]);
        Ok(i32::try_from(value).unwrap_or(i32::MAX))
    }

    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let mut out = Vec::new();
        let len = self.call(Call::Read { len: buffer.len(), nonblock: true }, &mut out)?;
        buffer[..len].copy_from_slice(&out[..len]);
        Ok(len)
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.call(Call::Write { data: bytes, nonblock: true }, &mut Vec::new())
    }

    fn set_nonblocking(&self, _: bool) -> Result<(), Errno> {
        Ok(())
    }

    fn wait(&self, _: Direction, _: Option<Duration>) -> Result<bool, Errno> {
        Ok(false)
    }
}
