//! A client that plays and expects events.

use super::compare;
use super::expected::{Expected, Received};

use aseqd_client::aseqd_abi::seq::{PortFlags, PortInfo};
use aseqd_client::event::EventExt as _;
use aseqd_client::{
    Address, Announcement, Client, Error, Event, EventFlags, EventType, PortCaps, PortType,
    name_field,
};
use aseqd_midi::Decoder;
use aseqd_server::embedded::{File, Sequencer};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

/// A client of a [`Rig`](super::Rig). It ends, with its ports and connections, when it is dropped.
///
/// It is a [`Client`] too, with all its methods: `create_port`, `connect`, `find_port`, `delete_port`, `subscribe`...
/// If a test reads by [`Client::read_event`], the methods here do not see what that has read.
pub struct TestClient {
    client: Client<File>,
    sequencer: Sequencer,
    name: String,
    clock: RefCell<Option<Clock>>,
    announcements_port: Cell<Option<Address>>,
    received: RefCell<VecDeque<Received>>,
    announcements: RefCell<VecDeque<Announcement>>,
}

/// A queue that runs, by which events are sent at a time and stamped when they arrive.
#[derive(Clone, Copy, Debug)]
struct Clock {
    queue: u8,
    /// When it was started, on the rig's clock.
    started: Duration,
}

impl Deref for TestClient {
    type Target = Client<File>;

    fn deref(&self) -> &Client<File> {
        &self.client
    }
}

impl TestClient {
    #[track_caller]
    pub(super) fn open(sequencer: &Sequencer, name: &str) -> Self {
        let client = match sequencer.client(name) {
            Ok(client) => client,
            Err(error) => panic!("the client {name:?}: {error}"),
        };
        Self {
            client,
            sequencer: sequencer.clone(),
            name: name.to_owned(),
            clock: RefCell::default(),
            announcements_port: Cell::default(),
            received: RefCell::default(),
            announcements: RefCell::default(),
        }
    }

    /// Creates a port that others can connect to and listen to.
    ///
    /// # Panics
    /// If the client has as many ports as it can have.
    #[track_caller]
    pub fn output(&self, name: &str) -> Address {
        let types = PortType::MIDI_GENERIC | PortType::APPLICATION;
        self.port(name, PortCaps::READ | PortCaps::SUBS_READ, types)
    }

    /// Creates a port that others can connect to and play to. It stamps what arrives, so that [`Received::at`] is exact.
    ///
    /// # Panics
    /// If the client has as many ports as it can have, or the sequencer as many queues: a client with such a port has
    /// one, and there are 32.
    #[track_caller]
    pub fn input(&self, name: &str) -> Address {
        let types = PortType::MIDI_GENERIC | PortType::APPLICATION;
        self.port(name, PortCaps::WRITE | PortCaps::SUBS_WRITE, types)
    }

    /// Creates a port with these capabilities. If it can be written to, it stamps what arrives.
    ///
    /// # Panics
    /// As [`TestClient::input`].
    #[track_caller]
    pub fn port(&self, name: &str, caps: PortCaps, types: PortType) -> Address {
        let mut info = PortInfo {
            name: name_field(name),
            capability: caps.bits(),
            port_type: types.bits(),
            midi_channels: 16,
            ..PortInfo::default()
        };
        if caps.contains(PortCaps::WRITE) {
            info.flags = (PortFlags::TIMESTAMP | PortFlags::TIME_REAL).bits();
            info.time_queue = self.clock().queue;
        }
        let created = self.or_panic(self.client.create_port_from(&info));
        created.addr
    }

    /// Sends an event to the subscribers of a port, now.
    ///
    /// For one port instead, connected or not, there is [`Client::send`].
    ///
    /// # Panics
    /// If it cannot be sent.
    #[track_caller]
    pub fn play(&self, from: Address, event: Event) {
        self.or_panic(self.client.send(&event.sent_from(from).sent_to_subscribers().at_once()));
    }

    /// Sends an event to the subscribers of a port at this time of the rig's clock. It waits in a queue of this
    /// client, which holds 500 events. A time that is over is now.
    ///
    /// # Panics
    /// If it cannot be sent.
    #[track_caller]
    pub fn play_at(&self, from: Address, time: Duration, event: Event) {
        let Clock { queue, started } = self.clock();
        let time = time.saturating_sub(started);
        let event = event.sent_from(from).sent_to_subscribers().at_time(queue, time);
        self.or_panic(self.client.send(&event));
    }

    /// Sends MIDI bytes to the subscribers of a port, now: whole messages, also with running status, and SysEx.
    ///
    /// # Panics
    /// If they cannot be sent, or do not end with a message.
    #[track_caller]
    pub fn play_bytes(&self, from: Address, bytes: &[u8]) {
        let mut decoder = Decoder::default();
        let mut last = false;
        for &byte in bytes {
            let decoded = decoder.handle_byte(byte);
            last = decoded.is_some();
            let Some(decoded) = decoded else { continue };
            let event = decoded.event.sent_from(from).sent_to_subscribers();
            self.or_panic(match decoded.sysex {
                Some(data) => self.client.send_with_data(&event, &data),
                None => self.client.send(&event),
            });
        }
        assert!(last || bytes.is_empty(), "{self} cannot play {bytes:02x?}: no message ends there");
    }

