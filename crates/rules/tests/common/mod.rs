//! A world without a sequencer: ports and connections that a test changes, and that decisions change.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::allow_attributes, reason = "what is unused differs")]

use aseqd_abi::Address;
use aseqd_abi::seq::{PortCaps, PortType};
use aseqd_rules::{
    Action, Change, Connection, History, Link, Port, RuleSet, Rules, Snapshot, decide,
};

/// Returns rules without mistakes.
#[track_caller]
pub(crate) fn rules(text: &str) -> RuleSet {
    let (rules, problems) = Rules::read("r.toml", text);
    assert_eq!(problems, []);
    let (rules, problems) = rules.compile(None);
    assert_eq!(problems, []);
    rules
}

/// What a port can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Sends,
    Receives,
    Both,
}

impl Way {
    pub(crate) fn caps(self) -> PortCaps {
        let sends = PortCaps::READ | PortCaps::SUBS_READ;
        let receives = PortCaps::WRITE | PortCaps::SUBS_WRITE;
        match self {
            Self::Sends => sends,
            Self::Receives => receives,
            Self::Both => sends | receives,
        }
    }
}

pub(crate) fn address(text: &str) -> Address {
    let (client, port) = text.split_once(':').expect("client:port");
    Address::new(client.parse().unwrap(), port.parse().unwrap())
}

#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    pub(crate) history: History,
}

impl World {
    /// Makes a port and announces it. Kernel clients have numbers below 128, as on Linux; they are hardware but for
    /// Midi Through.
    pub(crate) fn plug(&mut self, at: &str, client_name: &str, name: &str, way: Way) -> &mut Port {
        let address = address(at);
        let kernel = address.client < 128;
        let kind = match (kernel, client_name) {
            (true, "Midi Through" | "System") => PortType::SOFTWARE,
            (true, _) => PortType::HARDWARE,
            (false, _) => PortType::APPLICATION,
        };
        let mut port = Port::new(address, client_name, name);
        port.caps = way.caps();
        port.port_type = PortType::MIDI_GENERIC | kind;
        port.of_kernel = kernel;
        self.snapshot.ports.push(port);
        self.snapshot.ports.sort_by_key(|port| port.address);
        self.history.note(Change::Port(address));
        self.snapshot.ports.iter_mut().find(|port| port.address == address).expect("just made")
    }

    /// Removes a port with its connections, without a word.
    pub(crate) fn lose(&mut self, address: Address) {
        self.snapshot.ports.retain(|port| port.address != address);
        self.snapshot.connections.retain(|one| one.sender != address && one.dest != address);
        self.snapshot.links.retain(|one| one.sender != address && one.dest != address);
    }

    /// Removes a port with its connections, and announces that.
    pub(crate) fn unplug(&mut self, at: &str) {
        self.lose(address(at));
        self.history.note(Change::Port(address(at)));
    }

    pub(crate) fn connect(&mut self, from: &str, to: &str) {
        let (sender, dest) = (address(from), address(to));
        self.snapshot.connections.push(Connection { sender, dest, exclusive: false, stamp: None });
        self.history.note(Change::Connected(sender, dest));
    }

    pub(crate) fn disconnect(&mut self, from: &str, to: &str) {
        let (sender, dest) = (address(from), address(to));
        self.snapshot.connections.retain(|one| one.pair() != (sender, dest));
        self.snapshot.links.retain(|one| (one.sender, one.dest) != (sender, dest));
        self.history.note(Change::Disconnected(sender, dest));
    }

    /// Decides, does it, and returns what was done: `+24:0>128:0`, `-24:0>128:0`, with `~` for links.
    pub(crate) fn decide(&mut self, rules: &RuleSet) -> Vec<String> {
        let actions = decide(&self.snapshot, rules, &mut self.history);
        actions.iter().map(|action| self.apply(action)).collect()
    }

    pub(crate) fn apply(&mut self, action: &Action) -> String {
        let Snapshot { connections, links, .. } = &mut self.snapshot;
        match action {
            Action::Connect(one, _) => {
                assert!(connections.iter().all(|is| is.pair() != one.pair()), "connected twice");
                connections.push(*one);
                let stamp = one.stamp.map_or("", |_| " stamped");
                let exclusive = if one.exclusive { " exclusive" } else { "" };
                format!("+{}>{}{exclusive}{stamp}", one.sender, one.dest)
            }
            Action::Disconnect(one, _) => {
                assert!(connections.contains(one), "not connected");
                connections.retain(|is| is.pair() != one.pair());
                format!("-{}>{}", one.sender, one.dest)
            }
            Action::Link(one, _) => {
                assert!(!links.contains(one), "linked twice");
                links.push(one.clone());
                format!("+{}~{}", one.sender, one.dest)
            }
            Action::Change(one, _) => {
                let is = |is: &&mut Link| (is.sender, is.dest) == (one.sender, one.dest);
                *links.iter_mut().find(is).expect("a link") = one.clone();
                format!("={}~{}", one.sender, one.dest)
            }
            Action::Unlink(sender, dest, _) => {
                links.retain(|is| (is.sender, is.dest) != (*sender, *dest));
                format!("-{sender}~{dest}")
            }
        }
    }
}
