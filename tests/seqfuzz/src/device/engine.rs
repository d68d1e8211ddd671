//! The engine in this process, on a virtual clock that moves only when a program waits.

use super::{Abilities, Access, Device, Inside, Readiness};
use crate::program::Program;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers;
use aseqd_engine::{
    Call, Config, Engine, FileId, Identity, Input, Node, READABLE, Reply, Time, WRITABLE,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// The process that opens, unless it is set.
const PROCESS: i32 = 4242;

/// Time at which the engine begins. It is not 0, which stands for no time.
const START: Time = Time(1_000_000_000);

/// A fresh sequencer.
#[derive(Clone, Debug)]
pub struct EngineDevice {
    engine: Engine,
    now: Time,
    files: Vec<Option<(FileId, Access)>>,
    /// Files whose calls may sleep.
    blocking: BTreeSet<FileId>,
    out: Vec<u8>,
    /// The process that opens.
    process: i32,
}

impl EngineDevice {
    /// The instant at which the engine begins, in nanoseconds.
    pub(crate) const START_NS: u64 = START.0;
    /// The process that opens all files.
    pub(crate) const PROCESS: i32 = PROCESS;

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
            ..program.settings.config()
        })
    }

    /// Returns a sequencer with UMP and user-driven timers, or without.
    #[must_use]
    pub fn with_ump(ump: bool) -> Self {
        Self::with_config(Config { user_timers: ump, ump, ..Config::default() })
    }

    /// Returns a sequencer that can do this.
    #[must_use]
    pub fn with_abilities(Abilities { ump, user_timers }: Abilities) -> Self {
        Self::with_config(Config { user_timers, ump, ..Config::default() })
    }

    fn with_config(config: Config) -> Self {
        let engine = Engine::with_config(config);
        Self {
            engine,
            now: START,
            files: Vec::new(),
            blocking: BTreeSet::new(),
            out: Vec::new(),
            process: PROCESS,
        }
    }

    /// Lets another process open the files from now on.
    pub fn set_process(&mut self, process: i32) {
        self.process = process;
    }

    /// Returns what `/proc/asound` shows of clients, queues and timers.
    #[must_use]
    pub fn texts(&self) -> [(&'static str, String); 4] {
        let engine = &self.engine;
        [
            ("clients", engine.proc_clients()),
            ("queues", engine.proc_queues()),
            ("queue_timers", engine.proc_timer()),
            ("timers", engine.proc_timers()),
        ]
    }

    fn open_node(&mut self, node: Node, access: Access) -> Result<usize, Errno> {
        self.open_as(node, access, Identity::User { pid: self.process })
    }

    fn open_as(
        &mut self,
        node: Node,
        access: Access,
        identity: Identity<'_>,
    ) -> Result<usize, Errno> {
        let how = match access {
            Access::Read => aseqd_engine::Access::Read,
            Access::Write => aseqd_engine::Access::Write,
            Access::ReadWrite => aseqd_engine::Access::ReadWrite,
        };
        let file = self.engine.open_node(self.now, node, how, identity);
        self.files.push(Some((file.map_err(|error| error.errno)?, access)));
        Ok(self.files.len() - 1)
    }

    fn file(&self, file: usize) -> Result<(FileId, Access), Errno> {
        self.files.get(file).copied().flatten().ok_or(Errno::EBADF)
    }

    fn request(
        &mut self,
        file: usize,
        (request, compat): (u32, bool),
        argument: &mut [u8],
    ) -> Result<i32, Errno> {
        let (file, _) = self.file(file)?;
        let input = Input::Call { file, call: Call::Ioctl { request, compat, arg: argument } };
        let value = self.handle(input).finish().map_err(|error| error.errno)?;
        argument[..self.out.len()].copy_from_slice(&self.out);
        Ok(i32::try_from(value).unwrap_or(i32::MAX))
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
        self.file(file)?;
        self.ioctl(file, timers::CREATE, argument)?;
        let number = u32::from_le_bytes([argument[8], argument[9], argument[10], argument[11]]);
        // Whatever the first file is open for.
        self.files.push(Some((FileId(number), Access::ReadWrite)));
        Ok(self.files.len() - 1)
    }

    fn close(&mut self, file: usize) {
        let Ok((id, _)) = self.file(file) else { return };
        self.files[file] = None;
        // Programs that run one after the other must not make the list longer.
        while let Some(None) = self.files.last() {
            self.files.pop();
        }
        self.blocking.remove(&id);
        let _closed = self.handle(Input::Close { file: id });
    }

    fn ioctl(&mut self, file: usize, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        self.request(file, (code, false), argument)
    }

    fn ioctl_compat(&mut self, file: usize, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        self.request(file, (code, true), argument)
    }

    fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, Errno> {
        let (id, access) = self.file(file)?;
        if access == Access::Read {
            return Err(Errno::EBADF);
        }
        let nonblock = !self.blocking.contains(&id);
        let mut done = 0;
        loop {
            let input =
                Input::Call { file: id, call: Call::Write { data: &data[done..], nonblock } };
            match self.handle(input) {
                Reply::More(more) => done += more,
                Reply::Failed(error) if done == 0 => return Err(error.errno),
                Reply::Failed(_) => return Ok(done),
                Reply::Wait(0) if done == 0 && !nonblock => return Err(Errno::EINTR),
                Reply::Done(more) | Reply::Wait(more) => return Ok(done + more),
            }
        }
    }

    fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, Errno> {
        let (id, access) = self.file(file)?;
        if access == Access::Write {
            return Err(Errno::EBADF);
        }
        let nonblock = !self.blocking.contains(&id);
        let input = Input::Call { file: id, call: Call::Read { len: buffer.len(), nonblock } };
        let reply = self.handle(input);
        if reply == Reply::Wait(0) && !nonblock {
            return Err(Errno::EINTR);
        }
        let read = reply.finish().map_err(|error| error.errno)?;
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

    fn inside(&mut self, inside: &Inside) -> Result<usize, Errno> {
        let id = inside.file().map(|file| self.file(file)).transpose()?.map(|(id, _)| id);
        let input = match (inside, id) {
            (Inside::OpenKernel { access, number, card, name }, _) => {
                let identity = Identity::Kernel { number: *number, card: *card, name };
                return self.open_as(Node::Sequencer, *access, identity);
            }
            (Inside::OpenControl(access), _) => return self.open_node(Node::Control, *access),
            (Inside::Texts, _) => {
                let _printed = self.texts();
                return Ok(0);
            }
            (Inside::Blocking(_, true), Some(id)) => {
                self.blocking.insert(id);
                return Ok(0);
            }
            (Inside::Blocking(..), Some(id)) => {
                self.blocking.remove(&id);
                return Ok(0);
            }
            (Inside::Thread(_, thread), Some(file)) => Input::Thread { file, thread: *thread },
            (Inside::BecomeUserTimer(_, resolution), Some(file)) => {
                Input::BecomeUserTimer { file, resolution: *resolution }
            }
            (_, None) => return Err(Errno::EBADF),
        };
        self.handle(input).finish().map_err(|error| error.errno)
    }

    fn process(&self) -> i32 {
        self.process
    }
}
