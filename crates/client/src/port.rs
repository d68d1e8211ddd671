//! A port as people name it.

use crate::name::printable;
use aseqd_abi::Address;
use aseqd_abi::seq::{PortCaps, PortType};
use std::fmt;

/// A port with its names.
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
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}: {})", self.address, printable(&self.client_name), printable(&self.name))
    }
}
