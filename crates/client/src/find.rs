//! Finds the port that a text means.

use crate::client::Client;
use crate::device_file::DeviceFile;
use crate::error::{Error, Result};
use crate::port::Port;
use aseqd_abi::Address;

impl<F: DeviceFile> Client<F> {
    /// Returns the address of the port that a text means: `128:0`, `128`, a client's name, or `name:port`, where the
    /// port is a number or a name. Without a port, the client's first one is meant. The name of a client may be cut
    /// short, if what is left means one port only.
    ///
    /// # Errors
    /// [`Error::NoPort`] if there is no such port, [`Error::AmbiguousPort`] if several are meant.
    pub fn find_port(&self, wanted: &str) -> Result<Address> {
        let ports = self.ports()?;
        let found = resolve(wanted, &ports)?;
        found.ok_or_else(|| Error::NoPort { wanted: wanted.to_owned(), ports })
    }

    /// Returns the port that a text means, as [`Client::find_port`] does, if there is such a port yet. Ports of this
    /// client do not count.
    ///
    /// # Errors
    /// [`Error::AmbiguousPort`] if several ports are meant.
    pub fn look_for_port(&self, wanted: &str) -> Result<Option<Address>> {
        let mut ports = self.ports()?;
        ports.retain(|port| port.address.client != self.id());
        resolve(wanted, &ports)
    }
}

/// Returns the port that a text means, if it exists.
fn resolve(wanted: &str, ports: &[Port]) -> Result<Option<Address>> {
    let ambiguous = |ports: Vec<Port>| Error::AmbiguousPort { wanted: wanted.to_owned(), ports };
    // An empty text, such as `"$PORT"` with a variable that is not set, begins every name.
    if wanted.is_empty() {
        return Err(ambiguous(ports.to_vec()));
    }
    let (client, port) = match wanted.split_once([':', '.']) {
        Some((client, port)) => (client, Some(port)),
        None => (wanted, None),
    };
    let of_client = |name: &str| -> Vec<&Port> {
        if let Ok(number) = name.parse::<u8>() {
            return ports.iter().filter(|port| port.address.client == number).collect();
        }
        let exact: Vec<_> = ports.iter().filter(|port| port.client_name == name).collect();
        if !exact.is_empty() {
            return exact;
        }
        ports.iter().filter(|port| port.client_name.starts_with(name)).collect()
    };
    let mut candidates = match port {
        Some(_) if client.is_empty() => Vec::new(),
        _ => of_client(client),
    };
    candidates.retain(|candidate| match port {
        None => true,
        Some(port) => match port.parse::<u8>() {
            Ok(number) => candidate.address.port == number,
            Err(_) => candidate.name == port,
        },
    });
    // The colon may belong to the client's name.
    let whole = port.is_none() || candidates.is_empty();
    if whole && port.is_some() {
        candidates = of_client(wanted);
    }
    // Without a port, the client's first one is meant.
    if whole {
        let mut seen = Vec::new();
        candidates.retain(|candidate| {
            let new = !seen.contains(&candidate.address.client);
            seen.push(candidate.address.client);
            new
        });
    }
    match candidates.as_slice() {
        [one] => Ok(Some(one.address)),
        [] => Ok(None),
        several => Err(ambiguous(several.iter().map(|port| (*port).clone()).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::seq::{PortCaps, PortType};

    fn ports() -> Vec<Port> {
        let port = |client, number, client_name: &str, name: &str| Port {
            address: Address::new(client, number),
            client_name: client_name.into(),
            name: name.into(),
            caps: PortCaps::empty(),
            port_type: PortType::empty(),
        };
        vec![
            port(0, 0, "System", "Timer"),
            port(0, 1, "System", "Announce"),
            port(14, 0, "Midi Through", "Midi Through Port-0"),
            port(128, 0, "synth", "in"),
            port(128, 1, "synth", "out"),
            port(129, 0, "synthesizer", "in"),
            port(130, 2, "odd: name", "x"),
        ]
    }

    #[track_caller]
    fn found(wanted: &str) -> Address {
        resolve(wanted, &ports()).unwrap().unwrap()
    }

    #[test]
    fn numbers_mean_client_and_port() {
        assert_eq!(found("128:1"), Address::new(128, 1));
        assert_eq!(found("0.1"), Address::new(0, 1));
        assert_eq!(found("128"), Address::new(128, 0));
        assert_eq!(found("130"), Address::new(130, 2), "the first port, whatever its number");
    }

    #[test]
    fn names_may_be_cut_and_whole_names_win() {
        assert_eq!(found("Midi"), Address::new(14, 0));
        assert_eq!(found("synth"), Address::new(128, 0));
        assert_eq!(found("synthe:0"), Address::new(129, 0));
        assert_eq!(found("synth:out"), Address::new(128, 1));
        assert_eq!(found("odd: name"), Address::new(130, 2));
    }

    #[test]
    fn what_does_not_exist_or_is_not_clear_is_said_with_what_exists() {
        let error = |wanted| resolve(wanted, &ports()).unwrap_err().to_string();
        assert_eq!(resolve("piano", &ports()).unwrap(), None);
        assert_eq!(resolve("128:7", &ports()).unwrap(), None);
        assert!(error("").starts_with("the name of the port is empty; there are 0:0 "));
        assert_eq!(
            error("synt"),
            "synt means more than one port; there are 128:0 (synth: in), 129:0 (synthesizer: in)"
        );
    }
}
