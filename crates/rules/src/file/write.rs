//! Rules as text: what `save`, `learn` and `import` write.

use crate::port::Connection;
use aseqd_selector::{Device, Port};
use std::fmt::Write as _;

/// A port as a rule names it exactly: by the whole names, and by its device where another client has the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact {
    /// Name of the client.
    pub client: String,
    /// Name of the port.
    pub port: String,
    /// Its number, if another port of the client has the same name.
    pub number: Option<u8>,
    /// Serial number, or else the path, of its device, if another client has the same name.
    pub device: Device,
}

impl Exact {
    /// Returns the description of a port among others.
    #[must_use]
    pub fn of(port: &Port, ports: &[Port]) -> Self {
        let same_client = |other: &Port| other.address.client == port.address.client;
        let named_alike = |other: &&Port| other.client_name == port.client_name;
        let twin = ports.iter().filter(named_alike).any(|other| !same_client(other));
        let twin_port = |other: &Port| other.name == port.name && other.address != port.address;
        let number = ports.iter().any(|other| same_client(other) && twin_port(other));
        let device = match &port.device {
            _ if !twin => Device::default(),
            Device { serial: Some(serial), .. }
                if !ports.iter().filter(named_alike).any(|other| {
                    !same_client(other) && other.device.serial.as_ref() == Some(serial)
                }) =>
            {
                Device { serial: Some(serial.clone()), ..Device::default() }
            }
            device => Device { path: device.path.clone(), ..Device::default() },
        };
        Self {
            client: port.client_name.clone(),
            port: port.name.clone(),
            number: number.then_some(port.address.port),
            device,
        }
    }

    /// Returns the selector as TOML.
    #[must_use]
    pub fn toml(&self) -> String {
        let mut out = format!("{{ client = {}", string(&self.client));
        for (key, value) in [("serial", &self.device.serial), ("path", &self.device.path)] {
            if let Some(value) = value {
                let _infallible = write!(out, ", {key} = {}", string(value));
            }
        }
        let _infallible = match self.number {
            Some(number) => write!(out, ", port = {number} }}"),
            None => write!(out, ", port = {} }}", string(&self.port)),
        };
        out
    }
}

/// Returns a text as a string of TOML.
#[must_use]
pub(crate) fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _infallible = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Returns a rule for a connection as it is, or one that forbids it.
#[must_use]
pub fn rule_of(from: &Exact, to: &Exact, forbid: bool, connection: Option<&Connection>) -> String {
    let mut out = format!("[[rule]]\nfrom = {}\nto = {}\n", from.toml(), to.toml());
    if forbid {
        out.push_str("forbid = true\n");
    }
    if let Some(connection) = connection {
        if connection.exclusive {
            out.push_str("exclusive = true\n");
        }
        if let Some(stamp) = connection.stamp {
            let kind = if stamp.real { "real" } else { "tick" };
            let _infallible = writeln!(out, "stamp = \"{kind}:{}\"", stamp.queue);
        }
    }
    out
}

/// Returns a file of these rules below a comment.
#[must_use]
pub fn file_of(comment: &str, rules: &[String]) -> String {
    let mut out = String::new();
    for line in comment.lines() {
        let _infallible = writeln!(out, "# {line}");
    }
    for rule in rules {
        out.push('\n');
        out.push_str(rule);
    }
    out
}
