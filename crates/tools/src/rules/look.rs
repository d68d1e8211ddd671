//! Looks at a sequencer: its ports with their devices, and its connections.

use crate::devices;
use aseqd_abi::Address;
use aseqd_abi::seq::{ClientInfo, QuerySubs, SubscriptionFlags};
use aseqd_client::{Client, DeviceFile, Result, client_number, described};
use aseqd_rules::{Connection, Port, Snapshot, Stamp};

/// What there is, and which clients.
pub(super) struct Look {
    /// The ports of others, and all connections.
    pub(super) snapshot: Snapshot,
    /// All clients.
    pub(super) clients: Vec<ClientInfo>,
}

/// Looks at everything but the ports of these clients, which are our own.
pub(super) fn look<F: DeviceFile>(client: &Client<F>, own: &[u8]) -> Result<Look> {
    let mut clients = Vec::new();
    let mut snapshot = Snapshot::default();
    for info in client.clients()? {
        let Some((info, ports)) = info_and_ports(client, client_number(&info))? else { continue };
        for port in &ports {
            let outgoing = client.outgoing(port.address)?;
            snapshot.connections.extend(outgoing.iter().map(|peer| connection(port.address, peer)));
        }
        if !own.iter().any(|number| info.client == i32::from(*number)) {
            snapshot.ports.extend(ports);
        }
        clients.push(info);
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
    let ports = info_and_ports(client, number)?.map_or_else(Vec::new, |(_, ports)| ports);
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

/// Returns a client with its ports, if it exists.
fn info_and_ports<F: DeviceFile>(
    client: &Client<F>,
    number: u8,
) -> Result<Option<(ClientInfo, Vec<Port>)>> {
    let Some((info, ports)) = client.info_and_ports(number)? else { return Ok(None) };
    let mut ports: Vec<_> = ports.iter().map(|port| described(&info, port)).collect();
    devices::add_to(&mut ports);
    Ok(Some((info, ports)))
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
