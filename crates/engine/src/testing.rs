//! A rig for tests: an engine, named clients, a virtual clock.

use crate::{
    Access, Call, Config, Engine, Error, FileId, Identity, Input, READABLE, Reply, Time, WRITABLE,
};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{
    ClientInfo, ClientPool, PortCaps, PortFlags, PortInfo, PortSubscribe, QueueClient, QueueInfo,
    QueueStatus, QueueTempo,
};
use aseqd_abi::{Address, Errno, Event};
use std::vec::Vec;
use zerocopy::{FromBytes, Immutable, IntoBytes};

mod shorthand;
mod timers;
pub use shorthand::{
    ANNOUNCE, SUBSCRIBERS, THROUGH, TIMER, at_tick, at_time, direct, errno, key, summary,
};
pub use timers::{GLOBAL, HRTIMER, SYSTEM, follower, mask, user_driven};

/// Every capability that matters.
pub const OPEN_PORT: PortCaps =
    PortCaps::READ.union(PortCaps::WRITE).union(PortCaps::SUBS_READ).union(PortCaps::SUBS_WRITE);

/// An engine with a clock that moves when told.
#[derive(Debug, Default)]
pub struct Rig {
    /// The engine under test.
    pub engine: Engine,
    /// The time of the next call.
    pub now: Time,
}

/// A client of the rig: its file and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestClient {
    /// Its open file.
    pub file: FileId,
    /// Its client number.
    pub number: u8,
}

impl TestClient {
    /// One of its ports.
    #[must_use]
    pub const fn port(self, port: u8) -> Address {
        Address::new(self.number, port)
    }
}

impl Rig {
    /// A fresh engine at time 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A fresh engine with settings.
    #[must_use]
    pub fn with_config(config: Config) -> Self {
        Self { engine: Engine::with_config(config), now: Time(0) }
    }

    /// Opens a client that reads and writes.
    ///
    /// # Panics
    /// If the engine refuses.
    pub fn client(&mut self) -> TestClient {
        self.client_with(Access::ReadWrite)
    }

    /// Opens a client.
    ///
    /// # Panics
    /// If the engine refuses.
    pub fn client_with(&mut self, access: Access) -> TestClient {
        let file = self.engine.open(self.now, access, Identity::User { pid: 1000 });
        let file = file.expect("a client number is free");
        let id: i32 = self.query(file, s::CLIENT_ID, 0).expect("CLIENT_ID");
        TestClient { file, number: u8::try_from(id).expect("a client number") }
    }

    /// Opens a client with one port, number 0, that anybody may use.
    ///
    /// # Panics
    /// If the engine refuses.
    pub fn client_with_port(&mut self) -> TestClient {
        let client = self.client();
        self.create_port(client, OPEN_PORT).expect("a port");
        client
    }

