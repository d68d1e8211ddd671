//! A client of the sequencer, as the cases use it: thin, and every answer is visible.

use crate::sys::{self, errno};
use aseqd_abi::event::{EVENT_SIZE, EventData, EventFlags, EventTime, Note};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{
    CLIENT_SYSTEM, ClientFilter, ClientInfo, ClientPool, PORT_SYSTEM_ANNOUNCE, PORT_SYSTEM_TIMER,
    PortCaps, PortInfo, PortSubscribe, QueueClient, QueueInfo, QueueStatus, QueueTempo, QueueTimer,
    RemoveEvents, RemoveMode,
};
use aseqd_abi::{Address, Errno, Event, EventType};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode as FileMode, OFlags, openat};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use zerocopy::{FromBytes, IntoBytes};

static DEVICE: OnceLock<String> = OnceLock::new();

/// How long a case waits for an event before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The port that announces changes.
pub(crate) const ANNOUNCE: Address = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE);
/// The port that controls queues.
pub(crate) const TIMER: Address = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_TIMER);
/// Midi Through.
pub(crate) const THROUGH: Address = Address::new(aseqd_abi::seq::CLIENT_DUMMY, 0);

/// A port of a client that can never exist.
pub(crate) const NOBODY: Address = Address::new(250, 0);

/// Every capability that matters.
pub(crate) const OPEN_PORT: PortCaps =
    PortCaps::READ.union(PortCaps::WRITE).union(PortCaps::SUBS_READ).union(PortCaps::SUBS_WRITE);

/// Which device is under test. Once, at the start.
pub(crate) fn set_device(path: &str) {
    DEVICE.get_or_init(|| path.to_owned());
}

/// The device under test.
pub(crate) fn device() -> &'static str {
    DEVICE.get().map_or("/dev/snd/seq", String::as_str)
}

/// How a client opens the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `O_RDONLY`.
    Read,
    /// `O_WRONLY`.
    Write,
    /// `O_RDWR`.
    ReadWrite,
}

/// One open of the device. Non-blocking unless said otherwise.
#[derive(Debug)]
pub(crate) struct Client {
    /// The descriptor.
    pub fd: OwnedFd,
    /// The client number.
    pub id: u8,
}

/// An event that was read, with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// The record.
    pub event: Event,
    /// The data of a variable event, without padding.
    pub data: Vec<u8>,
}

impl Client {
    /// Opens the device, or says why not.
    pub(crate) fn try_open(mode: Mode) -> Result<Self, Errno> {
        Self::try_open_with(mode, OFlags::NONBLOCK)
    }

    /// Opens the device with further flags.
    pub(crate) fn try_open_with(mode: Mode, flags: OFlags) -> Result<Self, Errno> {
        let access = match mode {
            Mode::Read => OFlags::RDONLY,
            Mode::Write => OFlags::WRONLY,
            Mode::ReadWrite => OFlags::RDWR,
        };
        let flags = access | flags | OFlags::CLOEXEC;
        let fd = openat(CWD, device(), flags, FileMode::empty()).map_err(errno)?;
        let mut id = 0_i32;
        sys::ioctl(&fd, s::CLIENT_ID, &mut id)?;
        Ok(Self { fd, id: u8::try_from(id).expect("a client number") })
    }

    /// Opens the device for reading and writing.
    pub(crate) fn open() -> Self {
        Self::open_as(Mode::ReadWrite)
    }

    /// Opens the device.
    pub(crate) fn open_as(mode: Mode) -> Self {
        Self::try_open(mode).expect("the device opens")
    }

    /// Opens the device so that calls sleep.
    pub(crate) fn open_blocking(mode: Mode) -> Self {
        Self::try_open_with(mode, OFlags::empty()).expect("the device opens")
    }

