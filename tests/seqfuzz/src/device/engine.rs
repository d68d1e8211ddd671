//! The engine in this process, on a virtual clock that moves only when a program waits.

use super::{Access, Device, Readiness};
use crate::program::Program;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers;
use aseqd_engine::{
    Call, Config, Engine, FileId, Identity, Input, Node, READABLE, Reply, Time, WRITABLE,
};
use std::time::Duration;

/// The process that opens.
const PROCESS: i32 = 4242;

/// Time at which the engine begins. It is not 0, which stands for no time.
const START: Time = Time(1_000_000_000);

/// A fresh sequencer.
#[derive(Debug)]
pub struct EngineDevice {
    engine: Engine,
    now: Time,
    files: Vec<Option<(FileId, Access)>>,
    out: Vec<u8>,
}

impl EngineDevice {
    /// Returns a sequencer without clients, with the timers that Linux 6.12 has as Debian builds it.
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(Config::default())
    }

    /// Returns the sequencer that a program wants.
    #[must_use]
    pub fn of(program: &Program) -> Self {
        Self::with_config(Config {
            user_timers: program.ump,
            ump: program.ump,
            ..Config::default()
        })
    }

    fn with_config(config: Config) -> Self {
        let engine = Engine::with_config(config);
        Self { engine, now: START, files: Vec::new(), out: Vec::new() }
    }

    fn open_node(&mut self, node: Node, access: Access) -> Result<usize, Errno> {
        let how = match access {
            Access::Read => aseqd_engine::Access::Read,
            Access::Write => aseqd_engine::Access::Write,
            Access::ReadWrite => aseqd_engine::Access::ReadWrite,
        };
        let identity = Identity::User { pid: PROCESS };
        let file = self.engine.open_node(self.now, node, how, identity);
        self.files.push(Some((file.map_err(|error| error.errno)?, access)));
        Ok(self.files.len() - 1)
    }

    fn file(&self, file: usize) -> Result<(FileId, Access), Errno> {
        self.files.get(file).copied().flatten().ok_or(Errno::EBADF)
    }

    fn handle(&mut self, input: Input<'_>) -> Reply {
        // What a full dispatch pass has left for later happens before the next call.
        let reply = self.engine.handle(self.now, input, &mut self.out);
        while self.engine.poll_output().is_some() {}
        reply
    }
}

impl Default for EngineDevice {
    fn default() -> Self {
        Self::new()
    }
}

impl Device for EngineDevice {
    fn open(&mut self, access: Access) -> Result<usize, Errno> {
        self.open_node(Node::Sequencer, access)
    }

    fn open_timer(&mut self, access: Access) -> Result<usize, Errno> {
        self.open_node(Node::Timer, access)
    }

    fn create_timer(&mut self, file: usize, argument: &mut [u8]) -> Result<usize, Errno> {
        let (_, access) = self.file(file)?;
        self.ioctl(file, timers::CREATE, argument)?;
        let number = u32::from_le_bytes([argument[8], argument[9], argument[10], argument[11]]);
        self.files.push(Some((FileId(number), access)));
        Ok(self.files.len() - 1)
    }

    fn close(&mut self, file: usize) {
        let Ok((id, _)) = self.file(file) else { return };
        self.files[file] = None;
        let _closed = self.handle(Input::Close { file: id });
    }

    fn ioctl(&mut self, file: usize, request: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        let (file, _) = self.file(file)?;
        let input =
            Input::Call { file, call: Call::Ioctl { request, compat: false, arg: argument } };
        let value = self.handle(input).finish().map_err(|error| error.errno)?;
        argument[..self.out.len()].copy_from_slice(&self.out);
        Ok(i32::try_from(value).unwrap_or(i32::MAX))
    }

    fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, Errno> {
        let (id, access) = self.file(file)?;
        if access == Access::Read {
            return Err(Errno::EBADF);
        }
        let mut done = 0;
        loop {
            let input =
                Input::Call { file: id, call: Call::Write { data: &data[done..], nonblock: true } };
            match self.handle(input) {
                Reply::More(more) => done += more,
                Reply::Failed(error) if done == 0 => return Err(error.errno),
                Reply::Failed(_) => return Ok(done),
                Reply::Done(more) | Reply::Wait(more) => return Ok(done + more),
            }
        }
    }

    fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, Errno> {
        let (id, access) = self.file(file)?;
        if access == Access::Write {
            return Err(Errno::EBADF);
        }
        let input =
            Input::Call { file: id, call: Call::Read { len: buffer.len(), nonblock: true } };
        let read = self.handle(input).finish().map_err(|error| error.errno)?;
        buffer[..read].copy_from_slice(&self.out[..read]);
        Ok(read)
    }

    fn poll(&mut self, file: usize) -> Readiness {
        let Ok((file, _)) = self.file(file) else { return Readiness::default() };
        let bits = self.handle(Input::Call { file, call: Call::Poll }).finish().unwrap_or(0);
        Readiness { readable: bits & READABLE != 0, writable: bits & WRITABLE != 0, other: 0 }
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        while let Some(deadline) = self.engine.poll_timeout().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            let _done = self.handle(Input::Timeout);
        }
        self.now = end;
        let _done = self.handle(Input::Timeout);
    }

    fn process(&self) -> i32 {
        PROCESS
    }
}
