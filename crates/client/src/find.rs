//! Finds the ports that a text means.

use crate::client::Client;
use crate::device_file::DeviceFile;
use crate::error::{Error, Result};
use aseqd_abi::Address;
use aseqd_abi::seq::PortCaps;
use aseqd_selector::{Port, Selector};

/// Returns the address of the port that a selector means in a table of ports, for a table or a selector of your own.
///
/// # Errors
/// [`Error::NoPort`] if there is no such port, [`Error::AmbiguousPort`] if several are meant.
pub fn one(selector: &Selector, ports: &[Port], needs: PortCaps) -> Result<Address> {
    let found = selector.one(ports, needs)?.map(|port| port.address);
    found.ok_or_else(|| none(selector, ports))
}

/// Returns every port that a selector means in a table of ports, as [`Client::find_ports`] does.
///
/// # Errors
/// [`Error::NoPort`] if there is no such port.
pub fn several(selector: &Selector, ports: &[Port], needs: PortCaps) -> Result<Vec<Port>> {
    let found: Vec<_> = selector.all(ports, needs).into_iter().cloned().collect();
    if found.is_empty() { Err(none(selector, ports)) } else { Ok(found) }
}

fn none(selector: &Selector, ports: &[Port]) -> Error {
    Error::NoPort { wanted: selector.text().to_owned(), ports: ports.to_vec() }
}

impl<F: DeviceFile> Client<F> {
    /// Returns the address of the port that a text means: `128:0`, `128`, a client's name, or `name:port`, where the
    /// port is a number or a name. Without a port, the client's first one is meant. A part of a name is enough, in any
    /// case, if it means one port only. [`Selector`] has the whole list.
    ///
    /// # Errors
    /// [`Error::NoPort`] if there is no such port, [`Error::AmbiguousPort`] if several are meant,
    /// [`Error::BadSelector`] if the text is none.
    pub fn find_port(&self, wanted: &str) -> Result<Address> {
        self.find_port_for(wanted, PortCaps::empty())
    }

    /// Returns the address of the port that a text means, as [`Client::find_port`] does. Of ports that fit equally
    /// well, it is one that allows what `needs` says: `READ` and `SUBS_READ` for the sender of a connection.
    ///
    /// # Errors
    /// As [`Client::find_port`].
    pub fn find_port_for(&self, wanted: &str, needs: PortCaps) -> Result<Address> {
        one(&wanted.parse()?, &self.ports()?, needs)
    }

    /// Returns every port that a text means, for programs that take several: all ports of a client, of a class, or with
    /// a matching name. Of these, the ones that allow what `needs` says. Ports of this client do not count.
    ///
    /// # Errors
    /// [`Error::NoPort`] if there is no such port, [`Error::BadSelector`] if the text is none.
    pub fn find_ports(&self, wanted: &str, needs: PortCaps) -> Result<Vec<Port>> {
        several(&wanted.parse()?, &self.other_ports()?, needs)
    }

    /// Returns the port that a text means, as [`Client::find_port`] does, if there is such a port yet. Ports of this
    /// client do not count.
    ///
    /// # Errors
    /// [`Error::AmbiguousPort`] if several ports are meant, [`Error::BadSelector`] if the text is no selector.
    pub fn look_for_port(&self, wanted: &str) -> Result<Option<Address>> {
        let selector: Selector = wanted.parse()?;
        Ok(selector.one(&self.other_ports()?, PortCaps::empty())?.map(|port| port.address))
    }

    /// Returns the ports of all other clients.
    fn other_ports(&self) -> Result<Vec<Port>> {
        let mut ports = self.ports()?;
        ports.retain(|port| port.address.client != self.id());
        Ok(ports)
    }
}
