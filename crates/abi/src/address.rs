//! Addresses: a client and one of its ports.

use crate::structs::abi_struct;
use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A client and one of its ports.
#[doc(alias = "snd_seq_addr")]
#[repr(C)]
#[derive(
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    KnownLayout,
    Immutable,
)]
pub struct Address {
    /// Client number.
    pub client: u8,
    /// Port number.
    pub port: u8,
}

impl Address {
    /// Returns the address of a client's port.
    #[must_use]
    pub const fn new(client: u8, port: u8) -> Self {
        Self { client, port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.client, self.port)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

abi_struct! {
    /// Sender and destination of a connection.
    #[doc(alias = "snd_seq_connect")]
    pub struct Connect {
        /// Where events come from.
        pub sender: Address,
        /// Where they go to.
        pub dest: Address,
    }
}
