//! What is there: ports and connections, as the rules see them.

use crate::transform::Transform;
use aseqd_abi::Address;
use aseqd_abi::seq::{CLIENT_SYSTEM, PortCaps, PortType};

/// The client of the kernel whose ports send on what they receive (`snd-seq-dummy`).
const MIDI_THROUGH: &str = "Midi Through";

/// A port of a client, with everything by which rules name ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Client and port number.
    pub address: Address,
    /// Name of the client.
    pub client_name: String,
    /// Name of the port.
    pub name: String,
    /// What the port allows other clients to do.
    pub caps: PortCaps,
    /// What the port stands for.
    pub port_type: PortType,
    /// Whether the client is a driver of the kernel.
    pub kernel: bool,
    /// The device behind the port, if it is one of a sound card.
    pub device: Device,
}

/// The device behind a port. Its properties stay the same when it gets other numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Device {
    /// Vendor and product of a USB device in hexadecimal: `0582:012a`.
    pub usb: Option<String>,
    /// The serial number that a USB device says.
    pub serial: Option<String>,
    /// Where it is plugged in: `1-2.3` for a USB device, else the name of its device in sysfs.
    pub path: Option<String>,
}

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

impl Port {
    /// Returns whether others may connect the port as a sender.
    #[must_use]
    pub fn sends(&self) -> bool {
        self.allows(PortCaps::READ | PortCaps::SUBS_READ)
    }

    /// Returns whether others may connect the port as a destination.
    #[must_use]
    pub fn receives(&self) -> bool {
        self.allows(PortCaps::WRITE | PortCaps::SUBS_WRITE)
    }

    fn allows(&self, caps: PortCaps) -> bool {
        self.caps.contains(caps) && !self.caps.contains(PortCaps::NO_EXPORT)
    }

    /// Returns whether the port belongs to the System client, which only rules that name it mean.
    pub(crate) fn is_system(&self) -> bool {
        self.address.client == CLIENT_SYSTEM
    }

    /// Returns whether the port is one of `snd-seq-dummy`, which sends on what it receives.
    pub(crate) fn is_through(&self) -> bool {
        self.kernel && self.client_name == MIDI_THROUGH
    }

    /// Returns the port's name without the name of the client at its beginning, which many drivers repeat: `CTRL` for
    /// `nanoKONTROL nanoKONTROL _ CTRL`. A name that has nothing else stays as it is.
    #[must_use]
    pub fn short_name(&self) -> &str {
        let mut rest = self.name.as_str();
        while !self.client_name.is_empty() {
            let Some(after) = rest.strip_prefix(self.client_name.as_str()) else { break };
            rest = after.trim_start_matches([' ', '_']);
        }
        if rest.is_empty() { &self.name } else { rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ports_lose_the_name_of_their_client() {
        for (client, port, short) in [
            ("Pure Data", "Pure Data Midi-In", "Midi-In"),
            ("Midihub MH-1Z109TZ", "Midihub MH-1Z109TZ MIDI 1", "MIDI 1"),
            ("nanoKONTROL", "nanoKONTROL nanoKONTROL _ CTRL", "CTRL"),
            ("Synth", "Synth", "Synth"),
            ("Synth", "in", "in"),
            ("", "in", "in"),
        ] {
            let port = Port {
                address: Address::new(128, 0),
                client_name: client.into(),
                name: port.into(),
                caps: PortCaps::empty(),
                port_type: PortType::empty(),
                kernel: false,
                device: Device::default(),
            };
            assert_eq!(port.short_name(), short);
        }
    }
}
