//! What the sequencer has said: read as a whole once, and then only where something has changed. A look at thousands of
//! connections takes thousands of calls.

use crate::graph::Queue;
use aseqd_abi::Address;
use aseqd_abi::seq::{ClientInfo, PortCaps, PortInfo, QuerySubs};
use aseqd_client::{Announcement, Client, Result, client_number, text};
use aseqd_rules::Pair;
use std::collections::{BTreeMap, BTreeSet};

/// Microseconds of a minute.
const MINUTE: f64 = 60_000_000.0;

/// What is there.
#[derive(Default)]
pub(crate) struct Raw {
    pub(crate) clients: BTreeMap<u8, ClientInfo>,
    pub(crate) ports: BTreeMap<Address, PortInfo>,
    pub(crate) pairs: BTreeMap<Pair, QuerySubs>,
    pub(crate) queues: Vec<Queue>,
}

/// What may be other than it was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    all: bool,
    clients: BTreeSet<u8>,
    /// Ports that have come or gone: their connections are others.
    ports: BTreeSet<Address>,
    pairs: BTreeSet<Pair>,
}

impl Changes {
    /// Everything, after announcements were lost.
    pub(crate) fn everything() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Adds others.
    pub(crate) fn add(&mut self, other: Self) {
        self.all |= other.all;
        self.clients.extend(other.clients);
        self.ports.extend(other.ports);
        self.pairs.extend(other.pairs);
    }

    /// Adds what was announced.
    pub(crate) fn announced(&mut self, announcement: Announcement) {
        match announcement {
            Announcement::Connected(ends) | Announcement::Disconnected(ends) => {
                self.pairs.insert((ends.sender, ends.dest));
            }
            Announcement::PortStarted(port) | Announcement::PortExited(port) => {
                self.ports.insert(port);
                self.clients.insert(port.client);
            }
            Announcement::PortChanged(port) => {
                self.clients.insert(port.client);
            }
            Announcement::ClientStarted(client)
            | Announcement::ClientExited(client)
            | Announcement::ClientChanged(client)
            | Announcement::EndpointChanged(client)
            | Announcement::BlockChanged(client, _) => {
                self.clients.insert(client);
            }
            _ => self.all = true,
        }
    }
}

impl Raw {
    /// Reads what may have changed.
    pub(crate) fn read(&mut self, client: &Client, changes: &Changes) -> Result<()> {
        if changes.all {
            *self = Self::default();
            for info in client.clients()? {
                self.read_client(client, client_number(&info), &changes.ports, false)?;
            }
        } else {
            for number in &changes.clients {
                self.read_client(client, *number, &changes.ports, true)?;
            }
            for pair in &changes.pairs {
                self.read_pair(client, *pair)?;
            }
        }
        self.queues = queues(client)?;
        Ok(())
    }

    /// Reads a client and its ports. `both` says whether the connections that arrive are read, too: those of everything
    /// are read at the ports that they leave.
    fn read_client(
        &mut self,
        client: &Client,
        number: u8,
        fresh: &BTreeSet<Address>,
        both: bool,
    ) -> Result<()> {
        let Some((info, ports)) = client.info_and_ports(number)? else {
            self.forget(number);
            return Ok(());
        };
        self.clients.insert(number, info);
        let there: BTreeSet<Address> = ports.iter().map(|port| port.addr).collect();
        let is_gone = |port: Address| {
            port.client == number && (!there.contains(&port) || fresh.contains(&port))
        };
        self.ports.retain(|port, _| !is_gone(*port));
        self.pairs.retain(|(from, to), _| !is_gone(*from) && !is_gone(*to));
        for port in ports {
            let caps = PortCaps::from_bits_retain(port.capability);
            let is_new = self.ports.insert(port.addr, port).is_none();
            if !is_new {
                continue;
            }
            if caps.contains(PortCaps::READ) {
                for peer in client.outgoing(port.addr)? {
                    self.pairs.insert((port.addr, peer.addr), peer);
                }
            }
            if both && caps.contains(PortCaps::WRITE) {
                for peer in client.incoming(port.addr)? {
                    self.pairs.insert((peer.addr, port.addr), peer);
                }
            }
        }
        Ok(())
    }

    fn read_pair(&mut self, client: &Client, pair: Pair) -> Result<()> {
        match client.subscription(pair.0, pair.1)? {
            Some(found) => {
                let (flags, queue) = (found.flags, found.queue);
                self.pairs.insert(pair, QuerySubs { flags, queue, ..QuerySubs::default() });
            }
            None => {
                self.pairs.remove(&pair);
            }
        }
        Ok(())
    }

    /// Forgets a client.
    pub(crate) fn forget(&mut self, number: u8) {
        self.clients.remove(&number);
        self.ports.retain(|port, _| port.client != number);
        self.pairs.retain(|(from, to), _| from.client != number && to.client != number);
    }
}

fn queues(client: &Client) -> Result<Vec<Queue>> {
    let system = client.system_info()?;
    let mut left = system.cur_queues;
    let mut queues = Vec::new();
    for number in 0..u8::try_from(system.queues).unwrap_or(u8::MAX) {
        if left <= 0 {
            break;
        }
        let Some(info) = client.queue_info(number)? else { continue };
        left -= 1;
        let running = client.queue_status(number)?.is_some_and(|status| status.running != 0);
        let tempo = client.queue_tempo(number)?.map(|tempo| {
            let base = if tempo.tempo_base == 0 { 1000.0 } else { f64::from(tempo.tempo_base) };
            f64::from(tempo.tempo) * base / 1000.0
        });
        let bpm = tempo.filter(|quarter| *quarter > 0.0).map_or(0.0, |quarter| MINUTE / quarter);
        queues.push(Queue {
            id: number,
            name: text(&info.name),
            client: u8::try_from(info.owner).unwrap_or(u8::MAX),
            running,
            bpm: (bpm * 1000.0).round() / 1000.0,
        });
    }
    Ok(queues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_gone_takes_its_ports_and_connections_along() {
        let mut raw = Raw::default();
        let port = |client| Address::new(client, 0);
        for client in [20, 128, 129] {
            raw.clients.insert(client, ClientInfo::default());
            raw.ports.insert(port(client), PortInfo::default());
        }
        for (from, to) in [(20, 128), (128, 129), (20, 129)] {
            raw.pairs.insert((port(from), port(to)), QuerySubs::default());
        }
        raw.forget(128);
        assert_eq!(raw.clients.keys().copied().collect::<Vec<_>>(), [20, 129]);
        assert_eq!(raw.pairs.keys().collect::<Vec<_>>(), [&(port(20), port(129))]);
        assert_eq!(raw.ports.len(), 2);
    }

    #[test]
    fn announcements_say_what_to_read() {
        let mut changes = Changes::default();
        let port = Address::new(128, 1);
        changes.announced(Announcement::PortStarted(port));
        changes.announced(Announcement::ClientChanged(20));
        let ports = BTreeSet::from([port]);
        let clients = BTreeSet::from([20, 128]);
        assert_eq!(changes, Changes { ports, clients, ..Changes::default() });
        changes.add(Changes::everything());
        assert!(changes.all);
    }
}
