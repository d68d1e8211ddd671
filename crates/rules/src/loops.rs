//! Loops: ways by which an event would come back for ever.

use crate::port::{Pair, Port};
use crate::selector::Selector;
use aseqd_abi::Address;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    pub(crate) fn new(ports: &[Port], through: &[Selector]) -> Self {
        let nodes = ports.iter().filter_map(|port| Some((port.address, node(port, through)?)));
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

fn node(port: &Port, through: &[Selector]) -> Option<Node> {
    if through.iter().any(|selector| selector.matches(port)) {
        return Some(Node::Client(port.address.client));
    }
    let pair = [":A", ":B"].iter().find_map(|end| port.name.strip_suffix(end));
    let name = pair.unwrap_or(&port.name).to_owned();
    port.is_through().then_some(Node::Port(port.address.client, name))
}