    /// A client with one port, number 0, that anybody may use.
    pub(crate) fn with_port() -> Self {
        let client = Self::open();
        assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(0)));
        client
    }

    /// One of its ports.
    pub(crate) fn port(&self, port: u8) -> Address {
        Address::new(self.id, port)
    }

    /// A request with a struct, which is changed by what comes back.
    pub(crate) fn ioctl<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        argument: &mut T,
    ) -> Result<i32, Errno> {
        sys::ioctl(&self.fd, code, argument)
    }

    /// A request with a struct; what the struct is afterwards.
    pub(crate) fn query<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        mut argument: T,
    ) -> Result<T, Errno> {
        self.ioctl(code, &mut argument).map(|_| argument)
    }

    /// The sequencer's protocol version.
    pub(crate) fn pversion(&self) -> i32 {
        self.query(s::PVERSION, 0).expect("PVERSION")
    }

    /// Declares the program's protocol version.
    pub(crate) fn declare_version(&self, version: i32) {
        self.query(s::USER_PVERSION, version).expect("USER_PVERSION");
    }

    /// A client's information.
    pub(crate) fn client_info(&self, client: i32) -> Result<ClientInfo, Errno> {
        self.query(s::GET_CLIENT_INFO, ClientInfo { client, ..ClientInfo::default() })
    }

    /// The own information.
    pub(crate) fn info(&self) -> ClientInfo {
        self.client_info(self.id.into()).expect("GET_CLIENT_INFO")
    }

    /// Changes the own information.
    pub(crate) fn set_info(&self, change: impl FnOnce(&mut ClientInfo)) -> Result<(), Errno> {
        let mut info = self.info();
        change(&mut info);
        self.query(s::SET_CLIENT_INFO, info).map(drop)
    }

    /// Creates a port with the lowest free number.
    pub(crate) fn create_port(&self, caps: PortCaps) -> Result<Address, Errno> {
        self.create_port_with(|info| info.capability = caps.bits())
    }

    /// Creates a port from a struct with only the address set.
    pub(crate) fn create_port_with(
        &self,
        set: impl FnOnce(&mut PortInfo),
    ) -> Result<Address, Errno> {
        let mut info = PortInfo { addr: self.port(0), ..PortInfo::default() };
        set(&mut info);
        self.query(s::CREATE_PORT, info).map(|info| info.addr)
    }

    /// Deletes a port.
    pub(crate) fn delete_port(&self, port: u8) -> Result<(), Errno> {
        let info = PortInfo { addr: self.port(port), ..PortInfo::default() };
        self.query(s::DELETE_PORT, info).map(drop)
    }

    /// A port's information.
    pub(crate) fn port_info(&self, addr: Address) -> Result<PortInfo, Errno> {
        self.query(s::GET_PORT_INFO, PortInfo { addr, ..PortInfo::default() })
    }

    /// Connects two ports.
    pub(crate) fn subscribe(&self, sender: Address, dest: Address) -> Result<(), Errno> {
        self.subscribe_with(sender, dest, |_| {})
    }

    /// Connects two ports with flags, queue, voices.
    pub(crate) fn subscribe_with(
        &self,
        sender: Address,
        dest: Address,
        set: impl FnOnce(&mut PortSubscribe),
    ) -> Result<(), Errno> {
        let mut info = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        set(&mut info);
        self.query(s::SUBSCRIBE_PORT, info).map(drop)
    }

    /// Disconnects two ports.
    pub(crate) fn unsubscribe(&self, sender: Address, dest: Address) -> Result<(), Errno> {
        let info = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        self.query(s::UNSUBSCRIBE_PORT, info).map(drop)
    }

    /// Creates an unlocked queue.
    pub(crate) fn create_queue(&self) -> u8 {
        let info = self.query(s::CREATE_QUEUE, QueueInfo::default()).expect("CREATE_QUEUE");
        u8::try_from(info.queue).expect("a queue number")
    }

    /// Creates a queue that only this client may control.
    pub(crate) fn create_locked_queue(&self) -> u8 {
        let info = QueueInfo { locked: 1, ..QueueInfo::default() };
        let info = self.query(s::CREATE_QUEUE, info).expect("CREATE_QUEUE");
        u8::try_from(info.queue).expect("a queue number")
    }

    /// Deletes a queue.
    pub(crate) fn delete_queue(&self, queue: u8) -> Result<(), Errno> {
        let info = QueueInfo { queue: queue.into(), ..QueueInfo::default() };
        self.query(s::DELETE_QUEUE, info).map(drop)
    }

    /// A queue's information.
    pub(crate) fn queue_info(&self, queue: i32) -> Result<QueueInfo, Errno> {
        self.query(s::GET_QUEUE_INFO, QueueInfo { queue, ..QueueInfo::default() })
    }

    /// Marks this client as user of a queue, or not.
    pub(crate) fn use_queue(&self, queue: u8, used: bool) -> Result<(), Errno> {
        let used = i32::from(used);
        let info = QueueClient { queue: queue.into(), used, ..QueueClient::default() };
        self.query(s::SET_QUEUE_CLIENT, info).map(drop)
    }

    /// Is this client a user of a queue?
    pub(crate) fn uses_queue(&self, queue: u8) -> bool {
        let info = QueueClient { queue: queue.into(), ..QueueClient::default() };
        self.query(s::GET_QUEUE_CLIENT, info).expect("GET_QUEUE_CLIENT").used != 0
    }

    /// Where a queue is.
    pub(crate) fn status(&self, queue: u8) -> QueueStatus {
        let status = QueueStatus { queue: queue.into(), ..QueueStatus::default() };
        self.query(s::GET_QUEUE_STATUS, status).expect("GET_QUEUE_STATUS")
    }

    /// A queue's tempo.
    pub(crate) fn tempo(&self, queue: u8) -> QueueTempo {
        let tempo = QueueTempo { queue: queue.into(), ..QueueTempo::default() };
        self.query(s::GET_QUEUE_TEMPO, tempo).expect("GET_QUEUE_TEMPO")
    }

    /// Sets a queue's tempo and resolution.
    pub(crate) fn set_tempo(&self, queue: u8, tempo: u32, ppq: i32) -> Result<(), Errno> {
        let tempo = QueueTempo { queue: queue.into(), tempo, ppq, ..QueueTempo::default() };
        self.query(s::SET_QUEUE_TEMPO, tempo).map(drop)
    }

    /// A queue's timer.
    pub(crate) fn timer(&self, queue: u8) -> QueueTimer {
        let timer = QueueTimer { queue: queue.into(), ..QueueTimer::default() };
        self.query(s::GET_QUEUE_TIMER, timer).expect("GET_QUEUE_TIMER")
    }

    /// The own pools.
    pub(crate) fn pool(&self) -> ClientPool {
        let pool = ClientPool { client: self.id.into(), ..ClientPool::default() };
        self.query(s::GET_CLIENT_POOL, pool).expect("GET_CLIENT_POOL")
    }

    /// Changes the own pools.
    pub(crate) fn set_pool(&self, set: impl FnOnce(&mut ClientPool)) -> Result<(), Errno> {
        let mut pool = ClientPool { client: self.id.into(), ..ClientPool::default() };
        set(&mut pool);
        self.query(s::SET_CLIENT_POOL, pool).map(drop)
    }

    /// Removes events.
    pub(crate) fn remove(&self, mode: RemoveMode, set: impl FnOnce(&mut RemoveEvents)) {
        let mut info = RemoveEvents { remove_mode: mode.bits(), ..RemoveEvents::default() };
        set(&mut info);
        self.query(s::REMOVE_EVENTS, info).expect("REMOVE_EVENTS");
    }

    /// `write`.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        rustix::io::write(&self.fd, bytes).map_err(errno)
    }

    /// Writes one event.
    pub(crate) fn send(&self, event: &Event) -> Result<usize, Errno> {
        self.write(event.as_bytes())
    }

    /// Writes one event and expects that it is taken.
    #[track_caller]
    pub(crate) fn must_send(&self, event: &Event) {
        assert_eq!(self.send(event), Ok(EVENT_SIZE), "the event is taken");
    }

    /// Writes one event with data behind it.
    pub(crate) fn send_variable(&self, event: &Event, data: &[u8]) -> Result<usize, Errno> {
        self.write(&[event.as_bytes(), data].concat())
    }

    /// Writes a control event for a queue to the timer port, at once.
    pub(crate) fn control(
        &self,
        queue: u8,
        event_type: EventType,
        value: u32,
    ) -> Result<usize, Errno> {
        self.send(&control(queue, event_type, value, 0))
    }

    /// Writes events that wait in a stopped queue, as many as there are.
    #[track_caller]
    pub(crate) fn write_pending(&self, queue: u8, events: usize) {
        let event = at_tick(note_on(self.port(0), 1), queue, 1_000_000);
        let bytes = batch(std::iter::repeat_n(&event, events));
        assert_eq!(self.write(&bytes), Ok(bytes.len()), "the events are queued");
    }

    /// Starts a queue.
    #[track_caller]
    pub(crate) fn start(&self, queue: u8) {
        assert_eq!(self.control(queue, EventType::START, 0), Ok(EVENT_SIZE));
    }

    /// `read`.
    pub(crate) fn read(&self, len: usize) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0; len];
        let read = rustix::io::read(&self.fd, &mut buffer).map_err(errno)?;
        buffer.truncate(read);
        Ok(buffer)
    }

    /// Is there something to read, or room to write, now?
    pub(crate) fn poll(&self) -> PollFlags {
        self.poll_for(Duration::ZERO)
    }

    /// Waits until something can be read or written.
    pub(crate) fn poll_for(&self, timeout: Duration) -> PollFlags {
        self.poll_events(PollFlags::IN | PollFlags::OUT, timeout)
    }

    fn poll_events(&self, events: PollFlags, timeout: Duration) -> PollFlags {
        let mut fds = [PollFd::new(&self.fd, events)];
        let timeout = timeout.try_into().expect("a timeout");
        rustix::io::retry_on_intr(|| poll(&mut fds, Some(&timeout))).expect("poll");
        fds[0].revents()
    }

    /// Is there something to read?
    pub(crate) fn readable(&self) -> bool {
        self.poll().contains(PollFlags::IN)
    }

    /// Is there room to write?
    pub(crate) fn writable(&self) -> bool {
        self.poll().contains(PollFlags::OUT)
    }

    /// What can be read now, without waiting.
    pub(crate) fn received(&self) -> Vec<Received> {
        let mut all = Vec::new();
        loop {
            match self.read(64 * 1024) {
                Ok(bytes) if bytes.is_empty() => return all,
                Ok(bytes) => all.extend(split(&bytes)),
                Err(Errno::EAGAIN) => return all,
                Err(error) => panic!("read: {error}"),
            }
        }
    }

    /// The records that can be read now.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.received().into_iter().map(|received| received.event).collect()
    }

    /// The types of what can be read now.
    pub(crate) fn types(&self) -> Vec<EventType> {
        self.events().iter().map(|event| event.event_type).collect()
    }

    /// Waits for one event.
    #[track_caller]
    pub(crate) fn wait_event(&self) -> Event {
        let [event] = self.wait_events(1)[..] else { unreachable!("one event") };
        event
    }

    /// Waits for a number of events, and takes no more.
    #[track_caller]
    pub(crate) fn wait_events(&self, count: usize) -> Vec<Event> {
        let end = Instant::now() + PATIENCE;
        let mut events = Vec::new();
        while events.len() < count {
            match self.read(EVENT_SIZE) {
                Ok(bytes) => events.push(Event::read_from_bytes(&bytes).expect("a record")),
                Err(Errno::EAGAIN) => {
                    let left = end.saturating_duration_since(Instant::now());
                    assert!(!left.is_zero(), "{count} events in time, got {events:?}");
                    self.poll_events(PollFlags::IN, left);
                }
                Err(error) => panic!("read: {error}"),
            }
        }
        events
    }

    /// Throws away what can be read now, an overflow too.
    pub(crate) fn discard(&self) {
        self.remove(RemoveMode::INPUT, |_| {});
    }

    /// A client with ports 0 to `count` - 1, which anybody may use.
    pub(crate) fn with_ports(count: u8) -> Self {
        let client = Self::open();
        for port in 0..count {
            assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(port)));
        }
        client
    }

    /// Changes one of its ports.
    pub(crate) fn set_port(&self, port: u8, change: impl FnOnce(&mut PortInfo)) {
        let mut info = self.port_info(self.port(port)).expect("GET_PORT_INFO");
        change(&mut info);
        self.query(s::SET_PORT_INFO, info).expect("SET_PORT_INFO");
    }

    /// Asks for bounces of queued events that fail.
    pub(crate) fn want_bounces(&self) {
        self.set_info(|info| info.filter |= ClientFilter::BOUNCE.bits()).expect("SET_CLIENT_INFO");
    }

    /// Takes events of these types only.
    pub(crate) fn accept_only(&self, types: &[EventType]) {
        self.set_info(|info| {
            info.filter |= ClientFilter::USE_EVENT.bits();
            info.event_filter = [0; 32];
            for EventType(number) in types {
                info.event_filter[usize::from(number / 8)] |= 1 << (number % 8);
            }
        })
        .expect("SET_CLIENT_INFO");
    }

    /// The notes of what can be read now.
    pub(crate) fn notes(&self) -> Vec<u8> {
        self.events().iter().map(note_of).collect()
    }

    /// Puts an event that vanishes into a queue: what is due goes out before this returns, on a
    /// stopped queue too.
    #[track_caller]
    pub(crate) fn dispatch(&self, queue: u8) {
        self.must_send(&at_tick(note_on(NOBODY, 0), queue, 0));
    }

    /// Moves a queue to a tick and sends out what is due.
    #[track_caller]
    pub(crate) fn move_to_tick(&self, queue: u8, tick: u32) {
        assert_eq!(self.control(queue, EventType::SETPOS_TICK, tick), Ok(EVENT_SIZE));
        self.dispatch(queue);
    }

    /// Moves a queue to a time and sends out what is due.
    #[track_caller]
    pub(crate) fn move_to_time(&self, queue: u8, sec: u32, nsec: u32) {
        let event = control(queue, EventType::SETPOS_TIME, sec, nsec);
        self.must_send(&event);
        self.dispatch(queue);
    }

    /// Port 0 gets the echoes of the timer port.
    pub(crate) fn listen_to_timer(&self) {
        assert_eq!(self.subscribe(TIMER, self.port(0)), Ok(()));
    }

    /// The echoes for a queue that can be read now.
    pub(crate) fn echoes(&self, queue: u8) -> Vec<Event> {
        let mut events = self.events();
        events.retain(|event| event.source == TIMER && event.data.queue() == queue);
        events
    }

    /// Waits until nothing of this client is in a queue any more.
    #[track_caller]
    pub(crate) fn wait_queue_empty(&self, queue: u8) {
        wait_until("the queue is empty", || self.status(queue).events == 0);
    }
}

