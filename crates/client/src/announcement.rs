//! Announcements: clients, ports and connections that come and go.

use crate::SYSTEM_ANNOUNCE;
use crate::client::Client;
use crate::device_file::DeviceFile;
use crate::error::Result;
use aseqd_abi::seq::{Connect, PortCaps, PortType};
use aseqd_abi::{Address, Event, EventType};

/// A change that the sequencer announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Announcement {
    /// A client was opened.
    ClientStarted(u8),
    /// A client was closed.
    ClientExited(u8),
    /// A client's information changed: its name, for example.
    ClientChanged(u8),
    /// A port was created.
    PortStarted(Address),
    /// A port was deleted.
    PortExited(Address),
    /// A port's information changed.
    PortChanged(Address),
    /// Two ports were connected.
    Connected(Connect),
    /// Two ports were disconnected.
    Disconnected(Connect),
    /// What a client says of its UMP endpoint changed (protocol 1.0.5).
    EndpointChanged(u8),
    /// What a client says of a UMP block changed: the client, and the number of the block.
    BlockChanged(u8, u8),
}

impl Announcement {
    /// Returns what an event announces, if it is an announcement.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let (address, connect) = (event.data.address(), event.data.connect());
        Some(match event.event_type {
            EventType::CLIENT_START => Self::ClientStarted(address.client),
            EventType::CLIENT_EXIT => Self::ClientExited(address.client),
            EventType::CLIENT_CHANGE => Self::ClientChanged(address.client),
            EventType::PORT_START => Self::PortStarted(address),
            EventType::PORT_EXIT => Self::PortExited(address),
            EventType::PORT_CHANGE => Self::PortChanged(address),
            EventType::PORT_SUBSCRIBED => Self::Connected(connect),
            EventType::PORT_UNSUBSCRIBED => Self::Disconnected(connect),
            EventType::UMP_EP_CHANGE => Self::EndpointChanged(address.client),
            // The number of the block is where the port's is.
            EventType::UMP_BLOCK_CHANGE => Self::BlockChanged(address.client, address.port),
            _ => return None,
        })
    }
}

impl<F: DeviceFile> Client<F> {
    /// Creates a port that receives every announcement, and returns its address. Call this before listing what exists, so
    /// that nothing is missed in between. No other client can connect to the port.
    ///
    /// # Errors
    /// As [`Client::create_port`].
    pub fn hear_announcements(&self) -> Result<Address> {
        let caps = PortCaps::WRITE | PortCaps::NO_EXPORT;
        let port = self.create_port("announcements", caps, PortType::empty())?;
        self.connect(SYSTEM_ANNOUNCE, port)?;
        Ok(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::event::EventData;

    #[test]
    fn announcements_are_told_from_other_events() {
        let connect = Connect { sender: Address::new(1, 2), dest: Address::new(3, 4) };
        let data = EventData::from_connect(connect);
        let event = |event_type| Event { data, ..Event::direct(event_type) };
        let of = |event_type| Announcement::of(&event(event_type));
        assert_eq!(of(EventType::CLIENT_EXIT), Some(Announcement::ClientExited(1)));
        assert_eq!(of(EventType::PORT_START), Some(Announcement::PortStarted(connect.sender)));
        assert_eq!(of(EventType::PORT_SUBSCRIBED), Some(Announcement::Connected(connect)));
        assert_eq!(of(EventType::UMP_BLOCK_CHANGE), Some(Announcement::BlockChanged(1, 2)));
        assert_eq!(of(EventType::NOTEON), None);
    }
}
