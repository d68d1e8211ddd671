//! `aseqd ls --watch`: what comes, goes and changes.

use aseqd_abi::seq::PortCaps;
use aseqd_client::{Address, Announcement, Client, Error, Port, printable};
use std::collections::{BTreeMap, BTreeSet};

/// How many looks are taken, at most, while announcements come during each. A look takes about a millisecond, and plugging
/// in a device some ten announcements. Without a limit, a program that changes something all the time would leave the
/// command silent for ever.
const MOST_LOOKS: u32 = 50;

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
    /// Asks for the connections of these ports. Ports and connections of the client that asks are of no interest.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub(crate) fn of<'a>(
        client: &Client,
        ports: impl Iterator<Item = &'a Port>,
    ) -> Result<Self, Error> {
        let mut snapshot = Self::default();
        for port in ports.filter(|port| port.address.client != client.id()) {
            let address = port.address;
            let to = client.outgoing(address)?.into_iter().map(|peer| (address, peer.addr));
            // Those from ports that are not wanted.
            let from = client.incoming(address)?.into_iter().map(|peer| (peer.addr, address));
            for (from, to) in to.chain(from) {
                if from.client != client.id() && to.client != client.id() {
                    snapshot.connections.insert([from.client, from.port, to.client, to.port]);
                }
            }
            snapshot.ports.insert((address.client, address.port), port.clone());
        }
        Ok(snapshot)
    }

    /// Returns what has changed since an earlier moment: what went first, then what came. A number whose port has gone
    /// meanwhile, or that another port has now by the names of client and port both, is a port that went and one that
    /// came, with all connections.
    pub(crate) fn since(&self, before: &Self, gone: &Gone) -> Vec<Change> {
        let mut changes = Vec::new();
        let replaced = |port: &Port, other: &Port| {
            gone.has(port.address)
                || port.client_name != other.client_name && port.name != other.name
        };
        let is_other = |key: (u8, u8)| {
            let (was, is) = (before.ports.get(&key), self.ports.get(&key));
            was.zip(is).is_some_and(|(was, is)| replaced(is, was))
        };
        let [gone, come] = [(before, self), (self, before)].map(|(these, those)| {
            let missing = |[a, b, c, d]: &&[u8; 4]| {
                !those.connections.contains(&[*a, *b, *c, *d])
                    || is_other((*a, *b))
                    || is_other((*c, *d))
            };
            let missing = these.connections.iter().filter(missing);
            missing
                .map(|[a, b, c, d]| (Address::new(*a, *b), Address::new(*c, *d)))
                .collect::<Vec<_>>()
        });
        changes.extend(gone.into_iter().map(|(from, to)| Change::Disconnected(from, to)));
        for (key, port) in &before.ports {
            if self.ports.get(key).is_none_or(|now| replaced(now, port)) {
                changes.push(Change::Removed(port.clone()));
            }
        }
        for (key, port) in &self.ports {
            match before.ports.get(key) {
                Some(was) if !replaced(port, was) => {
                    if was != port {
                        changes.push(Change::Changed(was.clone(), port.clone()));
                    }
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

/// The ports that have gone since a moment, by announcements: a port with the same number may have come since then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gone {
    ports: BTreeSet<(u8, u8)>,
    /// All ports of these.
    clients: BTreeSet<u8>,
}

impl Gone {
    /// Takes an announcement.
    fn note(&mut self, announced: Announcement) {
        match announced {
            Announcement::PortExited(port) => {
                self.ports.insert((port.client, port.port));
            }
            Announcement::ClientExited(client) => {
                self.clients.insert(client);
            }
            _ => {}
        }
    }

    fn has(&self, port: Address) -> bool {
        self.ports.contains(&(port.client, port.port)) || self.clients.contains(&port.client)
    }
}

/// Reads all announcements that have come, and notes which ports have gone. Returns whether there was one. Announcements
/// that were lost count as one.
///
/// # Errors
/// If the sequencer has ended.
pub(crate) fn heard(client: &Client, gone: &mut Gone) -> Result<bool, Error> {
    let mut any = false;
    loop {
        match client.read_event() {
            Ok(Some((event, _))) => {
                if let Some(announced) = Announcement::of(&event) {
                    gone.note(announced);
                }
            }
            Err(Error::EventsLost) => {}
            Ok(None) => return Ok(any),
            Err(error) => return Err(error),
        }
        any = true;
    }
}

/// Looks until nothing was announced during a look, and returns that look. A look takes several questions: what changes
/// between two of them would be seen by half.
///
/// # Errors
/// Those of looking and of listening.
pub(crate) fn settled<T, E: From<Error>>(
    mut look: impl FnMut() -> Result<T, E>,
    heard: &mut impl FnMut() -> Result<bool, Error>,
) -> Result<T, E> {
    let mut looks = 1;
    loop {
        let seen = look()?;
        if !heard()? || looks == MOST_LOOKS {
            return Ok(seen);
        }
        looks += 1;
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
            let lines: Vec<_> =
                after.since(&before, &Gone::default()).iter().map(Change::line).collect();
            assert_eq!(lines, wanted);
        }
    }

    #[test]
    fn a_port_that_went_and_came_again_is_another_one() {
        let same = snapshot(&[(14, "Through", "0"), (128, "a", "x")], &[[14, 0, 128, 0]]);
        let again = ["- 14:0 -> 128:0", "- 128:0 (a: x)", "+ 128:0 (a: x)", "+ 14:0 -> 128:0"];
        for (announced, wanted) in [
            (Announcement::PortExited(Address::new(128, 0)), &again[..]),
            (Announcement::ClientExited(128), &again),
            (Announcement::PortExited(Address::new(128, 1)), &[]),
            (Announcement::PortStarted(Address::new(128, 0)), &[]),
            (Announcement::ClientChanged(128), &[]),
        ] {
            let mut gone = Gone::default();
            gone.note(announced);
            let lines: Vec<_> = same.since(&same, &gone).iter().map(Change::line).collect();
            assert_eq!(lines, wanted, "{announced:?}");
        }
        // A port that is new in any case came once.
        let mut gone = Gone::default();
        gone.note(Announcement::ClientExited(128));
        let before = snapshot(&[(14, "Through", "0")], &[]);
        let lines: Vec<_> = same.since(&before, &gone).iter().map(Change::line).collect();
        assert_eq!(lines, ["+ 128:0 (a: x)", "+ 14:0 -> 128:0"]);
    }

    /// Between the questions of a look, a program comes, names its client and makes a port.
    #[test]
    fn a_look_during_which_something_was_announced_does_not_count() {
        let looks = [
            snapshot(&[(128, "Client-128", "x")], &[]),
            snapshot(&[(128, "a", "x")], &[]),
            snapshot(&[(128, "a", "x")], &[[128, 0, 14, 0]]),
            snapshot(&[], &[]),
        ];
        let mut next = looks.iter().cloned();
        let mut announced = [true, true, false, false].into_iter();
        let settled_look = settled(|| next.next().ok_or(Error::EventsLost), &mut || {
            announced.next().ok_or(Error::EventsLost)
        });
        assert_eq!(settled_look, Ok(looks[2].clone()));
    }

    #[test]
    fn a_sequencer_that_never_rests_is_seen_all_the_same() {
        let mut looks = 0;
        let look = || {
            looks += 1;
            Ok::<_, Error>(looks)
        };
        assert_eq!(settled(look, &mut || Ok(true)), Ok(MOST_LOOKS));
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
