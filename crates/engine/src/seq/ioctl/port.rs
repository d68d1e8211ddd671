//! Requests about ports, and their forms for 32-bit processes.

use super::query::query_next_port;
use crate::Error;
use crate::seq::Seq;
use aseqd_abi::event::{ADDRESS_UNKNOWN, EventData};
use aseqd_abi::seq::{PortCaps, PortFlags, PortInfo, PortInfo32};
use aseqd_abi::{Address, Errno, EventType};

pub(super) fn create_port(seq: &mut Seq, caller: u8, info: &mut PortInfo) -> Result<(), Error> {
    if info.addr.client != caller {
        return Err(Error::new(Errno::EPERM, "another client's port"));
    }
    let watched = seq.timers.config().notes_off;
    let client = seq.own(caller)?;
    if info.kernel != 0 {
        return Err(Error::new(Errno::EINVAL, "only the kernel can set callbacks"));
    }
    let is_endpoint = PortCaps::from_bits_retain(info.capability).contains(PortCaps::UMP_ENDPOINT);
    if is_endpoint && client.ump_endpoint.is_some() {
        return Err(Error::new(Errno::EBUSY, "the client has an endpoint port"));
    }
    let given = PortFlags::from_bits_retain(info.flags).contains(PortFlags::GIVEN_PORT);
    let given = given.then_some(info.addr.port);
    if given.is_some_and(|number| number >= ADDRESS_UNKNOWN) {
        return Err(Error::new(Errno::EINVAL, "the port number is out of range"));
    }
    let port = client.add_port(given)?;
    if watched {
        port.watch();
    }
    port.set_info(info);
    let number = port.number;
    info.addr = Address::new(caller, number);
    if is_endpoint {
        client.ump_endpoint = Some(number);
    }
    seq.refresh_plain_packets(caller);
    seq.announce(EventType::PORT_START, EventData::from_address(info.addr));
    Ok(())
}

pub(super) fn delete_port(seq: &mut Seq, caller: u8, info: &mut PortInfo) -> Result<(), Error> {
    if info.addr.client != caller {
        return Err(Error::new(Errno::EPERM, "another client's port"));
    }
    let client = seq.own(caller)?;
    let index = client.port_index(info.addr.port);
    let index = index.map_err(|_| Error::new(Errno::ENOENT, "no such port"))?;
    let port = client.ports.remove(index);
    if client.ump_endpoint == Some(port.number) {
        client.ump_endpoint = None;
    }
    seq.forget_sounding(&|gone| gone == info.addr);
    seq.cut_subscriptions(caller, port);
    seq.announce(EventType::PORT_EXIT, EventData::from_address(info.addr));
    Ok(())
}

pub(super) fn get_port_info(seq: &mut Seq, _caller: u8, info: &mut PortInfo) -> Result<(), Error> {
    let client = seq.client(info.addr.client);
    let client = client.ok_or(Error::new(Errno::ENXIO, "no such client"))?;
    let port = client.port(info.addr.port);
    port.ok_or(Error::new(Errno::ENOENT, "no such port"))?.fill_info(info);
    Ok(())
}

pub(super) fn set_port_info(seq: &mut Seq, caller: u8, info: &mut PortInfo) -> Result<(), Error> {
    if info.addr.client != caller {
        return Err(Error::new(Errno::EPERM, "another client's port"));
    }
    // A port that does not exist is no error, as on Linux.
    if let Some(port) = seq.port_mut(info.addr) {
        port.set_info(info);
        seq.refresh_plain_packets(caller);
        seq.announce(EventType::PORT_CHANGE, EventData::from_address(info.addr));
    }
    Ok(())
}

type Handler = fn(&mut Seq, u8, &mut PortInfo) -> Result<(), Error>;

/// Handles a 32-bit process's request by the handler of the 64-bit one.
fn convert(
    seq: &mut Seq,
    caller: u8,
    info32: &mut PortInfo32,
    handler: Handler,
) -> Result<(), Error> {
    let mut info = PortInfo {
        addr: info32.addr,
        name: info32.name,
        capability: info32.capability,
        port_type: info32.port_type,
        midi_channels: info32.midi_channels,
        midi_voices: info32.midi_voices,
        synth_voices: info32.synth_voices,
        read_use: info32.read_use,
        write_use: info32.write_use,
        kernel: 0,
        flags: info32.flags,
        time_queue: info32.time_queue,
        direction: info32.direction,
        ump_group: info32.ump_group,
        ..PortInfo::default()
    };
    handler(seq, caller, &mut info)?;
    *info32 = PortInfo32 {
        addr: info.addr,
        name: info.name,
        pad: info32.pad,
        capability: info.capability,
        port_type: info.port_type,
        midi_channels: info.midi_channels,
        midi_voices: info.midi_voices,
        synth_voices: info.synth_voices,
        read_use: info.read_use,
        write_use: info.write_use,
        kernel: 0,
        flags: info.flags,
        time_queue: info.time_queue,
        reserved: [0; 3],
        time_queue_again: info.time_queue,
        direction: info.direction,
        ump_group: info.ump_group,
        reserved2: info32.reserved2,
    };
    Ok(())
}

macro_rules! for_32_bit_processes {
    ($($name:ident = $handler:path;)*) => {$(
        pub(super) fn $name(
            seq: &mut Seq,
            caller: u8,
            info: &mut PortInfo32,
        ) -> Result<(), Error> {
            convert(seq, caller, info, $handler)
        }
    )*};
}

for_32_bit_processes! {
    create_port32 = create_port;
    delete_port32 = delete_port;
    get_port_info32 = get_port_info;
    set_port_info32 = set_port_info;
    query_next_port32 = query_next_port;
}
