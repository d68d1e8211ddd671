//! Requests that enumerate clients, ports and subscriptions.

use super::client::{fill, find};
use crate::Error;
use crate::limits::MAX_CLIENTS;
use crate::seq::Seq;
use crate::seq::port::peer;
use aseqd_abi::Errno;
use aseqd_abi::seq::{
    ClientInfo, PortCaps, PortInfo, PortSubscribe, QUERY_SUBS_READ, QUERY_SUBS_WRITE, QuerySubs,
};

pub(super) fn query_next_client(
    seq: &mut Seq,
    _caller: u8,
    info: &mut ClientInfo,
) -> Result<(), Error> {
    let first = info.client.saturating_add(1).max(0);
    let client = (first..MAX_CLIENTS.into()).find_map(|number| find(seq, number));
    fill(info, client.ok_or(Error::new(Errno::ENOENT, "no further client"))?);
    Ok(())
}

pub(super) fn query_next_port(
    seq: &mut Seq,
    _caller: u8,
    info: &mut PortInfo,
) -> Result<(), Error> {
    let client = seq.client(info.addr.client);
    let client = client.ok_or(Error::new(Errno::ENXIO, "no such client"))?;
    let inactive_too = PortCaps::from_bits_retain(info.capability).contains(PortCaps::INACTIVE);
    let first = info.addr.port.wrapping_add(1);
    let port = client.ports.iter().find(|port| {
        port.number >= first && (inactive_too || !port.capability.contains(PortCaps::INACTIVE))
    });
    let port = port.ok_or(Error::new(Errno::ENOENT, "no further port"))?;
    info.addr.port = port.number;
    port.fill_info(info);
    Ok(())
}

pub(super) fn query_subs(seq: &mut Seq, _caller: u8, info: &mut QuerySubs) -> Result<(), Error> {
    let port = seq.port(info.root).ok_or(Error::new(Errno::ENXIO, "no such port"))?;
    let (list, from_sender) = match info.query_type {
        QUERY_SUBS_READ => (&port.outgoing, true),
        QUERY_SUBS_WRITE => (&port.incoming, false),
        _ => return Err(Error::new(Errno::ENXIO, "no such kind of subscription")),
    };
    let entry = usize::try_from(info.index).ok().and_then(|index| list.entries.get(index));
    let entry = entry.ok_or(Error::new(Errno::ENOENT, "no subscription of that index"))?;
    info.num_subs = list.count();
    info.addr = peer(entry, from_sender);
    info.queue = entry.queue;
    info.flags = entry.flags;
    Ok(())
}

pub(super) fn get_subscription(
    seq: &mut Seq,
    _caller: u8,
    info: &mut PortSubscribe,
) -> Result<(), Error> {
    let port = seq.port(info.sender).ok_or(Error::new(Errno::EINVAL, "no such sender port"))?;
    let entry = port.outgoing.entries.iter().find(|entry| entry.dest == info.dest);
    *info = *entry.ok_or(Error::new(Errno::ENOENT, "the ports are not connected"))?;
    Ok(())
}
