//! Commands that others wait for by name.

use aseqd_client::{Client, PortCaps, PortType, Result};

/// The name of a client that is not ready. No script waits for it.
pub(crate) const STARTING: &str = "starting";

/// Gives a client its name, once its ports, queues and connections are there: `aseqd wait` then finds it ready.
///
/// # Errors
/// If the sequencer has ended.
pub(crate) fn announce(client: &Client, name: &str) -> Result<()> {
    client.set_name(name)?;
    // Linux before 6.5 does not announce a new name. A port is announced everywhere.
    let port = client.create_port("ready", PortCaps::NO_EXPORT, PortType::empty())?;
    client.delete_port(port)
}
