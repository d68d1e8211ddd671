//! A port as people name it.

use aseqd_abi::Address;
use aseqd_abi::seq::{CLIENT_SYSTEM, PortCaps, PortType};
use std::fmt;

/// A port with everything by which it can be named.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Port {
    /// Client and port number.
    pub address: Address,
    /// Name of the client.
    pub client_name: String,
    /// Name of the port.
    pub name: String,
    /// What it allows other clients to do.
    pub caps: PortCaps,
    /// What it stands for.
    pub port_type: PortType,
    /// Whether its client is the kernel's, such as a driver, and not a program.
    pub of_kernel: bool,
    /// The number of the sound card that it belongs to, if it is one of a card.
    pub card: Option<u32>,
    /// The device behind the port, as far as it is known.
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

impl Device {
    /// Returns whether a device has the properties of this one. Those that are missing here may be anything.
    #[must_use]
    pub fn is_like(&self, device: &Self) -> bool {
        let same = |wanted: &Option<String>, is: &Option<String>| wanted.is_none() || wanted == is;
        same(&self.usb, &device.usb)
            && same(&self.serial, &device.serial)
            && same(&self.path, &device.path)
    }
}

impl Port {
    /// Returns a port that allows nothing and stands for nothing, for a table of ports of your own.
    #[must_use]
    pub fn new(address: Address, client_name: &str, name: &str) -> Self {
        Self {
            address,
            client_name: client_name.to_owned(),
            name: name.to_owned(),
            caps: PortCaps::empty(),
            port_type: PortType::empty(),
            of_kernel: false,
            card: None,
            device: Device::default(),
        }
    }

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

    /// Returns whether the port belongs to the System client. Only who names it means it.
    #[must_use]
    pub const fn is_system(&self) -> bool {
        self.address.client == CLIENT_SYSTEM
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

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}: {})", self.address, printable(&self.client_name), printable(&self.name))
    }
}

/// Returns a name that is safe to print: control characters, which can move the cursor of a terminal, and those that
/// turn the direction of the text behind them become `?`.
#[must_use]
pub fn printable(name: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.chars().map(|c| if c.is_control() || turns(c) { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_move_the_cursor() {
        assert_eq!(printable("\u{1b}[2Ja\nb \u{e9}"), "?[2Ja?b \u{e9}");
        assert_eq!(printable("\u{9b}2J\u{7f}"), "?2J?");
    }

    #[test]
    fn names_cannot_turn_what_follows_them() {
        assert_eq!(printable("a\u{202e}b\u{2066}c \u{5d0}"), "a?b?c \u{5d0}");
    }

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
            assert_eq!(Port::new(Address::new(128, 0), client, port).short_name(), short);
        }
    }
}