/// A client whose port 0 gets the announcements, and says which of them are about some clients.
#[derive(Debug)]
pub(crate) struct Watcher(pub Client);

impl Watcher {
    /// Watches from now on.
    pub(crate) fn new() -> Self {
        let client = Client::with_port();
        assert_eq!(client.subscribe(ANNOUNCE, client.port(0)), Ok(()));
        client.discard();
        Self(client)
    }

    /// The announcements up to now that are about one of these clients.
    pub(crate) fn announced(&self, about: &[u8]) -> Vec<Event> {
        let mut events = self.0.events();
        events.retain(|event| is_about(event, about));
        events
    }

    /// The same as types with data.
    pub(crate) fn told(&self, about: &[u8]) -> Vec<(EventType, [u8; 4])> {
        self.announced(about).iter().map(told).collect()
    }

    /// Waits until a client's end is announced; what was announced about it up to then.
    #[track_caller]
    pub(crate) fn told_until_exit(&self, client: u8) -> Vec<(EventType, [u8; 4])> {
        let mut all = Vec::new();
        loop {
            let event = self.0.wait_event();
            if is_about(&event, &[client]) {
                all.push(told(&event));
                if event.event_type == EventType::CLIENT_EXIT {
                    return all;
                }
            }
        }
    }
}

