//! The client: what exists in the sequencer, what happens there, and changes of it.

use super::change::Change;
use super::graph::{Connection, Graph};
use super::model::Outcome;
use crate::connect::refused;
use crate::monitor::Lateness;
use crate::select::refusal;
use aseqd_abi::seq::{PortCaps, PortSubscribe, PortType};
use aseqd_abi::{Address, Event};
use aseqd_client::{Announcement, Client, Error, SYSTEM_TIMER};
use aseqd_host::error::{Context as _, Fail};
use std::collections::BTreeSet;
use std::path::Path;

/// The cells of the input pool: the most that there can be, so that few events are lost while the screen is drawn.
const INPUT_POOL: u32 = 2000;

/// A client that watches the sequencer.
pub(super) struct Sequencer {
    client: Client,
    /// Receives the events of watched ports.
    events: Address,
    /// Receives the control events of all queues.
    queues: Address,
    lateness: Lateness,
    /// Whether something was announced since [`Sequencer::graph`] has looked.
    stale: bool,
}

/// What was read.
pub(super) enum Heard {
    /// An event, its data, and its lateness in nanoseconds.
    Event(Event, Vec<u8>, Option<i64>),
    /// Events were lost.
    Lost,
    /// Something about clients, ports or queues.
    News,
    /// There is nothing more.
    Nothing,
}

impl Sequencer {
    /// Opens the sequencer, and listens to what comes and goes.
    pub(super) fn open(device: &Path) -> Result<Self, Fail> {
        let client = Client::open(device, "aseqd top")?;
        client.set_pools(0, INPUT_POOL, 0)?;
        let caps = PortCaps::WRITE | PortCaps::SUBS_WRITE;
        let kind = PortType::MIDI_GENERIC | PortType::APPLICATION;
        let events = client.create_port("events", caps, kind)?;
        let caps = PortCaps::WRITE | PortCaps::NO_EXPORT;
        let queues = client.create_port("queues", caps, PortType::empty())?;
        client.connect(SYSTEM_TIMER, queues).context("queues cannot be followed")?;
        client
            .hear_announcements()
            .context("the announcements of the System client cannot be followed")?;
        Ok(Self { client, events, queues, lateness: Lateness::default(), stale: true })
    }

    /// Returns the client, to wait for it.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Returns whether ports or connections have changed since they were looked at.
    pub(super) const fn is_stale(&self) -> bool {
        self.stale
    }

    /// Looks at the ports and connections, without those of this client, and at which ports are watched.
    pub(super) fn graph(&mut self) -> Result<(Graph, BTreeSet<Address>), Fail> {
        self.stale = false;
        let own = self.client.id();
        let mut ports = crate::select::ports(&self.client)?;
        ports.retain(|port| port.address.client != own);
        let mut connections = Vec::new();
        for port in &ports {
            for peer in self.client.outgoing(port.address)? {
                if peer.addr.client != own {
                    connections.push(Connection {
                        sender: port.address,
                        dest: peer.addr,
                        flags: peer.flags,
                        queue: peer.queue,
                    });
                }
            }
        }
        let watched = self.client.incoming(self.events)?.into_iter().map(|peer| peer.addr);
        Ok((Graph { ports, connections }, watched.collect()))
    }

    /// Reads what has arrived next.
    pub(super) fn read(&mut self) -> Result<Heard, Fail> {
        let reads = !self.client.has_event();
        let (event, data) = match self.client.read_event() {
            Ok(Some(heard)) => heard,
            Ok(None) => return Ok(Heard::Nothing),
            Err(Error::EventsLost) => {
                // Announcements may have been among them.
                self.stale = true;
                self.lateness.lost();
                return Ok(Heard::Lost);
            }
            Err(error) => return Err(error.into()),
        };
        if reads {
            self.lateness.arrived();
        }
        if event.dest == self.queues {
            self.lateness.follow(&self.client, &event)?;
            return Ok(Heard::News);
        }
        if event.dest == self.events {
            let late = self.lateness.of(&self.client, &event)?;
            // The model keeps what it needs.
            self.lateness.forget_measured();
            return Ok(Heard::Event(event, data, late));
        }
        // What this command does itself changes nothing that is shown.
        let own = self.client.id();
        self.stale |= match Announcement::of(&event) {
            Some(Announcement::ClientStarted(client) | Announcement::ClientChanged(client)) => {
                client != own
            }
            Some(Announcement::PortStarted(port) | Announcement::PortChanged(port)) => {
                port.client != own
            }
            _ => true,
        };
        Ok(Heard::News)
    }

    /// Makes changes, each for itself, and returns what became of them.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub(super) fn change(&mut self, changes: &[Change], undo: bool) -> Result<Outcome, Fail> {
        let mut outcome = Outcome { undo, ..Outcome::default() };
        for change in changes {
            let Connection { sender, dest, flags, queue } = *change.connection();
            let request = PortSubscribe { sender, dest, flags, queue, ..PortSubscribe::default() };
            let (verb, made) = match change {
                Change::Connect(_) => ("connected", self.client.subscribe(&request)),
                Change::Cut(_) => ("disconnected", self.client.unsubscribe(&request)),
            };
            match made {
                Ok(()) => outcome.done.push(*change),
                Err(error) if error.is_ended() => return Err(error.into()),
                Err(error) => {
                    outcome.refused.push(refused(verb, sender, dest, &error).to_string());
                }
            }
        }
        self.stale = true;
        Ok(outcome)
    }

    /// Subscribes to a port, or no longer. Returns why that is refused.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub(super) fn watch(&mut self, port: Address, on: bool) -> Result<Result<(), String>, Fail> {
        let made = match on {
            true => self.client.connect(port, self.events),
            false => self.client.disconnect(port, self.events),
        };
        self.stale = true;
        match made {
            Ok(()) => Ok(Ok(())),
            Err(error) if error.is_ended() => Err(error.into()),
            // It has gone, was not watched, or is watched already.
            Err(_) if !on => Ok(Ok(())),
            Err(error) => Ok(Err(refusal(&error))),
        }
    }
}
