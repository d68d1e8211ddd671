//! Short ways to say what most tests say.

use super::{Rig, TestClient};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EventData, EventFlags, EventTime, Note};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{
    CLIENT_SYSTEM, ClientFilter, ClientInfo, ClientPool, PORT_SYSTEM_ANNOUNCE, PORT_SYSTEM_TIMER,
    PortInfo, PortSubscribe, QueueTempo, RemoveEvents, RemoveMode,
};
use aseqd_abi::{Address, Errno, Event, EventType};
use aseqd_engine::{Error, FileId, Output};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The timer port.
pub(crate) const TIMER: Address = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_TIMER);
/// The announce port.
pub(crate) const ANNOUNCE: Address = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE);
/// Midi Through.
pub(crate) const THROUGH: Address = Address::new(aseqd_abi::seq::CLIENT_DUMMY, 0);
/// The destination of events for subscribers.
pub(crate) const SUBSCRIBERS: Address = Address::new(ADDRESS_SUBSCRIBERS, 0);

/// Returns the errno of a failed call.
pub(crate) fn errno<T>(result: Result<T, Error>) -> Errno {
    match result {
        Ok(_) => panic!("the call succeeded"),
        Err(error) => error.errno,
    }
}

/// Returns an event from port 0 for delivery at once.
pub(crate) fn direct(event_type: EventType, dest: Address) -> Event {
    Event { dest, ..Event::direct(event_type) }
}

/// Returns a note-on from port 0 for delivery at once. The key tells it from others.
pub(crate) fn key(dest: Address, note: u8) -> Event {
    let data = EventData::from_note(Note { note, velocity: 100, ..Note::default() });
    Event { data, ..direct(EventType::NOTEON, dest) }
}

/// Returns the event with a tick of a queue as its time.
pub(crate) fn at_tick(event: Event, queue: u8, tick: u32) -> Event {
    Event { queue, time: EventTime::tick(tick), ..event }
}

/// Returns the event with a real time of a queue as its time.
pub(crate) fn at_time(event: Event, queue: u8, sec: u32, nsec: u32) -> Event {
    let flags = event.flags | EventFlags::REAL_TIME;
    Event { queue, time: EventTime::real(sec, nsec), flags, ..event }
}

/// Returns type and key of a note event; the key is the second data byte of any event.
pub(crate) fn summary(event: &Event) -> (EventType, u8) {
    (event.event_type, event.data.0[1])
}

impl Rig {
    /// Makes an ioctl of a client.
    pub(crate) fn ioctl<T: FromBytes + IntoBytes + Immutable>(
        &mut self,
        client: TestClient,
        request: u32,
        arg: T,
    ) -> Result<T, Error> {
        self.query(client.file, request, arg)
    }

    /// Controls a queue by a direct event.
    pub(crate) fn control(
        &mut self,
        client: TestClient,
        event_type: EventType,
        queue: u8,
        params: [u32; 2],
    ) -> Result<usize, Error> {
        let data = EventData::from_queue(queue, params[0], params[1]);
        self.send(client, Event { data, ..direct(event_type, TIMER) })
    }

    /// Moves a queue to a tick, which delivers nothing by itself.
    pub(crate) fn go_to_tick(&mut self, client: TestClient, queue: u8, tick: u32) {
        self.control(client, EventType::SETPOS_TICK, queue, [tick, 0]).expect("SETPOS_TICK");
    }

    /// Lets a stopped queue deliver what is due, by queueing an event without a destination.
    pub(crate) fn dispatch(&mut self, client: TestClient, queue: u8) {
        let nobody = direct(EventType::ECHO, Address::new(252, 0));
        self.send(client, at_tick(nobody, queue, 0)).expect("a queued event");
    }

    /// Changes a client's information.
    pub(crate) fn set_info(
        &mut self,
        client: TestClient,
        change: impl FnOnce(&mut ClientInfo),
    ) -> Result<(), Error> {
        let mut info = self.info(client, client.number.into())?;
        change(&mut info);
        self.ioctl(client, s::SET_CLIENT_INFO, info).map(drop)
    }

