//! Looks at a sequencer: its ports with their devices, and its connections.

use aseqd_abi::Address;
use aseqd_abi::seq::{ClientInfo, KERNEL_CLIENT, PortCaps, PortType, QuerySubs, SubscriptionFlags};
use aseqd_client::{Client, DeviceFile, Result, text};
use aseqd_rules::{Connection, Device, Port, Snapshot, Stamp};
use std::path::{Path, PathBuf};

/// Where the kernel describes its devices.
const SYSFS: &str = "/sys";

/// What there is, and which clients.
pub(super) struct Look {
    /// The ports of others, and all connections.
    pub(super) snapshot: Snapshot,
    /// All clients.
    pub(super) clients: Vec<ClientInfo>,
}

/// Looks at everything but the ports of these clients, which are our own.
pub(super) fn look<F: DeviceFile>(client: &Client<F>, own: &[u8]) -> Result<Look> {
    let clients = client.clients()?;
    let mut snapshot = Snapshot::default();
    for info in &clients {
        let ports = ports_of(client, info)?;
        for port in &ports {
            let outgoing = client.outgoing(port.address)?;
            snapshot.connections.extend(outgoing.iter().map(|peer| connection(port.address, peer)));
        }
        if !own.iter().any(|number| info.client == i32::from(*number)) {
            snapshot.ports.extend(ports);
        }
    }
    Ok(Look { snapshot, clients })
}

/// Looks at one client alone, and puts what it is now in the place of what it was. Of connections, those of these ports
/// are looked at, which are new.
pub(super) fn look_at<F: DeviceFile>(
    client: &Client<F>,
    number: u8,
    new: &[Address],
    snapshot: &mut Snapshot,
) -> Result<()> {
    let ports = match client.info(number)? {
        Some(info) => ports_of(client, &info)?,
        None => Vec::new(),
    };
    let is_gone = |address: Address| {
        let known = ports.iter().any(|port| port.address == address);
        address.client == number && (!known || new.contains(&address))
    };
    snapshot.connections.retain(|one| !is_gone(one.sender) && !is_gone(one.dest));
    for port in ports.iter().map(|port| port.address).filter(|port| new.contains(port)) {
        let outgoing = client.outgoing(port)?;
        snapshot.connections.extend(outgoing.iter().map(|peer| connection(port, peer)));
        for peer in client.incoming(port)? {
            snapshot.connections.push(Connection {
                sender: peer.addr,
                dest: port,
                ..connection(peer.addr, &peer)
            });
        }
    }
    snapshot.ports.retain(|port| port.address.client != number);
    snapshot.ports.extend(ports);
    snapshot.ports.sort_by_key(|port| port.address);
    Ok(())
}

fn ports_of<F: DeviceFile>(client: &Client<F>, info: &ClientInfo) -> Result<Vec<Port>> {
    let number = u8::try_from(info.client).unwrap_or(u8::MAX);
    let device = device_of_card(info.card);
    let ports = client.ports_of(number)?;
    let port = |port: &aseqd_abi::seq::PortInfo| Port {
        address: port.addr,
        client_name: text(&info.name),
        name: text(&port.name),
        caps: PortCaps::from_bits_retain(port.capability),
        port_type: PortType::from_bits_retain(port.port_type),
        kernel: info.client_type == KERNEL_CLIENT,
        device: device.clone(),
    };
    Ok(ports.iter().map(port).collect())
}

fn connection(sender: Address, peer: &QuerySubs) -> Connection {
    let flags = SubscriptionFlags::from_bits_retain(peer.flags);
    let stamp = Stamp { queue: peer.queue, real: flags.contains(SubscriptionFlags::TIME_REAL) };
    Connection {
        sender,
        dest: peer.addr,
        exclusive: flags.contains(SubscriptionFlags::EXCLUSIVE),
        stamp: flags.contains(SubscriptionFlags::TIMESTAMP).then_some(stamp),
    }
}

/// Returns what the kernel says of the device behind a sound card. A client without a card has the number -1.
#[must_use]
pub fn device_of_card(card: i32) -> Device {
    device(Path::new(SYSFS), card)
}

/// Returns what sysfs says of the device behind a sound card. A client without a card has the number -1.
fn device(sysfs: &Path, card: i32) -> Device {
    if card < 0 {
        return Device::default();
    }
    let place = sysfs.join(format!("class/sound/card{card}/device"));
    let Ok(place) = place.canonicalize() else { return Device::default() };
    let read = |folder: &Path, file: &str| {
        let text = std::fs::read_to_string(folder.join(file)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    // The card is one of an interface; the folder above is the USB device.
    let usb = place.ancestors().take(3).find(|folder| folder.join("idVendor").exists());
    let name = |folder: &Path| folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let Some(usb): Option<PathBuf> = usb.map(Path::to_owned) else {
        return Device { path: name(&place), ..Device::default() };
    };
    let id = read(&usb, "idVendor").zip(read(&usb, "idProduct"));
    Device {
        usb: id.map(|(vendor, product)| format!("{vendor}:{product}").to_lowercase()),
        serial: read(&usb, "serial"),
        path: name(&usb),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_card_is_told_by_its_usb_device() {
        let sysfs = tempfile::tempdir().expect("a folder");
        let usb = sysfs.path().join("devices/pci0000:00/usb1/1-2.3");
        fs::create_dir_all(usb.join("1-2.3:1.0")).expect("folders");
        for (file, text) in [("idVendor", "0582\n"), ("idProduct", "012A\n"), ("serial", "X 1\n")] {
            fs::write(usb.join(file), text).expect("a file");
        }
        let pci = sysfs.path().join("devices/pci0000:00/0000:00:1f.3");
        fs::create_dir_all(&pci).expect("a folder");
        for (card, device) in [("card0", &pci), ("card2", &usb.join("1-2.3:1.0"))] {
            let card = sysfs.path().join("class/sound").join(card);
            fs::create_dir_all(&card).expect("a folder");
            symlink(device, card.join("device")).expect("a link");
        }
        let keyboard = Device {
            usb: Some("0582:012a".into()),
            serial: Some("X 1".into()),
            path: Some("1-2.3".into()),
        };
        assert_eq!(device(sysfs.path(), 2), keyboard);
        let built_in = Device { path: Some("0000:00:1f.3".into()), ..Device::default() };
        assert_eq!(device(sysfs.path(), 0), built_in);
        assert_eq!(device(sysfs.path(), 1), Device::default());
        assert_eq!(device(sysfs.path(), -1), Device::default());
    }
}
