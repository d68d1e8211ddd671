//! What is there: ports and connections, as the rules see them.

use crate::transform::Transform;
use aseqd_abi::Address;
use aseqd_selector::Port;

/// The two ends of a connection: sender and destination.
pub type Pair = (Address, Address);

/// Which time events are stamped with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The queue whose time is used.
    pub queue: u8,
    /// Real time, or else ticks.
    pub real: bool,
}

/// A connection of the sequencer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Where events come from.
    pub sender: Address,
    /// Where they go to.
    pub dest: Address,
    /// Whether no other connection may exist at its ends.
    pub exclusive: bool,
    /// The time that events are stamped with.
    pub stamp: Option<Stamp>,
}

impl Connection {
    /// Returns both ends.
    #[must_use]
    pub const fn pair(&self) -> Pair {
        (self.sender, self.dest)
    }
}

/// A connection through a client of ours that changes events on their way.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Where events come from.
    pub sender: Address,
    /// Where they go to.
    pub dest: Address,
    /// What is done to them.
    pub transform: Transform,
}

/// The ports and connections of a sequencer at one moment.
///
/// The ports of the client that carries out the rules are left out of [`ports`](Self::ports), and so are those of its
/// links. Their connections are in [`connections`](Self::connections), because an exclusive connection depends on them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The ports, by address.
    pub ports: Vec<Port>,
    /// All connections.
    pub connections: Vec<Connection>,
    /// The links that stand.
    pub links: Vec<Link>,
}

impl Snapshot {
    /// Returns the port with this address.
    #[must_use]
    pub fn port(&self, address: Address) -> Option<&Port> {
        self.ports.iter().find(|port| port.address == address)
    }
}
