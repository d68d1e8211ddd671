//! `aseqd ls --watch`: what comes, goes and changes.

use aseqd_abi::seq::PortCaps;
use aseqd_client::{Address, Client, Error, Port, printable};
use aseqd_host::error::Fail;
use std::collections::{BTreeMap, BTreeSet};

/// What there is at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// By client and number.
    ports: BTreeMap<(u8, u8), Port>,
    /// Connections from a port to another one, as client and number of both.
    connections: BTreeSet<[u8; 4]>,
}

/// A difference between two moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Added(Port),
    Removed(Port),
    /// Another name, or other capabilities: what it was, and what it is.
    Changed(Port, Port),
    Connected(Address, Address),
    Disconnected(Address, Address),
}

impl Snapshot {
    /// Asks for the ports that are wanted, and for their connections.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub(crate) fn take(client: &Client, wanted: &dyn Fn(&Port) -> bool) -> Result<Self, Error> {
        let mut snapshot = Self::default();
        for port in client.ports()? {
            let address = port.address;
            // This command's own port and connection are of no interest.
            if address.client == client.id() || !wanted(&port) {
                continue;
            }
            for peer in client.outgoing(address)? {
                if peer.addr.client != client.id() {
                    let (from, to) = (address, peer.addr);
                    snapshot.connections.insert([from.client, from.port, to.client, to.port]);
                }
            }
            // Those from ports that are not wanted.
            for peer in client.incoming(address)? {
                let (from, to) = (peer.addr, address);
                snapshot.connections.insert([from.client, from.port, to.client, to.port]);
            }
            snapshot.ports.insert((address.client, address.port), port);
        }
        Ok(snapshot)
    }

    /// Returns what has changed since an earlier moment: what went first, then what came. A number that another port has
    /// now, by the names of client and port both, is a port that went and one that came.
    pub(crate) fn since(&self, before: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let [gone, come] = [(before, self), (self, before)].map(|(these, those)| {
            let missing = these.connections.difference(&those.connections);
            missing
                .map(|[a, b, c, d]| (Address::new(*a, *b), Address::new(*c, *d)))
                .collect::<Vec<_>>()
        });
        changes.extend(gone.into_iter().map(|(from, to)| Change::Disconnected(from, to)));
        let replaced = |port: &Port, other: &Port| {
            port.client_name != other.client_name && port.name != other.name
        };
        for (key, port) in &before.ports {
            if self.ports.get(key).is_none_or(|now| replaced(now, port)) {
                changes.push(Change::Removed(port.clone()));
            }
        }
        for (key, port) in &self.ports {
            match before.ports.get(key) {
                Some(was) if was == port => {}
                Some(was) if !replaced(port, was) => {
                    changes.push(Change::Changed(was.clone(), port.clone()));
                }
                _ => changes.push(Change::Added(port.clone())),
            }
        }
        changes.extend(come.into_iter().map(|(from, to)| Change::Connected(from, to)));
        changes
    }
}

impl Change {
    /// Returns the change as a line, after a sign: `+` comes, `-` goes, `~` changes.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Added(port) => format!("+ {port}"),
            Self::Removed(port) => format!("- {port}"),
            Self::Changed(was, now) => {
                let names = (&was.client_name, &was.name) != (&now.client_name, &now.name);
                let before = match names {
                    true => {
                        format!("was {}: {}", printable(&was.client_name), printable(&was.name))
                    }
                    false => format!("capabilities {}", capabilities(now.caps).join(" ")),
                };
                format!("~ {now}, {before}")
            }
            Self::Connected(from, to) => format!("+ {from} -> {to}"),
            Self::Disconnected(from, to) => format!("- {from} -> {to}"),
        }
    }

    /// Returns the change as a JSON object.
    pub(crate) fn json(&self) -> serde_json::Value {
        let of = |change: &str, port: &Port| {
            serde_json::json!({
                "change": change, "port": port.address.to_string(), "client": port.address.client,
                "client_name": port.client_name, "port_name": port.name,
                "capabilities": capabilities(port.caps),
            })
        };
        let connection = |change: &str, from: &Address, to: &Address| {
            serde_json::json!({
                "change": change, "sender": from.to_string(), "receiver": to.to_string(),
            })
        };
        match self {
            Self::Added(port) => of("added", port),
            Self::Removed(port) => of("removed", port),
            Self::Changed(_, now) => of("changed", now),
            Self::Connected(from, to) => connection("connected", from, to),
            Self::Disconnected(from, to) => connection("disconnected", from, to),
        }
    }
}

fn capabilities(caps: PortCaps) -> Vec<String> {
    caps.iter_names().map(|(name, _)| name.to_ascii_lowercase()).collect()
}

/// Waits for announcements, and takes all that have come. Announcements that were lost do no harm: the caller looks at
/// everything again.
///
/// # Errors
/// If the sequencer has ended.
pub(crate) fn next_announcement(client: &Client) -> Result<(), Fail> {
    client.wait(None)?;
    loop {
        match client.read_event() {
            Ok(Some(_)) | Err(Error::EventsLost) => {}
            Ok(None) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(ports: &[(u8, &str, &str)], connections: &[[u8; 4]]) -> Snapshot {
        let port = |(client, client_name, name): &(u8, &str, &str)| {
            ((*client, 0), Port::new(Address::new(*client, 0), client_name, name))
        };
        Snapshot {
            ports: ports.iter().map(port).collect(),
            connections: connections.iter().copied().collect(),
        }
    }

    #[test]
    fn what_went_is_told_before_what_came() {
        let before = snapshot(&[(14, "Through", "0"), (128, "a", "x")], &[[14, 0, 128, 0]]);
        for (after, wanted) in [
            (before.clone(), &[][..]),
            (snapshot(&[(14, "Through", "0")], &[]), &["- 14:0 -> 128:0", "- 128:0 (a: x)"]),
            (
                snapshot(&[(14, "Through", "0"), (128, "a", "y")], &[[14, 0, 128, 0]]),
                &["~ 128:0 (a: y), was a: x"],
            ),
            // Another program has the number now.
            (
                snapshot(&[(14, "Through", "0"), (128, "b", "y")], &[[128, 0, 14, 0]]),
                &["- 14:0 -> 128:0", "- 128:0 (a: x)", "+ 128:0 (b: y)", "+ 128:0 -> 14:0"],
            ),
            (
                snapshot(
                    &[(14, "Through", "0"), (128, "a", "x"), (130, "n\u{1b}", "p")],
                    &[[14, 0, 128, 0], [130, 0, 14, 0]],
                ),
                &["+ 130:0 (n?: p)", "+ 130:0 -> 14:0"],
            ),
        ] {
            let lines: Vec<_> = after.since(&before).iter().map(Change::line).collect();
            assert_eq!(lines, wanted);
        }
    }

    #[test]
    fn every_field_of_a_change_is_documented() {
        let page = include_str!("../../../docs/output.md");
        let port = Port::new(Address::new(128, 0), "a", "x");
        for change in [
            Change::Added(port.clone()),
            Change::Removed(port.clone()),
            Change::Changed(port.clone(), port.clone()),
            Change::Connected(port.address, port.address),
            Change::Disconnected(port.address, port.address),
        ] {
            let json = change.json();
            let name = json["change"].as_str().expect("a name").to_owned();
            let fields = json.as_object().expect("an object").keys().cloned();
            for word in fields.chain([name]) {
                assert!(page.contains(&format!("`{word}`")), "{word} is documented");
            }
        }
    }
}
