//! Connections between ports.

use crate::client::Client;
use crate::device_file::DeviceFile;
use crate::error::Result;
use aseqd_abi::Address;
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{PortSubscribe, QUERY_SUBS_READ, QUERY_SUBS_WRITE, QuerySubs};

impl<F: DeviceFile> Client<F> {
    /// Connects two ports: what `sender` sends to its subscribers arrives at `dest`. The ports may belong to other
    /// clients, if they allow it.
    ///
    /// # Errors
    /// As [`Client::subscribe`].
    pub fn connect(&self, sender: Address, dest: Address) -> Result<()> {
        self.subscribe(&PortSubscribe { sender, dest, ..PortSubscribe::default() })
    }

    /// Connects two ports with attributes: exclusively, or with a queue that stamps the events with its time. Stamped
    /// events carry it in [`Event::time`](aseqd_abi::Event::time).
    ///
    /// ```no_run
    /// use aseqd_client::aseqd_abi::seq::{PortSubscribe, SubscriptionFlags};
    /// # use aseqd_client::{Address, Client};
    /// # fn stamp(client: &Client, sender: Address, dest: Address, queue: u8) -> aseqd_client::Result<()> {
    /// let flags = SubscriptionFlags::TIMESTAMP | SubscriptionFlags::TIME_REAL;
    /// client.subscribe(&PortSubscribe { sender, dest, queue, flags: flags.bits(), ..PortSubscribe::default() })
    /// # }
    /// ```
    ///
    /// # Errors
    /// `EPERM` if a port does not allow it, `EBUSY` if they are connected already or another connection is exclusive,
    /// `EINVAL` if a port does not exist.
    pub fn subscribe(&self, subscription: &PortSubscribe) -> Result<()> {
        self.set(request::SUBSCRIBE_PORT, subscription, "ports cannot be connected")
    }

    /// Disconnects two ports.
    ///
    /// # Errors
    /// As [`Client::unsubscribe`].
    pub fn disconnect(&self, sender: Address, dest: Address) -> Result<()> {
        self.unsubscribe(&PortSubscribe { sender, dest, ..PortSubscribe::default() })
    }

    /// Disconnects two ports that are connected with these attributes.
    ///
    /// # Errors
    /// `ENOENT` if they are not connected, `EPERM` if a port does not allow it, `EINVAL` if a port does not exist.
    pub fn unsubscribe(&self, subscription: &PortSubscribe) -> Result<()> {
        self.set(request::UNSUBSCRIBE_PORT, subscription, "ports cannot be disconnected")
    }

    /// Returns the connection between two ports, if they are connected.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn subscription(&self, sender: Address, dest: Address) -> Result<Option<PortSubscribe>> {
        let wanted = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        self.get(request::GET_SUBSCRIPTION, wanted, "connections cannot be asked")
    }

    /// Returns the connections by which events leave a port.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn outgoing(&self, port: Address) -> Result<Vec<QuerySubs>> {
        self.subscriptions(port, QUERY_SUBS_READ)
    }

    /// Returns the connections by which events arrive at a port.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn incoming(&self, port: Address) -> Result<Vec<QuerySubs>> {
        self.subscriptions(port, QUERY_SUBS_WRITE)
    }

    fn subscriptions(&self, root: Address, query_type: i32) -> Result<Vec<QuerySubs>> {
        let mut all = Vec::new();
        for index in 0.. {
            let query = QuerySubs { root, query_type, index, ..QuerySubs::default() };
            let found = self.get(request::QUERY_SUBS, query, "connections cannot be listed")?;
            let Some(found) = found else { break };
            all.push(found);
        }
        Ok(all)
    }
}