    /// Returns what has arrived and was not returned yet, in order. It does not wait.
    ///
    /// What the sequencer tells a port about its own connections, `PORT_SUBSCRIBED` and `PORT_UNSUBSCRIBED`, is left out.
    ///
    /// # Panics
    /// If events were lost, because more than 200 had not been read.
    #[track_caller]
    pub fn received(&self) -> Vec<Received> {
        self.take_in();
        self.received.take().into()
    }

    /// Returns the next event that arrives within this time. Time passes until then, for the whole rig.
    ///
    /// # Panics
    /// If none arrives, or events were lost.
    #[track_caller]
    pub fn next_within(&self, timeout: Duration) -> Received {
        let begun = self.sequencer.now();
        let end = begun.saturating_add(timeout);
        loop {
            self.take_in();
            if let Some(received) = self.received.borrow_mut().pop_front() {
                return received;
            }
            let left = end.saturating_sub(self.sequencer.now());
            // At the end of the time, something may have come that is no event for the test.
            if !self.or_panic(self.client.wait(Some(left))) {
                panic!("{self} has received nothing from {begun:?} to {end:?}");
            }
        }
    }

    /// Checks that these events have arrived, in this order, and no others, since the last call of this or of
    /// [`TestClient::received`]. Events with [`at`](super::at) must have arrived at that time. It does not wait: call
    /// [`Rig::advance`](super::Rig::advance) before.
    ///
    /// # Panics
    /// If that is not so. The message compares what was expected with what was received.
    #[track_caller]
    pub fn expect(&self, expected: impl IntoIterator<Item = impl Into<Expected>>) {
        let expected: Vec<Expected> = expected.into_iter().map(Into::into).collect();
        let received = self.received();
        if let Some(difference) = compare::difference(&expected, &received) {
            let now = self.sequencer.now();
            panic!("{self} has not received what was expected by {now:?}:\n{difference}");
        }
    }

    /// Checks that nothing has arrived.
    ///
    /// # Panics
    /// If something has.
    #[track_caller]
    pub fn expect_nothing(&self) {
        let none: [Expected; 0] = [];
        self.expect(none);
    }

    /// Returns what has come and gone in the sequencer since the last call: clients, ports, connections. The first call
    /// begins to listen, and returns nothing.
    ///
    /// # Panics
    /// If events were lost, or no port can be created to hear announcements.
    #[track_caller]
    pub fn announcements(&self) -> Vec<Announcement> {
        if self.announcements_port.get().is_none() {
            let port = self.or_panic(self.client.hear_announcements());
            self.announcements_port.set(Some(port));
            self.take_in();
            // It hears of its own connection.
            self.announcements.take();
        }
        self.take_in();
        self.announcements.take().into()
    }

    /// Ends the client, as if a device was unplugged: its ports and connections go. Dropping it does the same.
    pub fn unplug(self) {
        drop(self);
    }

    /// Reads all events that have arrived.
    #[track_caller]
    fn take_in(&self) {
        while let Some((event, data)) = self.or_panic(self.client.read_event()) {
            if self.announcements_port.get().is_some_and(|port| port == event.dest) {
                self.announcements.borrow_mut().extend(Announcement::of(&event));
                continue;
            }
            if [EventType::PORT_SUBSCRIBED, EventType::PORT_UNSUBSCRIBED]
                .contains(&event.event_type)
            {
                continue;
            }
            let at = self.arrival(&event);
            self.received.borrow_mut().push_back(Received { at, event, data });
        }
    }

    /// Returns when an event has arrived: at the time that its port has stamped it with, or now.
    fn arrival(&self, event: &Event) -> Duration {
        let stamped = |clock: &Clock| {
            event.queue == clock.queue && event.flags.contains(EventFlags::REAL_TIME)
        };
        match self.clock.borrow().filter(stamped) {
            Some(clock) => {
                let time = event.time;
                clock.started + Duration::new(time.tick_or_sec.into(), time.nsec)
            }
            None => self.sequencer.now(),
        }
    }

    /// Returns the queue that runs, and starts it if there is none.
    #[track_caller]
    fn clock(&self) -> Clock {
        if let Some(clock) = *self.clock.borrow() {
            return clock;
        }
        let queue = self.or_panic(self.client.create_queue(&self.name));
        self.or_panic(self.client.start_queue(queue));
        let clock = Clock { queue, started: self.sequencer.now() };
        *self.clock.borrow_mut() = Some(clock);
        clock
    }

    #[track_caller]
    fn or_panic<T>(&self, result: Result<T, Error>) -> T {
        // No closure: a panic in it would not be at the test's place.
        match result {
            Ok(value) => value,
            Err(error) if error.would_block() => panic!(
                "{self}: {error}: this client has sent 500 events that are not due yet, or a receiver has \
                 200 that it has not read"
            ),
            Err(error) => panic!("{self}: {error}"),
        }
    }
}

impl fmt::Display for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (client {})", self.name, self.client.id())
    }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient")
            .field("name", &self.name)
            .field("id", &self.client.id())
            .finish_non_exhaustive()
    }
}
