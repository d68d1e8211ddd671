//! Live names of ports, for the completion of a shell.

use aseqd_client::{Client, DEVICE, Port, PortCaps, Selector, printable};
use aseqd_rules::Aliases;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use std::ffi::OsStr;
use std::path::PathBuf;

/// Ports that others can subscribe to read from.
pub(crate) const SENDER: PortCaps = PortCaps::READ.union(PortCaps::SUBS_READ);
/// Ports that others can subscribe to write to.
pub(crate) const RECEIVER: PortCaps = PortCaps::WRITE.union(PortCaps::SUBS_WRITE);

/// The classes of ports that a selector may name.
const CLASSES: [(&str, &str); 5] = [
    (".hw", "all ports of devices"),
    (".app", "all ports of programs"),
    (".in", "all ports that events come from"),
    (".out", "all ports that events go to"),
    (".all", "all ports but those of the System client"),
];

/// Returns a completer for the argument that names a port.
pub(crate) fn any_port() -> ArgValueCompleter {
    completer(PortCaps::empty())
}

/// Returns a completer for a port that sends.
pub(crate) fn senders() -> ArgValueCompleter {
    completer(SENDER)
}

/// Returns a completer for a port that others can be connected to.
pub(crate) fn receivers() -> ArgValueCompleter {
    completer(RECEIVER)
}

/// Returns a completer for a port that takes events without a connection.
pub(crate) fn writable() -> ArgValueCompleter {
    completer(PortCaps::WRITE)
}

fn completer(needs: PortCaps) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        // Shells pass what was typed, with the quotes that a space needs.
        let typed = current.to_string_lossy().replace('\\', "");
        let typed = typed.trim_start_matches(['\'', '"']);
        let mut candidates = candidates(typed, &live(), needs);
        candidates.extend(alias_candidates(typed, crate::select::aliases()));
        let candidate = |(value, help): (String, String)| {
            CompletionCandidate::new(value).help(Some(help.into()))
        };
        candidates.into_iter().map(candidate).collect::<Vec<_>>()
    })
}

/// Returns the aliases that may be meant by the beginning of one, each with what it means. Whether such a port is there is
/// seen by whoever uses it.
fn alias_candidates(current: &str, aliases: &Aliases) -> Vec<(String, String)> {
    let (mark, name) = match current.strip_prefix('@') {
        Some(name) => ("@", name),
        None => ("", current),
    };
    let begins = |(alias, _): &(&String, &Selector)| alias.starts_with(name);
    let found = aliases.iter().filter(begins);
    let candidate = |(alias, meant): (&String, &Selector)| {
        (format!("{mark}{alias}"), format!("alias: {}", printable(meant.text())))
    };
    found.map(candidate).collect()
}

/// Returns the ports of the sequencer that a command without `--device` talks to. Without a sequencer there are none: a
/// shell that completes has no place for an error.
fn live() -> Vec<Port> {
    let named = std::env::var_os("ASEQD_DEVICE").filter(|path| !path.is_empty());
    let device = named.map_or_else(|| DEVICE.into(), PathBuf::from);
    let client = Client::open(device, "aseqd completion");
    client.and_then(|client| client.ports()).unwrap_or_default()
}

/// Returns the words that may be meant by the beginning of one, each with what it stands for.
fn candidates(current: &str, ports: &[Port], needs: PortCaps) -> Vec<(String, String)> {
    let begins = |word: &str| {
        let mut letters = word.chars().flat_map(char::to_lowercase);
        current.chars().flat_map(char::to_lowercase).all(|letter| letters.next() == Some(letter))
    };
    let mut found: Vec<(String, String)> = Vec::new();
    // Nobody can type a control character, and in a shell's list they could do harm.
    let clean = |name: &str| printable(name) == name && !name.is_empty();
    let suits = |port: &&Port| port.caps.contains(needs);
    for port in ports.iter().filter(suits) {
        let names = format!("{}: {}", printable(&port.client_name), printable(&port.name));
        let address = port.address.to_string();
        if begins(&address) {
            found.push((address, names.clone()));
        }
        if !clean(&port.client_name) {
            continue;
        }
        let whole = format!("{}:{}", port.client_name, port.name);
        let known = found.iter().any(|(value, _)| *value == port.client_name);
        if begins(&port.client_name) && !known {
            found.push((port.client_name.clone(), format!("client {}", port.address.client)));
        } else if begins(&whole) && current.contains(':') && clean(&port.name) {
            found.push((whole, port.address.to_string()));
        }
    }
    if current.starts_with('.') {
        let classes = CLASSES.iter().filter(|(class, _)| begins(class));
        found.extend(classes.map(|(class, help)| ((*class).to_owned(), (*help).to_owned())));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_client::Address;

    fn port(client: u8, number: u8, client_name: &str, name: &str, caps: PortCaps) -> Port {
        let mut port = Port::new(Address::new(client, number), client_name, name);
        port.caps = caps;
        port
    }

    fn words(current: &str, needs: PortCaps) -> Vec<String> {
        let both = SENDER | RECEIVER;
        let ports = [
            port(14, 0, "Midi Through", "Midi Through Port-0", both),
            port(128, 0, "synth", "in", RECEIVER),
            port(128, 1, "synth", "out", SENDER),
            port(129, 0, "bad\u{1b}name", "in", RECEIVER),
        ];
        candidates(current, &ports, needs).into_iter().map(|(word, _)| word).collect()
    }

    #[test]
    fn aliases_are_completed_with_and_without_their_mark() {
        let aliases = ["keys", "kit", "pads"]
            .map(|name| (name.to_owned(), name.parse::<Selector>().expect("a selector")));
        let aliases: Aliases = aliases.into_iter().collect();
        let words = |current| {
            let found = alias_candidates(current, &aliases);
            found.into_iter().map(|(word, _)| word).collect::<Vec<_>>()
        };
        assert_eq!(words("k"), ["keys", "kit"]);
        assert_eq!(words("@p"), ["@pads"]);
        assert_eq!(words("x"), [""; 0]);
    }

    #[test]
    fn ports_are_completed_by_address_and_by_name() {
        let any = PortCaps::empty();
        for (current, needs, wanted) in [
            ("1", any, &["14:0", "128:0", "128:1", "129:0"][..]),
            ("128:", SENDER, &["128:1"]),
            ("m", any, &["Midi Through"]),
            ("S", RECEIVER, &["synth"]),
            ("synth:", any, &["synth:in", "synth:out"]),
            ("synth:o", any, &["synth:out"]),
            ("synth:o", RECEIVER, &[]),
            ("bad", any, &[]),
            ("x", any, &[]),
            (".", any, &[".hw", ".app", ".in", ".out", ".all"]),
            (".a", any, &[".app", ".all"]),
        ] {
            assert_eq!(words(current, needs), wanted, "{current}");
        }
        assert_eq!(
            words("", any),
            ["14:0", "Midi Through", "128:0", "synth", "128:1", "129:0"],
            "nothing typed yet"
        );
    }
}
