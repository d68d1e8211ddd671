//! Finds the ports that the arguments of commands mean. They know the aliases of the files of rules.

use crate::devices;
use crate::rule_files;
use aseqd_abi::Errno;
use aseqd_client::{Address, Client, Port, PortCaps, Selector, one, several};
use aseqd_host::error::{Fail, reason};
use aseqd_rules::Aliases;
use std::sync::OnceLock;

/// Returns the aliases of the files that `aseqd rules run` reads, which are read once. Files that cannot be read, and mistakes
/// in them, are no matter of a command that needs none of them: `aseqd rules check` tells them.
pub(crate) fn aliases() -> &'static Aliases {
    static ALIASES: OnceLock<Aliases> = OnceLock::new();
    ALIASES.get_or_init(|| {
        let loaded = rule_files::load_of(Vec::new());
        loaded.map(|loaded| loaded.rules.aliases()).unwrap_or_default()
    })
}

/// Returns the selector that an argument is.
///
/// # Errors
/// A message if the text is no selector, or there is no such alias.
pub(crate) fn selector(text: &str) -> Result<Selector, Fail> {
    let selector: Selector = text.parse().map_err(aseqd_client::Error::from)?;
    selector.resolve(aliases()).map_err(Fail::new)
}

/// Returns all ports, with their devices.
///
/// # Errors
/// If the sequencer has ended.
pub(crate) fn ports(client: &Client) -> Result<Vec<Port>, Fail> {
    let mut ports = client.ports()?;
    devices::add_to(&mut ports);
    Ok(ports)
}

/// Returns the ports of all other clients, with their devices.
fn other_ports(client: &Client) -> Result<Vec<Port>, Fail> {
    let mut ports = ports(client)?;
    ports.retain(|port| port.address.client != client.id());
    Ok(ports)
}

/// Returns the port that a text means, as [`Client::find_port_for`] does.
///
/// # Errors
/// A message if there is no such port or alias, if several are meant, or if the text is no selector.
pub(crate) fn port(client: &Client, text: &str, needs: PortCaps) -> Result<Address, Fail> {
    Ok(one(&selector(text)?, &ports(client)?, needs)?)
}

/// Returns every port that a text means, as [`Client::find_ports`] does.
///
/// # Errors
/// A message if there is no such port or alias, or if the text is no selector.
pub(crate) fn every_port(client: &Client, text: &str, needs: PortCaps) -> Result<Vec<Port>, Fail> {
    Ok(several(&selector(text)?, &other_ports(client)?, needs)?)
}

/// Returns every port that some texts mean, each once.
///
/// # Errors
/// As [`every_port`].
pub(crate) fn ports_of(
    client: &Client,
    texts: &[String],
    needs: PortCaps,
) -> Result<Vec<Port>, Fail> {
    let mut ports: Vec<Port> = Vec::new();
    for text in texts {
        for port in every_port(client, text, needs)? {
            if ports.iter().all(|known| known.address != port.address) {
                ports.push(port);
            }
        }
    }
    Ok(ports)
}

/// Returns in words why a command cannot be connected to a port that it has found.
pub(crate) fn refusal(error: &aseqd_client::Error) -> String {
    match error.errno() {
        Some(Errno::EPERM) => "it does not allow subscriptions".to_owned(),
        Some(Errno::EBUSY) => "another program has it exclusively".to_owned(),
        _ => reason(error),
    }
}

/// Returns every port that a selector means now, of other clients. There may be none.
///
/// # Errors
/// If the sequencer has ended.
pub(crate) fn found(client: &Client, selector: &Selector) -> Result<Vec<Port>, Fail> {
    let ports = other_ports(client)?;
    Ok(selector.all(&ports, PortCaps::empty()).into_iter().cloned().collect())
}

/// Returns the port that a selector means now, of another client, if there is one yet.
///
/// # Errors
/// A message if several are meant.
pub(crate) fn look_for(client: &Client, selector: &Selector) -> Result<Option<Address>, Fail> {
    let ports = other_ports(client)?;
    let found = selector.one(&ports, PortCaps::empty()).map_err(aseqd_client::Error::from)?;
    Ok(found.map(|port| port.address))
}
