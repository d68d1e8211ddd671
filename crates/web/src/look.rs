//! Looks at the sequencer: everything that the page shows.

use crate::graph::{Cable, ClientEntry, Graph, PortEntry, Queue};
use crate::rulebook::Rulebook;
use aseqd_abi::Address;
use aseqd_abi::seq::{ClientInfo, KERNEL_CLIENT, PortCaps, PortInfo, QuerySubs, SubscriptionFlags};
use aseqd_client::{Client, Result, described, text};
use aseqd_rules::{Device, Pair, Stamp};
use aseqd_tools::devices;
use aseqd_tools::rules::{LINKS_CLIENT, RUN_CLIENT};
use std::collections::{BTreeMap, BTreeSet};

/// Microseconds of a minute.
const MINUTE: f64 = 60_000_000.0;

/// What a look has found.
pub(crate) struct Look {
    pub(crate) graph: Graph,
    /// The ports that are connected to the listener.
    pub(crate) watched: BTreeSet<Address>,
}

/// Looks at everything. `listener` is the port of the client that listens, which is not shown, and `refused` says why it
/// cannot listen to a port.
pub(crate) fn look(
    client: &Client,
    listener: Option<Address>,
    refused: &BTreeMap<Address, String>,
    rules: &Rulebook,
) -> Result<Look> {
    let infos = client.clients()?;
    let is_listener = |number: u8| listener.is_some_and(|listener| listener.client == number);
    let runs = |info: &&ClientInfo| text(&info.name) == RUN_CLIENT && info.num_ports > 0;
    // Another program could call itself so, and would be hidden.
    let runner = infos.iter().find(runs).map(|info| info.pid);
    let mut graph = Graph { rules: rules.state(runner.is_some()), ..Graph::default() };
    let mut pairs: BTreeMap<Pair, QuerySubs> = BTreeMap::new();
    let mut links = BTreeSet::new();
    for info in &infos {
        let number = u8::try_from(info.client).unwrap_or(u8::MAX);
        if is_listener(number) {
            continue;
        }
        let of_links = text(&info.name) == LINKS_CLIENT && Some(info.pid) == runner;
        let mut entry = entry_of(info, client.id() == number);
        let device = u32::try_from(info.card).map(devices::of_card).unwrap_or_default();
        for port in client.ports_of(number)? {
            let caps = PortCaps::from_bits_retain(port.capability);
            if caps.contains(PortCaps::READ) {
                pairs.extend(
                    client
                        .outgoing(port.addr)?
                        .into_iter()
                        .map(|peer| ((port.addr, peer.addr), peer)),
                );
            }
            if of_links {
                links.insert(port.addr);
                continue;
            }
            let one = port_of(info, &port, &device, rules, refused);
            if one.port.sends() || one.port.receives() {
                entry.ports.insert(port.addr.port, one);
            }
        }
        if !entry.ports.is_empty() {
            graph.clients.insert(number, entry);
        }
    }
    let watched =
        pairs.keys().filter(|(_, to)| Some(*to) == listener).map(|(from, _)| *from).collect();
    for ((from, to), peer) in &pairs {
        if links.contains(from) || links.contains(to) {
            continue;
        }
        graph.connect((*from, *to), cable_of(peer), rules);
    }
    for link in &links {
        let senders = pairs.keys().filter(|(_, to)| to == link).map(|(from, _)| *from);
        for from in senders.collect::<Vec<_>>() {
            for (_, to) in pairs.keys().filter(|(sender, _)| sender == link) {
                let cable = Cable { link: Some(*link), ..Cable::default() };
                graph.connect((from, *to), cable, rules);
            }
        }
    }
    graph.queues = queues(client)?;
    Ok(Look { graph, watched })
}

impl Graph {
    /// Adds a connection between ports that are shown.
    fn connect(&mut self, pair: Pair, mut cable: Cable, rules: &Rulebook) {
        let (Some(from), Some(to)) = (self.port(pair.0), self.port(pair.1)) else { return };
        if let Some(rule) = rules.rule(&from.port, &to.port) {
            cable.rule = Some(rule.origin.to_string());
            cable.kept = Rulebook::is_ours(rule);
            cable.filter = cable.link.and_then(|_| rule.transform.clone());
        }
        self.connections.insert(pair, cable);
    }
}

fn entry_of(info: &ClientInfo, own: bool) -> ClientEntry {
    ClientEntry {
        name: text(&info.name),
        kernel: info.client_type == KERNEL_CLIENT,
        pid: u32::try_from(info.pid).ok().filter(|pid| *pid > 0),
        card: u32::try_from(info.card).ok(),
        midi: info.midi_version,
        own,
        ports: BTreeMap::new(),
    }
}

fn port_of(
    info: &ClientInfo,
    port: &PortInfo,
    device: &Device,
    rules: &Rulebook,
    refused: &BTreeMap<Address, String>,
) -> PortEntry {
    let mut one = described(info, port);
    one.device = device.clone();
    PortEntry {
        aliases: rules.set().aliases_of(&one).into_iter().map(str::to_owned).collect(),
        group: port.ump_group,
        unwatched: refused.get(&port.addr).cloned(),
        port: one,
    }
}

fn cable_of(peer: &QuerySubs) -> Cable {
    let flags = SubscriptionFlags::from_bits_retain(peer.flags);
    let stamp = Stamp { queue: peer.queue, real: flags.contains(SubscriptionFlags::TIME_REAL) };
    Cable {
        exclusive: flags.contains(SubscriptionFlags::EXCLUSIVE),
        stamp: flags.contains(SubscriptionFlags::TIMESTAMP).then_some(stamp),
        ..Cable::default()
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
