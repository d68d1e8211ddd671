//! A client that uses Midi Through, whose port is everybody's.

use super::{Client, THROUGH};
use crate::case::skip;
use aseqd_abi::Address;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortSubscribe, QUERY_SUBS_READ, QUERY_SUBS_WRITE, QuerySubs};

/// A client whose connections to Midi Through end with it, also if a case fails.
#[derive(Debug)]
pub(crate) struct Through {
    /// The client.
    pub client: Client,
    made: Vec<PortSubscribe>,
}

impl Through {
    /// Opens a client with one port. Skips the case if somebody else uses Midi Through.
    pub(crate) fn new() -> Self {
        let client = Client::with_port();
        if client.port_info(THROUGH).is_err() {
            skip("there is no Midi Through");
        }
        for query_type in [QUERY_SUBS_READ, QUERY_SUBS_WRITE] {
            let query = QuerySubs { root: THROUGH, query_type, ..QuerySubs::default() };
            if client.query(s::QUERY_SUBS, query).is_ok() {
                skip("Midi Through is in use");
            }
        }
        Self { client, made: Vec::new() }
    }

    /// Opens a client with one port that reads what Midi Through sends.
    pub(crate) fn heard() -> Self {
        let mut through = Self::new();
        let port = through.client.port(0);
        through.connect(THROUGH, port, 0);
        through
    }

    /// Makes a connection, which ends with this value.
    pub(crate) fn connect(&mut self, sender: Address, dest: Address, flags: u32) {
        let subscription =
            PortSubscribe { sender, dest, flags, queue: 99, ..PortSubscribe::default() };
        assert_eq!(self.client.query(s::SUBSCRIBE_PORT, subscription).map(drop), Ok(()));
        self.made.push(subscription);
    }
}

impl Drop for Through {
    fn drop(&mut self) {
        for subscription in &self.made {
            let _gone = self.client.query(s::UNSUBSCRIBE_PORT, *subscription);
        }
    }
}