    /// An ioctl with a struct; what comes back, or the struct as it was passed.
    ///
    /// # Errors
    /// The engine's.
    ///
    /// # Panics
    /// If the engine answers with another size.
    pub fn query<T: FromBytes + IntoBytes + Immutable>(
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
    ///
    /// # Errors
    /// The engine's.
    pub fn create_port(&mut self, client: TestClient, caps: PortCaps) -> Result<Address, Error> {
        let info = PortInfo {
            addr: Address::new(client.number, 0),
            capability: caps.bits(),
            ..PortInfo::default()
        };
        Ok(self.query(client.file, s::CREATE_PORT, info)?.addr)
    }

    /// Creates a port that stamps what arrives.
    ///
    /// # Errors
    /// The engine's.
    pub fn create_stamping_port(
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
    ///
    /// # Errors
    /// The engine's.
    pub fn subscribe(
        &mut self,
        caller: TestClient,
        sender: Address,
        dest: Address,
    ) -> Result<(), Error> {
        let info = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        self.query(caller.file, s::SUBSCRIBE_PORT, info).map(drop)
    }

    /// Disconnects two ports.
    ///
    /// # Errors
    /// The engine's.
    pub fn unsubscribe(
        &mut self,
        caller: TestClient,
        sender: Address,
        dest: Address,
    ) -> Result<(), Error> {
        let info = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        self.query(caller.file, s::UNSUBSCRIBE_PORT, info).map(drop)
    }

    /// Creates a queue.
    ///
    /// # Errors
    /// The engine's.
    pub fn create_queue(&mut self, client: TestClient) -> Result<u8, Error> {
        let info = self.query(client.file, s::CREATE_QUEUE, QueueInfo::default())?;
        u8::try_from(info.queue).map_err(|_| Error::new(Errno::EINVAL, "not a queue number"))
    }

    /// Marks a client as user of a queue, or not.
    ///
    /// # Errors
    /// The engine's.
    pub fn use_queue(&mut self, client: TestClient, queue: u8, used: bool) -> Result<(), Error> {
        let info =
            QueueClient { queue: queue.into(), used: i32::from(used), ..QueueClient::default() };
        self.query(client.file, s::SET_QUEUE_CLIENT, info).map(drop)
    }

    /// Where a queue is.
    ///
    /// # Errors
    /// The engine's.
    pub fn status(&mut self, client: TestClient, queue: u8) -> Result<QueueStatus, Error> {
        let status = QueueStatus { queue: queue.into(), ..QueueStatus::default() };
        self.query(client.file, s::GET_QUEUE_STATUS, status)
    }

    /// A queue's tempo.
    ///
    /// # Errors
    /// The engine's.
    pub fn tempo(&mut self, client: TestClient, queue: u8) -> Result<QueueTempo, Error> {
        let tempo = QueueTempo { queue: queue.into(), ..QueueTempo::default() };
        self.query(client.file, s::GET_QUEUE_TEMPO, tempo)
    }

    /// A client's pools.
    ///
    /// # Errors
    /// The engine's.
    pub fn pool(&mut self, client: TestClient) -> Result<ClientPool, Error> {
        let pool = ClientPool { client: client.number.into(), ..ClientPool::default() };
        self.query(client.file, s::GET_CLIENT_POOL, pool)
    }

    /// A client's information.
    ///
    /// # Errors
    /// The engine's.
    pub fn info(&mut self, caller: TestClient, client: i32) -> Result<ClientInfo, Error> {
        let info = ClientInfo { client, ..ClientInfo::default() };
        self.query(caller.file, s::GET_CLIENT_INFO, info)
    }

    /// Writes bytes, without sleeping.
    ///
    /// # Errors
    /// The engine's.
    pub fn write_bytes(&mut self, client: TestClient, data: &[u8]) -> Result<usize, Error> {
        let input = Input::Call { file: client.file, call: Call::Write { data, nonblock: true } };
        self.engine.handle(self.now, input, &mut Vec::new()).finish()
    }

    /// Writes bytes on a blocking descriptor.
    pub fn write_blocking(&mut self, client: TestClient, data: &[u8]) -> Reply {
        let input = Input::Call { file: client.file, call: Call::Write { data, nonblock: false } };
        self.engine.handle(self.now, input, &mut Vec::new())
    }

    /// Writes one event.
    ///
    /// # Errors
    /// The engine's.
    pub fn send(&mut self, client: TestClient, event: Event) -> Result<usize, Error> {
        self.write_bytes(client, event.as_bytes())
    }

    /// Writes one event with data.
    ///
    /// # Errors
    /// The engine's.
    pub fn send_variable(
        &mut self,
        client: TestClient,
        event: Event,
        data: &[u8],
    ) -> Result<usize, Error> {
        let bytes = [event.as_bytes(), data].concat();
        self.write_bytes(client, &bytes)
    }

    /// Reads bytes, without sleeping.
    ///
    /// # Errors
    /// The engine's.
    pub fn read_bytes(&mut self, client: TestClient, len: usize) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        let input = Input::Call { file: client.file, call: Call::Read { len, nonblock: true } };
        let read = self.engine.handle(self.now, input, &mut out).finish()?;
        out.truncate(read);
        Ok(out)
    }

    /// Reads one event without data; `None` if there is nothing.
    ///
    /// # Panics
    /// If the read fails in another way.
    pub fn receive(&mut self, client: TestClient) -> Option<Event> {
        match self.read_bytes(client, size_of::<Event>()) {
            Ok(bytes) => Some(Event::read_from_bytes(&bytes).expect("a whole record")),
            Err(error) if error.errno == Errno::EAGAIN => None,
            Err(error) => panic!("read: {error}"),
        }
    }

    /// Reads all events; none of them may have data.
    pub fn receive_all(&mut self, client: TestClient) -> Vec<Event> {
        std::iter::from_fn(|| self.receive(client)).collect()
    }

    /// Is there something to read?
    pub fn readable(&mut self, client: TestClient) -> bool {
        self.poll(client) & READABLE != 0
    }

    /// Is there room to write?
    pub fn writable(&mut self, client: TestClient) -> bool {
        self.poll(client) & WRITABLE != 0
    }

    fn poll(&mut self, client: TestClient) -> usize {
        let input = Input::Call { file: client.file, call: Call::Poll };
        self.engine.handle(self.now, input, &mut Vec::new()).finish().unwrap_or(0)
    }

    /// Closes a client.
    ///
    /// # Panics
    /// If it is not open.
    pub fn close(&mut self, client: TestClient) {
        let input = Input::Close { file: client.file };
        self.engine.handle(self.now, input, &mut Vec::new()).finish().expect("an open file");
    }

    /// Lets time pass, stopping at every deadline on the way, as the server does.
    ///
    /// # Panics
    /// If the engine does not get on.
    pub fn pass(&mut self, nanoseconds: u64) {
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

    /// Tells the engine that time has passed, and nothing else.
    pub fn timeout(&mut self) {
        self.engine.handle(self.now, Input::Timeout, &mut Vec::new()).finish().expect("no error");
    }
}
