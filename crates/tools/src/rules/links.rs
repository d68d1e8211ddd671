//! Links: connections through a client of ours that changes events on their way.
//!
//! A link has a port of its own. The sender is connected to it, and it to the destination, so programs and drivers see
//! that they are in use. Events leave it directly for the destination: so it is known when one had no room there.

use aseqd_abi::seq::{PortCaps, PortSubscribe, PortType, SubscriptionFlags};
use aseqd_abi::{Address, Errno, Event};
use aseqd_client::event::EventExt as _;
use aseqd_client::{Client, Error, Result};
use aseqd_rules::{Connection, Link, Sounding, Transform};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The name of the client that has the links.
pub const NAME: &str = "aseqd rules links";

/// Cells of both pools: as many as a client can have. A long SysEx must fit, and a burst that comes while this program
/// looks at the ports.
const POOL: u32 = 2000;

/// How long to wait until the own output pool has room. It is emptied at once, so a longer wait means that the
/// sequencer is stuck.
const ROOM_TIMEOUT: Duration = Duration::from_secs(1);

/// All links of this process.
pub(super) struct Links {
    device: PathBuf,
    /// The client, once there has been a link.
    client: Option<Client>,
    by_port: BTreeMap<u8, State>,
    /// Events that were lost because all links together read too slowly: how often that happened.
    overruns: u64,
}

/// One link.
struct State {
    link: Link,
    sounding: Sounding,
    /// Events that have passed, that the link has stopped, and that were lost.
    counts: Counts,
    /// The number of lost events that was told last.
    told: u64,
}

/// What has become of the events of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) stopped: u64,
    pub(super) lost: u64,
}

impl Links {
    pub(super) fn new(device: PathBuf) -> Self {
        Self { device, client: None, by_port: BTreeMap::new(), overruns: 0 }
    }

    /// Returns the client, if there has been a link.
    pub(super) const fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// Makes a link, and returns its port. It is connected to the destination first, then to the sender.
    pub(super) fn add(&mut self, link: &Link, exclusive: bool, name: &str) -> Result<Address> {
        let client = match self.client.take() {
            Some(client) => self.client.insert(client),
            None => {
                let client = Client::open(&self.device, NAME)?;
                client.set_pools(POOL, POOL, 1)?;
                self.client.insert(client)
            }
        };
        let both = PortCaps::READ | PortCaps::WRITE;
        let caps = both | PortCaps::SUBS_READ | PortCaps::SUBS_WRITE;
        let port = client.create_port(name, caps, PortType::MIDI_GENERIC | PortType::SOFTWARE)?;
        let mut flags = SubscriptionFlags::empty();
        flags.set(SubscriptionFlags::EXCLUSIVE, exclusive);
        // The way out first, so that no event arrives that cannot leave.
        for (sender, dest) in [(port, link.dest), (link.sender, port)] {
            let wanted =
                PortSubscribe { sender, dest, flags: flags.bits(), ..PortSubscribe::default() };
            if let Err(error) = client.subscribe(&wanted) {
                client.delete_port(port)?;
                return Err(error);
            }
        }
        let (sounding, counts) = (Sounding::default(), Counts::default());
        let state = State { link: link.clone(), sounding, counts, told: 0 };
        self.by_port.insert(port.port, state);
        Ok(port)
    }

    /// Changes what a link does. Notes that sound are ended, because their ends could become others.
    pub(super) fn change(&mut self, link: &Link) {
        let Some(client) = &self.client else { return };
        for (port, state) in &mut self.by_port {
            if (state.link.sender, state.link.dest) == (link.sender, link.dest) {
                state.end_notes(client, *port);
                state.link.transform = link.transform.clone();
            }
        }
    }

    /// Removes a link, if it is there.
    pub(super) fn remove(&mut self, sender: Address, dest: Address) -> Result<()> {
        self.retain(|link| (link.sender, link.dest) != (sender, dest))
    }

