//! Virtual ports: clients of this process that stay as long as the rules are carried out, and send on what they receive.

use aseqd_abi::seq::{CLIENT_SYSTEM, PortCaps, PortType};
use aseqd_abi::{Address, Event};
use aseqd_client::event::EventExt as _;
use aseqd_client::{Client, Error, Result};
use aseqd_host::error::reason;
use aseqd_rules::{PortKind, Sounding, VirtualPort};
use std::path::PathBuf;

/// Cells of both pools: as many as a client can have, as for links.
const POOL: u32 = 2000;

/// Events that are sent on before something else gets its turn: a flood must not keep this program from signals.
const EVENTS_AT_ONCE: usize = 4096;

/// All virtual ports of this process.
pub(super) struct Held {
    device: PathBuf,
    ports: Vec<One>,
}

/// One virtual port.
struct One {
    wanted: VirtualPort,
    client: Client,
    /// Its ports; two for a pair.
    ports: Vec<Address>,
    /// The notes that have come out of each port.
    sounding: Vec<Sounding>,
    /// Events that a receiver had no room for, and the number that was told last.
    lost: u64,
    told: u64,
    /// How often events were lost because they came too fast.
    overruns: u64,
}

impl Held {
    pub(super) const fn new(device: PathBuf) -> Self {
        Self { device, ports: Vec::new() }
    }

    /// Makes the ports that are wanted and not there, and removes the others. Ports that stay keep their connections.
    /// `tell` gets a sentence about each that cannot be made.
    pub(super) fn become_those(&mut self, wanted: &[VirtualPort], tell: &mut dyn FnMut(String)) {
        let same = |one: &VirtualPort, other: &VirtualPort| {
            (&one.name, one.kind) == (&other.name, other.kind)
        };
        self.ports.retain_mut(|held| {
            let stays = wanted.iter().any(|one| same(one, &held.wanted));
            if !stays {
                held.end_notes();
            }
            stays
        });
        for one in wanted {
            if self.ports.iter().any(|held| same(one, &held.wanted)) {
                continue;
            }
            match One::make(&self.device, one) {
                Ok(made) => self.ports.push(made),
                Err(error) => tell(format!(
                    "{}: the port {} cannot be made: {}",
                    one.origin,
                    one.name,
                    reason(&error)
                )),
            }
        }
    }

    /// Returns the clients of the ports.
    pub(super) fn clients(&self) -> impl Iterator<Item = &Client> {
        self.ports.iter().map(|held| &held.client)
    }

    /// Returns whether events were read and not sent on yet. A `poll` does not know of them.
    pub(super) fn has_event(&self) -> bool {
        self.clients().any(Client::has_event)
    }

    /// Sends on what has arrived. `tell` gets a sentence about each loss.
    pub(super) fn pass_on(&mut self, tell: &mut dyn FnMut(String)) -> Result<()> {
        self.ports.iter_mut().try_for_each(|held| held.pass_on(tell))
    }

    /// Ends all notes. For the end of this program.
    pub(super) fn end_notes(&mut self) {
        self.ports.iter_mut().for_each(One::end_notes);
    }
}

impl One {
    fn make(device: &PathBuf, wanted: &VirtualPort) -> Result<Self> {
        let client = Client::open(device, &wanted.name)?;
        client.set_pools(POOL, POOL, 1)?;
        let reads = PortCaps::READ | PortCaps::SUBS_READ;
        let writes = PortCaps::WRITE | PortCaps::SUBS_WRITE;
        let (names, caps): (&[&str], _) = match wanted.kind {
            PortKind::Loopback => (&[&wanted.name], reads | writes | PortCaps::DUPLEX),
            PortKind::Pair => (&["A", "B"], reads | writes | PortCaps::DUPLEX),
            PortKind::Input => (&[&wanted.name], reads),
            PortKind::Output => (&[&wanted.name], writes),
        };
        // As those of `snd-seq-dummy`: neither a device nor a program that plays.
        let kind = PortType::MIDI_GENERIC | PortType::SOFTWARE | PortType::PORT;
        let ports = names.iter().map(|name| client.create_port(name, caps, kind));
        let ports = ports.collect::<Result<Vec<_>>>()?;
        let sounding = ports.iter().map(|_| Sounding::default()).collect();
        let wanted = wanted.clone();
        Ok(Self { wanted, client, ports, sounding, lost: 0, told: 0, overruns: 0 })
    }

    fn pass_on(&mut self, tell: &mut dyn FnMut(String)) -> Result<()> {
        for _ in 0..EVENTS_AT_ONCE {
            match self.client.read_event() {
                Ok(None) => break,
                Ok(Some((event, data))) => self.send_on(&event, &data)?,
                Err(Error::EventsLost) => {
                    self.overruns += 1;
                    tell(format!(
                        "events to {} were lost, for the {}. time: they came faster than they were sent on",
                        self.wanted.name, self.overruns
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        // Each time that there are twice as many as were told: a flood must not fill the log.
        if self.lost >= (self.told * 2).max(1) && self.lost > self.told {
            self.told = self.lost;
            tell(format!(
                "{} events of {} were lost: a program that is connected to it does not read them",
                self.lost, self.wanted.name
            ));
        }
        Ok(())
    }

    fn send_on(&mut self, event: &Event, data: &[u8]) -> Result<()> {
        let at = self.ports.iter().position(|port| *port == event.dest);
        // An event of our own that has come back would go round for ever, and announcements are about the port itself.
        let own = [self.client.id(), CLIENT_SYSTEM].contains(&event.source.client);
        if own || !self.wanted.kind.sends_on() {
            return Ok(());
        }
        let Some(at) = at else { return Ok(()) };
        let out = if self.wanted.kind == PortKind::Pair { 1 - at } else { at };
        match send(&self.client, self.ports[out], event, data) {
            Ok(()) => self.sounding[out].sent(event),
            // Some receiver is full, or going. The others have it.
            Err(error) if error.would_block() || error.errno().is_some() => {
                if error.errno() == Some(aseqd_abi::Errno::ENODEV) {
                    return Err(error);
                }
                self.lost += 1;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn end_notes(&mut self) {
        for (port, sounding) in self.ports.iter().zip(&mut self.sounding) {
            for event in sounding.end() {
                // The receivers may be gone, and their notes with them.
                let _gone = send(&self.client, *port, &event, &[]);
            }
        }
    }
}

fn send(client: &Client, port: Address, event: &Event, data: &[u8]) -> Result<()> {
    let out = event.at_once().sent_from(port).sent_to_subscribers();
    if event.is_variable() { client.send_with_data(&out, data) } else { client.send(&out) }
}
