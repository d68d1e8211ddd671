//! The ports of all clients, and those of this one.

use crate::client::Client;
use crate::device_file::DeviceFile;
use crate::error::{Error, Result};
use crate::name::{name_field, text};
use aseqd_abi::Address;
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{ClientInfo, KERNEL_CLIENT, PortCaps, PortFlags, PortInfo, PortType};
use aseqd_selector::Port;

/// Returns a port with everything by which it can be named, except for the properties of its device, which the sequencer
/// does not know.
#[must_use]
pub fn described(client: &ClientInfo, info: &PortInfo) -> Port {
    let mut port = Port::new(info.addr, &text(&client.name), &text(&info.name));
    port.caps = PortCaps::from_bits_retain(info.capability);
    port.port_type = PortType::from_bits_retain(info.port_type);
    port.of_kernel = client.client_type == KERNEL_CLIENT;
    // A client without a card has the number -1.
    port.card = u32::try_from(client.card).ok();
    port
}

/// Returns the number of a client. Its field is wider.
#[must_use]
pub fn client_number(info: &ClientInfo) -> u8 {
    u8::try_from(info.client).unwrap_or(u8::MAX)
}

impl<F: DeviceFile> Client<F> {
    /// Returns every port of the sequencer, those of this client included, by client and number.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn ports(&self) -> Result<Vec<Port>> {
        let mut all = Vec::new();
        for client in self.clients()? {
            // One that has ended meanwhile has taken its ports with it.
            let Some((client, ports)) = self.info_and_ports(client_number(&client))? else {
                continue;
            };
            all.extend(ports.iter().map(|port| described(&client, port)));
        }
        Ok(all)
    }

    /// Returns the information of a client and of every port of it, if the client exists.
    ///
    /// That takes several questions, and the client may change between them. A program names its client and then makes
    /// its ports, so the name is asked for after the ports: a port that is there has the name of its client.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn info_and_ports(&self, client: u8) -> Result<Option<(ClientInfo, Vec<PortInfo>)>> {
        let ports = self.ports_of(client)?;
        Ok(self.info(client)?.map(|info| (info, ports)))
    }

    /// Returns the information of every port of a client, in the order of their numbers. A client that does not exist
    /// has none.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn ports_of(&self, client: u8) -> Result<Vec<PortInfo>> {
        let mut ports = Vec::new();
        // The number before 0, since the next one is asked for.
        let mut addr = Address::new(client, u8::MAX);
        let what = "ports cannot be listed";
        while let Some(info) =
            self.get(request::QUERY_NEXT_PORT, PortInfo { addr, ..PortInfo::default() }, what)?
        {
            ports.push(info);
            addr = info.addr;
            if addr.port == u8::MAX {
                break;
            }
        }
        Ok(ports)
    }

    /// Returns the information of a port, if it exists.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn port_info(&self, port: Address) -> Result<Option<PortInfo>> {
        let info = PortInfo { addr: port, ..PortInfo::default() };
        self.get(request::GET_PORT_INFO, info, "ports cannot be asked")
    }

    /// Creates a port of this client with 16 MIDI channels, and returns its address.
    ///
    /// # Errors
    /// `ENOMEM` if the client has as many ports as it can have.
    pub fn create_port(&self, name: &str, caps: PortCaps, port_type: PortType) -> Result<Address> {
        let info = PortInfo {
            name: name_field(name),
            capability: caps.bits(),
            port_type: port_type.bits(),
            midi_channels: 16,
            ..PortInfo::default()
        };
        self.create_port_from(&info).map(|info| info.addr)
    }

    /// Creates a port of this client with everything that a port can have, such as a queue that stamps the events that
    /// arrive. Returns the port's information. The sequencer chooses the number, unless `flags` has
    /// [`PortFlags::GIVEN_PORT`].
    ///
    /// # Errors
    /// `ENOMEM` if the client has as many ports as it can have, `EBUSY` if it has a port with the given number.
    pub fn create_port_from(&self, info: &PortInfo) -> Result<PortInfo> {
        let given = PortFlags::from_bits_retain(info.flags).contains(PortFlags::GIVEN_PORT);
        let number = if given { info.addr.port } else { 0 };
        let mut info = PortInfo { addr: Address::new(self.id(), number), ..*info };
        let created = self.ioctl(request::CREATE_PORT, &mut info);
        created.map_err(Error::of("a port cannot be created"))?;
        Ok(info)
    }

    /// Changes a port of this client. Start from what [`Client::port_info`] returns.
    ///
    /// # Errors
    /// `EPERM` for a port of another client.
    pub fn set_port_info(&self, info: &PortInfo) -> Result<()> {
        self.set(request::SET_PORT_INFO, info, "a port cannot be changed")
    }

    /// Deletes a port of this client, with its connections.
    ///
    /// # Errors
    /// `ENOENT` if there is no such port, `EPERM` if it is another client's.
    pub fn delete_port(&self, port: Address) -> Result<()> {
        let info = PortInfo { addr: port, ..PortInfo::default() };
        self.set(request::DELETE_PORT, &info, "a port cannot be deleted")
    }
}
