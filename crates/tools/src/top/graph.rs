//! Ports and connections of a sequencer at one moment.

use crate::complete::{RECEIVER, SENDER};
use aseqd_abi::Address;
use aseqd_abi::seq::CLIENT_SYSTEM;
use aseqd_client::{Port, PortCaps};

/// The ports and connections of a sequencer, without those of this command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Graph {
    /// The ports, by client and number.
    pub(super) ports: Vec<Port>,
    /// The connections, by sender.
    pub(super) connections: Vec<Connection>,
}

/// A connection with its attributes, so that it can be made again as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    pub(super) sender: Address,
    pub(super) dest: Address,
    /// The bits of `SubscriptionFlags`.
    pub(super) flags: u32,
    /// The queue that stamps the events.
    pub(super) queue: u8,
}

impl Connection {
    /// Returns a connection without attributes.
    pub(super) const fn plain(sender: Address, dest: Address) -> Self {
        Self { sender, dest, flags: 0, queue: 0 }
    }
}

/// The two sides of the patchbay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Side {
    /// Ports that send.
    #[default]
    Senders,
    /// Ports that receive.
    Receivers,
}

impl Side {
    /// Returns what others must be allowed to do with a port of this side.
    pub(super) const fn caps(self) -> PortCaps {
        match self {
            Self::Senders => SENDER,
            Self::Receivers => RECEIVER,
        }
    }
}

impl Graph {
    /// Returns the ports of a side: those that others can connect, and those that are connected. The ports of the System
    /// client are left out unless `system` is set.
    pub(super) fn side(&self, side: Side, system: bool) -> Vec<&Port> {
        let connected = |port: &Port| {
            self.connections.iter().any(|connection| match side {
                Side::Senders => connection.sender == port.address,
                Side::Receivers => connection.dest == port.address,
            })
        };
        let shown = |port: &&Port| {
            (port.caps.contains(side.caps()) || connected(port))
                && (system || port.address.client != CLIENT_SYSTEM)
        };
        self.ports.iter().filter(shown).collect()
    }

    /// Returns the port with an address.
    pub(super) fn port(&self, address: Address) -> Option<&Port> {
        self.ports.iter().find(|port| port.address == address)
    }

    /// Returns the connection between two ports.
    pub(super) fn connection(&self, sender: Address, dest: Address) -> Option<&Connection> {
        self.connections
            .iter()
            .find(|connection| connection.sender == sender && connection.dest == dest)
    }
}