/// Type and data of an announcement.
pub(crate) fn told(event: &Event) -> (EventType, [u8; 4]) {
    let [a, b, c, d, ..] = event.data.0;
    (event.event_type, [a, b, c, d])
}

/// Is an announcement about one of these clients?
fn is_about(event: &Event, clients: &[u8]) -> bool {
    let connects = [EventType::PORT_SUBSCRIBED, EventType::PORT_UNSUBSCRIBED];
    clients.contains(&event.data.0[0])
        || connects.contains(&event.event_type) && clients.contains(&event.data.0[2])
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Cuts what a read returned into events.
pub(crate) fn split(bytes: &[u8]) -> Vec<Received> {
    let mut all = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (event, after) = Event::read_from_prefix(rest).expect("a whole record");
        rest = after;
        let mut data = Vec::new();
        if event.is_variable() {
            let len = event.data.ext_len() as usize;
            let padded = len.next_multiple_of(EVENT_SIZE);
            assert!(rest.len() >= padded, "the data is all there");
            data.extend_from_slice(&rest[..len]);
            rest = &rest[padded..];
        }
        all.push(Received { event, data });
    }
    all
}

/// A note-on, direct, from port 0 to an address.
pub(crate) fn note_on(dest: Address, note: u8) -> Event {
    let mut event = Event::direct(EventType::NOTEON);
    event.dest = dest;
    event.data = EventData::from_note(Note { note, velocity: 100, ..Note::default() });
    event
}

