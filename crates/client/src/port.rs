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
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}: {})", self.address, printable(&self.client_name), printable(&self.name))
    }
}