    /// Removes the links that somebody has cut at one end, or whose ports are gone.
    pub(super) fn remove_cut(&mut self, connections: &[Connection]) -> Result<()> {
        let Some(client) = &self.client else { return Ok(()) };
        let own = client.id();
        let stands = |port: u8, link: &Link| {
            let port = Address::new(own, port);
            let has = |pair| connections.iter().any(|one| one.pair() == pair);
            has((link.sender, port)) && has((port, link.dest))
        };
        let gone: Vec<_> =
            self.by_port.iter().filter(|(port, state)| !stands(**port, &state.link)).collect();
        let gone: Vec<_> = gone.iter().map(|(_, s)| (s.link.sender, s.link.dest)).collect();
        gone.iter().try_for_each(|(sender, dest)| self.remove(*sender, *dest))
    }

    fn retain(&mut self, keep: impl Fn(&Link) -> bool) -> Result<()> {
        let Some(client) = &self.client else { return Ok(()) };
        let gone: Vec<u8> = self
            .by_port
            .iter()
            .filter(|(_, state)| !keep(&state.link))
            .map(|(port, _)| *port)
            .collect();
        for port in gone {
            if let Some(mut state) = self.by_port.remove(&port) {
                state.end_notes(client, port);
            }
            client.delete_port(Address::new(client.id(), port))?;
        }
        Ok(())
    }

    /// Returns the links that stand, with what has become of their events.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Link, Counts)> {
        self.by_port.values().map(|state| (&state.link, state.counts))
    }

    /// Passes on all events that have arrived. `tell` gets a sentence about each loss.
    pub(super) fn pass_on(&mut self, tell: &mut dyn FnMut(String)) -> Result<()> {
        let Some(client) = &self.client else { return Ok(()) };
        loop {
            match client.read_event() {
                Ok(None) => break,
                Ok(Some((event, data))) => {
                    let port = event.dest.port;
                    // Announcements about the port, and what others send to it, are not the sender's.
                    if let Some(state) = self.by_port.get_mut(&port)
                        && event.source == state.link.sender
                    {
                        state.pass(client, port, &event, &data)?;
                    }
                }
                Err(Error::EventsLost) => {
                    self.overruns += 1;
                    tell(format!(
                        "events were lost, for the {}. time: they came faster than the links passed them on",
                        self.overruns
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        for state in self.by_port.values_mut() {
            // Each time that there are twice as many as were told: a flood must not fill the log.
            if state.counts.lost >= (state.told * 2).max(1) && state.counts.lost > state.told {
                state.told = state.counts.lost;
                let Link { sender, dest, .. } = state.link;
                tell(format!(
                    "{} events from {sender} were lost: {dest} had no room, because its program does not read",
                    state.counts.lost
                ));
            }
        }
        Ok(())
    }

    /// Ends all notes. For the end of this program.
    pub(super) fn end_notes(&mut self) {
        let Some(client) = &self.client else { return };
        for (port, state) in &mut self.by_port {
            state.end_notes(client, *port);
        }
    }
}

impl State {
    fn pass(&mut self, client: &Client, port: u8, event: &Event, data: &[u8]) -> Result<()> {
        let transform: &Transform = &self.link.transform;
        let Some(changed) = transform.apply(event) else {
            self.counts.stopped += 1;
            return Ok(());
        };
        match self.send(client, port, &changed, data) {
            Ok(()) => {
                self.counts.passed += 1;
                self.sounding.sent(&changed);
            }
            // The destination is full, or going.
            Err(error) if error.errno().is_some_and(|errno| errno != Errno::ENODEV) => {
                self.counts.lost += 1;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn send(&self, client: &Client, port: u8, event: &Event, data: &[u8]) -> Result<()> {
        let out =
            event.at_once().sent_from(Address::new(client.id(), port)).sent_to(self.link.dest);
        let send = || match event.is_variable() {
            true => client.send_with_data(&out, data),
            false => client.send(&out),
        };
        match send() {
            Err(error) if error.would_block() => {
                client.wait_for_room(Some(ROOM_TIMEOUT))?;
                send()
            }
            sent => sent,
        }
    }

    fn end_notes(&mut self, client: &Client, port: u8) {
        for event in self.sounding.end() {
            // The destination may be gone, and its notes with it.
            let _gone = self.send(client, port, &event, &[]);
        }
    }
}
