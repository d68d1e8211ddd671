//! An engine in this process, driven as its server would, for rows without a second process.

use super::device::{POOL, READ_SIZE};
use aseqd_abi::event::EventData;
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{
    CLIENT_SYSTEM, ClientPool, PORT_SYSTEM_TIMER, PortCaps, PortInfo, PortSubscribe, QueueClient,
    QueueInfo,
};
use aseqd_abi::{Address, Event, EventType};
use aseqd_engine::{Access, Call, Engine, FileId, Identity, Input, Reply, Time};
use aseqd_host::error::{Context as _, Fail};
use std::hint::black_box;
use zerocopy::{FromBytes, IntoBytes};

/// An engine, and a clock that moves only when told.
#[derive(Debug)]
pub(super) struct Rig {
    engine: Engine,
    pub(super) now: Time,
    out: Vec<u8>,
}

/// A client with one port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) file: FileId,
    pub(super) port: Address,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self { engine: Engine::new(), now: Time(0), out: Vec::new() }
    }

    /// Opens a client with one port and pools of the maximum size.
    pub(super) fn open(&mut self) -> Result<Member, Fail> {
        let identity = Identity::User { pid: 1 };
        let file = self.engine.open(self.now, Access::ReadWrite, identity);
        let file = file.context("a client cannot be opened")?;
        let client: i32 = self.ask(file, request::CLIENT_ID, 0)?;
        let pool = i32::try_from(POOL).context("a pool")?;
        let pools = ClientPool {
            client,
            output_pool: pool,
            input_pool: pool,
            output_room: 1,
            ..ClientPool::default()
        };
        self.ask(file, request::SET_CLIENT_POOL, pools)?;
        let caps = PortCaps::READ | PortCaps::WRITE | PortCaps::SUBS_READ | PortCaps::SUBS_WRITE;
        let port = Address::new(u8::try_from(client).context("a client")?, 0);
        let info = PortInfo { addr: port, capability: caps.bits(), ..PortInfo::default() };
        let info = self.ask(file, request::CREATE_PORT, info)?;
        Ok(Member { file, port: info.addr })
    }

    /// Creates a queue and starts it.
    pub(super) fn start_queue(&mut self, owner: Member) -> Result<u8, Fail> {
        let info = QueueInfo { owner: owner.port.client.into(), ..QueueInfo::default() };
        let queue = self.ask(owner.file, request::CREATE_QUEUE, info)?.queue;
        let queue = u8::try_from(queue).context("a queue")?;
        let start = Event {
            source: owner.port,
            dest: Address::new(CLIENT_SYSTEM, PORT_SYSTEM_TIMER),
            data: EventData::from_queue(queue, 0, 0),
            ..Event::direct(EventType::START)
        };
        self.write(owner, start.as_bytes()).context("a queue")?;
        Ok(queue)
    }

    /// Lets a client send through a queue of another client.
    pub(super) fn use_queue(&mut self, member: Member, queue: u8) -> Result<(), Fail> {
        let wanted = QueueClient { queue: queue.into(), used: 1, ..QueueClient::default() };
        self.ask(member.file, request::SET_QUEUE_CLIENT, wanted).map(drop)
    }

    pub(super) fn subscribe(&mut self, from: Member, to: Member) -> Result<(), Fail> {
        let wanted = PortSubscribe { sender: from.port, dest: to.port, ..PortSubscribe::default() };
        self.ask(to.file, request::SUBSCRIBE_PORT, wanted).map(drop)
    }

    /// Makes an ioctl with a struct, and returns the struct that comes back.
    pub(super) fn ask<T: FromBytes + IntoBytes + zerocopy::Immutable>(
        &mut self,
        file: FileId,
        request: u32,
        argument: T,
    ) -> Result<T, Fail> {
        let arg: &[u8] = match aseqd_abi::ioctl::direction(request) & aseqd_abi::ioctl::WRITE {
            0 => &[],
            _ => argument.as_bytes(),
        };
        let input = Input::Call { file, call: Call::Ioctl { request, compat: false, arg } };
        self.engine.handle(self.now, input, &mut self.out).finish().context("an ioctl failed")?;
        self.drain();
        Ok(T::read_from_bytes(&self.out).unwrap_or(argument))
    }

    /// Writes events without blocking, and returns how many bytes the engine took.
    pub(super) fn write(&mut self, from: Member, data: &[u8]) -> Result<usize, Fail> {
        let input = Input::Call { file: from.file, call: Call::Write { data, nonblock: true } };
        let reply = self.engine.handle(self.now, input, &mut self.out);
        self.drain();
        reply.finish().context("a write failed")
    }

    /// Reads up to [`READ_SIZE`] bytes, and returns how many there were.
    pub(super) fn read(&mut self, at: Member) -> usize {
        let input =
            Input::Call { file: at.file, call: Call::Read { len: READ_SIZE, nonblock: true } };
        let reply = self.engine.handle(self.now, input, &mut self.out);
        black_box(&self.out);
        if let Reply::Done(len) = reply { len } else { 0 }
    }

    /// Returns when the next event is due.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.engine.poll_timeout()
    }

    /// Lets time pass up to an instant, as the alarm of a server does.
    pub(super) fn pass(&mut self, until: Time) {
        self.now = self.now.max(until);
        // A timeout has no reply.
        let _done = self.engine.handle(self.now, Input::Timeout, &mut self.out);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            black_box(output);
        }
    }
}
