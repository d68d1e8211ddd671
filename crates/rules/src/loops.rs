//! Loops: ways by which an event would come back for ever.

use crate::port::{Connection, Pair, Snapshot};
use crate::virtual_port::VirtualPort;
use aseqd_abi::Address;
use aseqd_selector::{Port, Selector};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The client of the kernel whose ports send on what they receive (`snd-seq-dummy`).
const MIDI_THROUGH: &str = "Midi Through";

/// What sends on whatever it receives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    /// A port of `snd-seq-dummy`, or the two ports of a pair of its, by the name without `:A` and `:B`.
    Port(u8, String),
    /// A client that the rules say to send on.
    Client(u8),
}

/// The connections between ports that send on what they receive.
#[derive(Debug, Default)]
pub(crate) struct Loops {
    nodes: BTreeMap<Address, Node>,
    edges: BTreeMap<Node, BTreeSet<Node>>,
}

impl Loops {
    /// Finds the ports that send on.
    pub(crate) fn new(ports: &[Port], through: &[Selector], virtual_ports: &[VirtualPort]) -> Self {
        let node = |port: &Port| Some((port.address, node(port, through, virtual_ports)?));
        let nodes = ports.iter().filter_map(node);
        Self { nodes: nodes.collect(), edges: BTreeMap::new() }
    }

    /// Adds a connection.
    pub(crate) fn add(&mut self, (sender, dest): Pair) {
        if let (Some(from), Some(to)) = (self.nodes.get(&sender), self.nodes.get(&dest)) {
            self.edges.entry(from.clone()).or_default().insert(to.clone());
        }
    }

    /// Returns whether a connection would close a loop.
    pub(crate) fn closes(&self, (sender, dest): Pair) -> bool {
        if sender == dest {
            return true;
        }
        let (Some(from), Some(to)) = (self.nodes.get(&sender), self.nodes.get(&dest)) else {
            return false;
        };
        let mut seen = BTreeSet::from([to]);
        let mut next = VecDeque::from([to]);
        while let Some(node) = next.pop_front() {
            if node == from {
                return true;
            }
            for after in self.edges.get(node).into_iter().flatten() {
                if seen.insert(after) {
                    next.push_back(after);
                }
            }
        }
        false
    }
}

/// Returns the connections by which events would go round for ever through these virtual ports. Of those that close a loop
/// together, it is the one that comes last, where `new` ones come after all others. Somebody has made it against all sense:
/// rules make none.
#[must_use]
pub fn looping(snapshot: &Snapshot, virtual_ports: &[VirtualPort], new: &[Pair]) -> Vec<Pair> {
    let mut loops = Loops::new(&snapshot.ports, &[], virtual_ports);
    let mut pairs: Vec<Pair> = snapshot.connections.iter().map(Connection::pair).collect();
    pairs.sort_by_key(|pair| (new.iter().position(|one| one == pair), *pair));
    let mut closing = Vec::new();
    for pair in pairs {
        let is_virtual =
            |address: Address| matches!(loops.nodes.get(&address), Some(Node::Client(_)));
        if (is_virtual(pair.0) || is_virtual(pair.1)) && loops.closes(pair) {
            closing.push(pair);
        } else {
            loops.add(pair);
        }
    }
    closing
}

fn node(port: &Port, through: &[Selector], virtual_ports: &[VirtualPort]) -> Option<Node> {
    let is_virtual = |one: &VirtualPort| one.kind.sends_on() && one.name == port.client_name;
    if !port.of_kernel && virtual_ports.iter().any(is_virtual)
        || through.iter().any(|selector| selector.matches(port))
    {
        return Some(Node::Client(port.address.client));
    }
    let pair = [":A", ":B"].iter().find_map(|end| port.name.strip_suffix(end));
    let name = pair.unwrap_or(&port.name).to_owned();
    let through = port.of_kernel && port.client_name == MIDI_THROUGH;
    through.then_some(Node::Port(port.address.client, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Origin;
    use crate::virtual_port::PortKind;
    use aseqd_abi::seq::PortCaps;

    fn port(client: u8, name: &str) -> Port {
        let mut port = Port::new(Address::new(client, 0), name, name);
        port.caps = PortCaps::all() - PortCaps::NO_EXPORT;
        port.of_kernel = client < 128;
        port
    }

    fn connected(pairs: &[(u8, u8)]) -> Snapshot {
        let ports = ["Midi Through", "One", "Two", "Sink", "Program"];
        let address = |client| Address::new(client, 0);
        let connection = |(from, to): &(u8, u8)| Connection {
            sender: address(*from),
            dest: address(*to),
            exclusive: false,
            stamp: None,
        };
        Snapshot {
            ports: [14, 128, 129, 130, 131]
                .iter()
                .zip(ports)
                .map(|(it, name)| port(*it, name))
                .collect(),
            connections: pairs.iter().map(connection).collect(),
            links: Vec::new(),
        }
    }

    #[test]
    fn the_newest_connection_of_a_loop_through_virtual_ports_is_told() {
        let origin = Origin { file: "ports.toml".into(), line: 1 };
        let kinds =
            [("One", PortKind::Loopback), ("Two", PortKind::Pair), ("Sink", PortKind::Output)];
        let ports = kinds.map(|(name, kind)| VirtualPort {
            name: name.to_owned(),
            kind,
            origin: origin.clone(),
        });
        for (pairs, new, wanted) in [
            // To itself; to another and back; through the kernel's.
            (&[(128, 128)][..], None, &[(128, 128)][..]),
            (&[(128, 129), (129, 128)], None, &[(129, 128)]),
            (&[(128, 129), (129, 128)], Some((128, 129)), &[(128, 129)]),
            (&[(14, 128), (128, 129), (129, 14)], Some((14, 128)), &[(14, 128)]),
            (&[(128, 129), (128, 14), (129, 14)], None, &[]),
            // A program decides itself what it sends on, and a sink sends nothing on.
            (&[(128, 131), (131, 128)], None, &[]),
            (&[(128, 130), (130, 128)], None, &[]),
            // The kernel limits its own loops.
            (&[(14, 14)], None, &[]),
        ] {
            let pair = |(from, to): &(u8, u8)| (Address::new(*from, 0), Address::new(*to, 0));
            let new: Vec<_> = new.iter().map(pair).collect();
            let wanted: Vec<_> = wanted.iter().map(pair).collect();
            assert_eq!(looping(&connected(pairs), &ports, &new), wanted, "{pairs:?}");
        }
    }
}
