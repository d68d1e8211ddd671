//! A port as people name it.

use crate::name::printable;
use aseqd_abi::Address;
use aseqd_abi::seq::{PortCaps, PortType};
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
