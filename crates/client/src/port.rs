//! A port as people name it.

use crate::name::printable;
use aseqd_abi::Address;
use aseqd_abi::seq::{PortCaps, PortType};
use aseqd_host::error::Fail;
use std::fmt;

/// A port that exists, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Client and port number.
    pub address: Address,
    /// Name of the client.
    pub client_name: String,
    /// Name of the port.
    pub name: String,
    /// What it allows.
    pub caps: PortCaps,
    /// What it is.
    pub port_type: PortType,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}: {})", self.address, printable(&self.client_name), printable(&self.name))
    }
}

/// Finds the port that a text means; none if it does not exist.
pub(crate) fn resolve(wanted: &str, ports: &[Port]) -> Result<Option<Address>, Fail> {
    // As of `"$PORT"` where the variable is not set: every name begins with it.
    if wanted.is_empty() {
        return Err(Fail::new(format!("the name of the port is empty; {}", list(ports))));
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
    // A colon may be part of a client's name.
    let whole = port.is_none() || candidates.is_empty();
    if whole && port.is_some() {
        candidates = of_client(wanted);
    }
    // Without a port the client's first one is meant.
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
        several => {
            let several: Vec<_> = several.iter().map(|port| (*port).clone()).collect();
            Err(Fail::new(format!("{wanted} means more than one port; {}", list(&several))))
        }
    }
}

pub(crate) fn list(ports: &[Port]) -> String {
    match ports {
        [] => "no port exists".to_owned(),
        ports => {
            let names: Vec<_> = ports.iter().map(Port::to_string).collect();
            format!("there are {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(list(&ports()).starts_with("there are 0:0 (System: Timer), "));
        assert!(error("").starts_with("the name of the port is empty; there are 0:0 "));
        assert_eq!(
            error("synt"),
            "synt means more than one port; there are 128:0 (synth: in), 129:0 (synthesizer: in)"
        );
    }
}
