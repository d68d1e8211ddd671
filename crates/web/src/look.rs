//! Makes of what the sequencer has said what the page shows.

use crate::graph::{Cable, ClientEntry, Graph, PortEntry};
use crate::raw::Raw;
use crate::rulebook::Rulebook;
use aseqd_abi::Address;
use aseqd_abi::seq::{ClientInfo, KERNEL_CLIENT, PortInfo, QuerySubs, SubscriptionFlags};
use aseqd_client::{described, text};
use aseqd_rules::{Device, Pair, Stamp};
use aseqd_tools::devices;
use aseqd_tools::rules::{LINKS_CLIENT, RUN_CLIENT};
use std::collections::{BTreeMap, BTreeSet};

/// Returns what the page shows. `own` is the client of the server, `listener` the port of the one that listens, which is
/// not shown, and `refused` says why it cannot listen to a port.
pub(crate) fn graph_of(
    raw: &Raw,
    own: u8,
    listener: Option<Address>,
    refused: &BTreeMap<Address, String>,
    rules: &Rulebook,
) -> Graph {
    let runs = |info: &&ClientInfo| text(&info.name) == RUN_CLIENT && info.num_ports > 0;
    // Another program could call itself so, and would be hidden.
    let runner = raw.clients.values().find(runs).map(|info| info.pid);
    let mut graph = Graph { rules: rules.state(runner.is_some()), ..Graph::default() };
    let mut links = BTreeSet::new();
    for (number, info) in &raw.clients {
        if listener.is_some_and(|listener| listener.client == *number) {
            continue;
        }
        let of_links = text(&info.name) == LINKS_CLIENT && Some(info.pid) == runner;
        let mut entry = entry_of(info, own == *number);
        let device = u32::try_from(info.card).map(devices::of_card).unwrap_or_default();
        for (address, port) in
            raw.ports.range(Address::new(*number, 0)..=Address::new(*number, u8::MAX))
        {
            if of_links {
                links.insert(*address);
                continue;
            }
            let one = port_of(info, port, &device, rules, refused);
            if one.port.sends() || one.port.receives() {
                entry.ports.insert(address.port, one);
            }
        }
        if !entry.ports.is_empty() {
            graph.clients.insert(*number, entry);
        }
    }
    // The ways into and out of links are one connection for each pair of ends.
    let mut ways: BTreeMap<Address, [Vec<Address>; 2]> = BTreeMap::new();
    for ((from, to), peer) in &raw.pairs {
        match (links.contains(from), links.contains(to)) {
            (false, false) => graph.connect((*from, *to), cable_of(peer), rules),
            (false, true) => ways.entry(*to).or_default()[0].push(*from),
            (true, false) => ways.entry(*from).or_default()[1].push(*to),
            (true, true) => {}
        }
    }
    for (link, [senders, dests]) in ways {
        for from in senders {
            for to in &dests {
                let cable = Cable { link: Some(link), ..Cable::default() };
                graph.connect((from, *to), cable, rules);
            }
        }
    }
    graph.queues = raw.queues.clone();
    graph
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