    /// Asks for bounces.
    pub(crate) fn want_bounces(&mut self, client: TestClient) {
        self.set_info(client, |info| info.filter = ClientFilter::BOUNCE.bits())
            .expect("SET_CLIENT_INFO");
    }

    /// Returns a port's information.
    pub(crate) fn port_info(
        &mut self,
        caller: TestClient,
        addr: Address,
    ) -> Result<PortInfo, Error> {
        self.ioctl(caller, s::GET_PORT_INFO, PortInfo { addr, ..PortInfo::default() })
    }

    /// Changes a port's information.
    pub(crate) fn set_port(
        &mut self,
        client: TestClient,
        port: u8,
        change: impl FnOnce(&mut PortInfo),
    ) -> Result<(), Error> {
        let mut info = self.port_info(client, client.port(port))?;
        change(&mut info);
        self.ioctl(client, s::SET_PORT_INFO, info).map(drop)
    }

    /// Deletes a port.
    pub(crate) fn delete_port(&mut self, client: TestClient, port: u8) -> Result<(), Error> {
        let info = PortInfo { addr: client.port(port), ..PortInfo::default() };
        self.ioctl(client, s::DELETE_PORT, info).map(drop)
    }

    /// Connects two ports, with flags and a queue.
    pub(crate) fn subscribe_with(
        &mut self,
        caller: TestClient,
        [sender, dest]: [Address; 2],
        flags: aseqd_abi::seq::SubscriptionFlags,
        queue: u8,
    ) -> Result<(), Error> {
        let flags = flags.bits();
        let info = PortSubscribe { sender, dest, flags, queue, ..PortSubscribe::default() };
        self.ioctl(caller, s::SUBSCRIBE_PORT, info).map(drop)
    }

    /// Sets pool sizes and room; 0 keeps one as it is.
    pub(crate) fn set_pool(
        &mut self,
        client: TestClient,
        output_pool: i32,
        input_pool: i32,
        output_room: i32,
    ) -> Result<ClientPool, Error> {
        let client_number = client.number.into();
        let pool = ClientPool {
            client: client_number,
            output_pool,
            input_pool,
            output_room,
            ..ClientPool::default()
        };
        self.ioctl(client, s::SET_CLIENT_POOL, pool)
    }

    /// Sets tempo and ppq of a queue.
    pub(crate) fn set_tempo(
        &mut self,
        client: TestClient,
        queue: u8,
        tempo: u32,
        ppq: i32,
    ) -> Result<(), Error> {
        let info = QueueTempo { queue: queue.into(), tempo, ppq, ..QueueTempo::default() };
        self.ioctl(client, s::SET_QUEUE_TEMPO, info).map(drop)
    }

    /// Removes queued events.
    pub(crate) fn remove_output(
        &mut self,
        client: TestClient,
        mode: RemoveMode,
        info: RemoveEvents,
    ) {
        let remove_mode = (mode | RemoveMode::OUTPUT).bits();
        self.ioctl(client, s::REMOVE_EVENTS, RemoveEvents { remove_mode, ..info })
            .expect("REMOVE_EVENTS");
    }

    /// Returns the files that the engine reports as ready.
    pub(crate) fn ready(&mut self) -> Vec<FileId> {
        std::iter::from_fn(|| self.engine.poll_output()).map(|Output::Ready(file)| file).collect()
    }

    /// Reads all events. Returns their types and keys; see [`summary`].
    pub(crate) fn heard(&mut self, client: TestClient) -> Vec<(EventType, u8)> {
        self.receive_all(client).iter().map(summary).collect()
    }

    /// Reads all announcements. Returns their types and first four data bytes.
    pub(crate) fn announced(&mut self, client: TestClient) -> Vec<(EventType, [u8; 4])> {
        let events = self.receive_all(client);
        let data = |event: &Event| event.data.0[..4].try_into().expect("four bytes");
        events.iter().map(|event| (event.event_type, data(event))).collect()
    }
}
