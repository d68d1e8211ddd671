//! A rig for tests: an engine, named clients, a virtual clock.
#![allow(dead_code, unused_imports, reason = "each test program uses a part of it")]

use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{
    ClientInfo, ClientPool, PortCaps, PortFlags, PortInfo, PortSubscribe, QueueClient, QueueInfo,
    QueueStatus, QueueTempo,
};
use aseqd_abi::{Address, Errno, Event};
use aseqd_engine::{
    Access, Call, Config, Engine, Error, FileId, Identity, Input, READABLE, Reply, Time, WRITABLE,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

mod shorthand;
mod timers;
pub(crate) use shorthand::{
    ANNOUNCE, SUBSCRIBERS, THROUGH, TIMER, at_tick, at_time, direct, errno, key, summary,
};
pub(crate) use timers::{GLOBAL, HRTIMER, SYSTEM, follower, mask, user_driven};

/// Every capability that matters.
pub(crate) const OPEN_PORT: PortCaps =
    PortCaps::READ.union(PortCaps::WRITE).union(PortCaps::SUBS_READ).union(PortCaps::SUBS_WRITE);

/// An engine with a clock that moves when told.
#[derive(Debug, Default)]
pub(crate) struct Rig {
    /// The engine under test.
    pub(crate) engine: Engine,
    /// The time of the next call.
    pub(crate) now: Time,
}

/// A client of the rig: its file and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TestClient {
    /// Its open file.
    pub(crate) file: FileId,
    /// Its client number.
    pub(crate) number: u8,
}

impl TestClient {
    /// Returns one of its ports.
    pub(crate) const fn port(self, port: u8) -> Address {
        Address::new(self.number, port)
    }
}

impl Rig {
    /// Returns a fresh engine at time 0.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Returns a fresh engine with settings.
    pub(crate) fn with_config(config: Config) -> Self {
        Self { engine: Engine::with_config(config), now: Time(0) }
    }

    /// Opens a client that reads and writes.
    pub(crate) fn client(&mut self) -> TestClient {
        self.client_with(Access::ReadWrite)
    }

    /// Opens a client.
    pub(crate) fn client_with(&mut self, access: Access) -> TestClient {
        let file = self.engine.open(self.now, access, Identity::User { pid: 1000 });
        let file = file.expect("a client number is free");
        let id: i32 = self.query(file, s::CLIENT_ID, 0).expect("CLIENT_ID");
        TestClient { file, number: u8::try_from(id).expect("a client number") }
    }

    /// Opens a client with one port, number 0, that anybody may use.
    pub(crate) fn client_with_port(&mut self) -> TestClient {
        let client = self.client();
        self.create_port(client, OPEN_PORT).expect("a port");
        client
    }

    /// Makes an ioctl with a struct. Returns what comes back, or the struct as it was passed.
    pub(crate) fn query<T: FromBytes + IntoBytes + Immutable>(
        &mut self,
        file: FileId,
        request: u32,
        arg: T,
    ) -> Result<T, Error> {
        let mut out = Vec::new();
        let arg_bytes = arg.as_bytes();
        let input =
            Input::Call { file, call: Call::Ioctl { request, compat: false, arg: arg_bytes } };
        self.engine.handle(self.now, input, &mut out).finish()?;
        if out.is_empty() {
            return Ok(arg);
        }
        Ok(T::read_from_bytes(&out).expect("the struct of the request"))
    }

    /// Creates a port with the lowest free number.
    pub(crate) fn create_port(
        &mut self,
        client: TestClient,
        caps: PortCaps,
    ) -> Result<Address, Error> {
        let info = PortInfo {
            addr: Address::new(client.number, 0),
            capability: caps.bits(),
            ..PortInfo::default()
        };
        Ok(self.query(client.file, s::CREATE_PORT, info)?.addr)
    }

    /// Creates a port that stamps what arrives.
    pub(crate) fn create_stamping_port(
        &mut self,
        client: TestClient,
        queue: u8,
        real: bool,
    ) -> Result<Address, Error> {
        let mut flags = PortFlags::TIMESTAMP;
        flags.set(PortFlags::TIME_REAL, real);
        let info = PortInfo {
            addr: Address::new(client.number, 0),
            capability: OPEN_PORT.bits(),
            flags: flags.bits(),
            time_queue: queue,
            ..PortInfo::default()
        };
        Ok(self.query(client.file, s::CREATE_PORT, info)?.addr)
    }

    /// Connects two ports.
    pub(crate) fn subscribe(
        &mut self,
        caller: TestClient,
        sender: Address,
        dest: Address,
    ) -> Result<(), Error> {
        let info = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        self.query(caller.file, s::SUBSCRIBE_PORT, info).map(drop)
    }

    /// Disconnects two ports.
    pub(crate) fn unsubscribe(
        &mut self,
        caller: TestClient,
        sender: Address,
        dest: Address,
    ) -> Result<(), Error> {
        let info = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        self.query(caller.file, s::UNSUBSCRIBE_PORT, info).map(drop)
    }

    /// Creates a queue.
    pub(crate) fn create_queue(&mut self, client: TestClient) -> Result<u8, Error> {
        let info = self.query(client.file, s::CREATE_QUEUE, QueueInfo::default())?;
        u8::try_from(info.queue).map_err(|_| Error::new(Errno::EINVAL, "not a queue number"))
    }