/// An event as one that is due at a tick of a queue.
pub(crate) fn at_tick(mut event: Event, queue: u8, tick: u32) -> Event {
    event.queue = queue;
    event.flags.remove(EventFlags::REAL_TIME | EventFlags::RELATIVE);
    event.time = EventTime::tick(tick);
    event
}

/// An event as one that is due at a time of a queue.
pub(crate) fn at_time(mut event: Event, queue: u8, time: Duration) -> Event {
    event.queue = queue;
    event.flags.insert(EventFlags::REAL_TIME);
    event.flags.remove(EventFlags::RELATIVE);
    let sec = u32::try_from(time.as_secs()).expect("seconds");
    event.time = EventTime::real(sec, time.subsec_nanos());
    event
}

/// A control event for a queue, direct, to the timer port.
pub(crate) fn control(queue: u8, event_type: EventType, value: u32, value2: u32) -> Event {
    let mut event = Event::direct(event_type);
    event.dest = TIMER;
    event.data = EventData::from_queue(queue, value, value2);
    event
}

/// A variable event of a type, direct.
pub(crate) fn variable(event_type: EventType, dest: Address, len: usize) -> Event {
    let mut event = Event::direct(event_type);
    event.flags = EventFlags::VARIABLE;
    event.dest = dest;
    event.data = EventData::from_ext_len(u32::try_from(len).expect("a length"));
    event
}

/// The number of a note event.
pub(crate) fn note_of(event: &Event) -> u8 {
    event.data.note().note
}

/// A name as the ABI has it.
pub(crate) fn name(text: &str) -> [u8; 64] {
    let mut name = [0; 64];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

/// The text of a name.
pub(crate) fn text(name: &[u8; 64]) -> String {
    let bytes = name.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// A struct with every byte 0xa5, to see which bytes an answer leaves alone.
pub(crate) fn patterned<T: FromBytes>() -> T {
    let Ok(value) = T::read_from_bytes(&vec![0xa5; size_of::<T>()]) else {
        unreachable!("as many bytes as it has")
    };
    value
}

/// Several events as one buffer.
pub(crate) fn batch<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<u8> {
    events.into_iter().flat_map(Event::as_bytes).copied().collect()
}

/// A client whose queue holds a number of its events that are not due.
pub(crate) fn with_pending(client: Client, events: usize) -> (Client, u8) {
    let queue = client.create_queue();
    client.write_pending(queue, events);
    (client, queue)
}

/// Waits until something holds, with patience.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "in time: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