    /// Marks a client as a user of a queue, or not.
    pub(crate) fn use_queue(
        &mut self,
        client: TestClient,
        queue: u8,
        used: bool,
    ) -> Result<(), Error> {
        let info =
            QueueClient { queue: queue.into(), used: i32::from(used), ..QueueClient::default() };
        self.query(client.file, s::SET_QUEUE_CLIENT, info).map(drop)
    }

    /// Returns the status of a queue.
    pub(crate) fn status(&mut self, client: TestClient, queue: u8) -> Result<QueueStatus, Error> {
        let status = QueueStatus { queue: queue.into(), ..QueueStatus::default() };
        self.query(client.file, s::GET_QUEUE_STATUS, status)
    }

    /// Returns a queue's tempo.
    pub(crate) fn tempo(&mut self, client: TestClient, queue: u8) -> Result<QueueTempo, Error> {
        let tempo = QueueTempo { queue: queue.into(), ..QueueTempo::default() };
        self.query(client.file, s::GET_QUEUE_TEMPO, tempo)
    }

    /// Returns a client's pools.
    pub(crate) fn pool(&mut self, client: TestClient) -> Result<ClientPool, Error> {
        let pool = ClientPool { client: client.number.into(), ..ClientPool::default() };
        self.query(client.file, s::GET_CLIENT_POOL, pool)
    }

    /// Returns a client's information.
    pub(crate) fn info(&mut self, caller: TestClient, client: i32) -> Result<ClientInfo, Error> {
        let info = ClientInfo { client, ..ClientInfo::default() };
        self.query(caller.file, s::GET_CLIENT_INFO, info)
    }

    /// Writes bytes, without sleeping.
    pub(crate) fn write_bytes(&mut self, client: TestClient, data: &[u8]) -> Result<usize, Error> {
        let input = Input::Call { file: client.file, call: Call::Write { data, nonblock: true } };
        self.engine.handle(self.now, input, &mut Vec::new()).finish()
    }

    /// Writes bytes on a blocking descriptor.
    pub(crate) fn write_blocking(&mut self, client: TestClient, data: &[u8]) -> Reply {
        let input = Input::Call { file: client.file, call: Call::Write { data, nonblock: false } };
        self.engine.handle(self.now, input, &mut Vec::new())
    }

    /// Writes one event.
    pub(crate) fn send(&mut self, client: TestClient, event: Event) -> Result<usize, Error> {
        self.write_bytes(client, event.as_bytes())
    }

    /// Writes one event with data.
    pub(crate) fn send_variable(
        &mut self,
        client: TestClient,
        event: Event,
        data: &[u8],
    ) -> Result<usize, Error> {
        let bytes = [event.as_bytes(), data].concat();
        self.write_bytes(client, &bytes)
    }

    /// Reads bytes, without sleeping.
    pub(crate) fn read_bytes(&mut self, client: TestClient, len: usize) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        let input = Input::Call { file: client.file, call: Call::Read { len, nonblock: true } };
        let read = self.engine.handle(self.now, input, &mut out).finish()?;
        out.truncate(read);
        Ok(out)
    }

    /// Reads one event without data. Returns `None` if there is none.
    pub(crate) fn receive(&mut self, client: TestClient) -> Option<Event> {
        match self.read_bytes(client, size_of::<Event>()) {
            Ok(bytes) => Some(Event::read_from_bytes(&bytes).expect("a whole record")),
            Err(error) if error.errno == Errno::EAGAIN => None,
            Err(error) => panic!("read: {error}"),
        }
    }

    /// Reads all events; none of them may have data.
    pub(crate) fn receive_all(&mut self, client: TestClient) -> Vec<Event> {
        std::iter::from_fn(|| self.receive(client)).collect()
    }

    /// Returns whether there is something to read.
    pub(crate) fn readable(&mut self, client: TestClient) -> bool {
        self.poll(client) & READABLE != 0
    }

    /// Returns whether there is room to write.
    pub(crate) fn writable(&mut self, client: TestClient) -> bool {
        self.poll(client) & WRITABLE != 0
    }

    fn poll(&mut self, client: TestClient) -> usize {
        let input = Input::Call { file: client.file, call: Call::Poll };
        self.engine.handle(self.now, input, &mut Vec::new()).finish().unwrap_or(0)
    }

    /// Closes a client.
    pub(crate) fn close(&mut self, client: TestClient) {
        let input = Input::Close { file: client.file };
        self.engine.handle(self.now, input, &mut Vec::new()).finish().expect("an open file");
    }

    /// Lets time pass, stopping at every deadline on the way, as the server does.
    pub(crate) fn pass(&mut self, nanoseconds: u64) {
        let end = self.now + nanoseconds;
        for _ in 0..1_000_000 {
            match self.engine.poll_timeout() {
                Some(deadline) if deadline <= end => self.now = self.now.max(deadline),
                _ => {
                    self.now = end;
                    self.timeout();
                    return;
                }
            }
            self.timeout();
        }
        panic!("the engine wants to be called again and again");
    }

    /// Tells the engine that time has passed.
    pub(crate) fn timeout(&mut self) {
        self.engine.handle(self.now, Input::Timeout, &mut Vec::new()).finish().expect("no error");
    }
}
