//! Identification, limits and client information.

use crate::Error;
use crate::limits::{MAX_CLIENTS, MAX_PORTS, MAX_QUEUES};
use crate::name::{copy_name, write_name};
use crate::seq::Seq;
use crate::seq::client::Client;
use aseqd_abi::event::EventData;
use aseqd_abi::seq::{ClientFilter, ClientInfo, RunningInfo, SystemInfo, VERSION, VERSION_1_0_3};
use aseqd_abi::ump::{CLIENT_LEGACY_MIDI, CLIENT_UMP_MIDI_2_0};
use aseqd_abi::{Address, Errno, EventType};

/// The number of channels of a port, as reported.
const MAX_CHANNELS: i32 = 256;
/// The bits of a group filter: 16 groups and the bit for messages without a group.
const GROUP_FILTER_BITS: u32 = (1 << 17) - 1;

pub(super) fn pversion(_seq: &mut Seq, _caller: u8, version: &mut i32) -> Result<(), Error> {
    *version = VERSION;
    Ok(())
}

pub(super) fn client_id(_seq: &mut Seq, caller: u8, id: &mut i32) -> Result<(), Error> {
    *id = caller.into();
    Ok(())
}

pub(super) fn user_pversion(seq: &mut Seq, caller: u8, version: &mut i32) -> Result<(), Error> {
    seq.own(caller)?.user_pversion = version.cast_unsigned();
    Ok(())
}

pub(super) fn system_info(seq: &mut Seq, _caller: u8, info: &mut SystemInfo) -> Result<(), Error> {
    *info = SystemInfo {
        queues: MAX_QUEUES.into(),
        clients: MAX_CLIENTS.into(),
        ports: i32::try_from(MAX_PORTS).unwrap_or(i32::MAX),
        channels: MAX_CHANNELS,
        cur_clients: i32::try_from(seq.client_count()).unwrap_or(i32::MAX),
        cur_queues: i32::try_from(seq.queues().count()).unwrap_or(i32::MAX),
        reserved: [0; 24],
    };
    Ok(())
}

pub(super) fn running_mode(
    seq: &mut Seq,
    _caller: u8,
    info: &mut RunningInfo,
) -> Result<(), Error> {
    let client = seq.client_mut(info.client);
    let client = client.ok_or(Error::new(Errno::ENOENT, "no such client"))?;
    if info.big_endian != 0 {
        return Err(Error::new(Errno::EINVAL, "the machine is little-endian"));
    }
    if info.cpu_mode > 8 {
        return Err(Error::new(Errno::EINVAL, "pointers are wider than 8 bytes"));
    }
    client.convert32 = info.cpu_mode < 8;
    Ok(())
}

/// Finds a client by the number in an ioctl.
pub(super) fn find(seq: &Seq, number: i32) -> Option<&Client> {
    seq.client(u8::try_from(number).ok()?)
}

/// Fills the fields that a program may ask for; `multicast_filter` stays as it was passed.
pub(super) fn fill(info: &mut ClientInfo, client: &Client) {
    info.client = client.number.into();
    info.client_type = client.type_number();
    write_name(&client.name, &mut info.name);
    info.filter = client.filter.bits();
    info.event_filter = client.event_filter;
    info.num_ports = i32::try_from(client.ports.len()).unwrap_or(i32::MAX);
    info.event_lost = client.event_lost;
    info.card = client.card;
    info.pid = client.pid;
    info.midi_version = client.midi_version;
    info.group_filter = client.group_filter;
    info.reserved = [0; 48];
}

pub(super) fn get_client_info(
    seq: &mut Seq,
    _caller: u8,
    info: &mut ClientInfo,
) -> Result<(), Error> {
    let client = find(seq, info.client).ok_or(Error::new(Errno::ENOENT, "no such client"))?;
    fill(info, client);
    Ok(())
}

pub(super) fn set_client_info(
    seq: &mut Seq,
    caller: u8,
    info: &mut ClientInfo,
) -> Result<(), Error> {
    if info.client != i32::from(caller) {
        return Err(Error::new(Errno::EPERM, "another client's information"));
    }
    let ump = seq.ump;
    let client = seq.own(caller)?;
    if info.client_type != client.type_number() {
        return Err(Error::new(Errno::EINVAL, "the client's type cannot change"));
    }
    let knows_ump = client.speaks(VERSION_1_0_3);
    if knows_ump {
        if info.midi_version > CLIENT_UMP_MIDI_2_0 {
            return Err(Error::new(Errno::EINVAL, "no such MIDI version"));
        }
        if info.midi_version > CLIENT_LEGACY_MIDI && !ump {
            return Err(Error::new(Errno::EINVAL, "UMP is off"));
        }
    }
    if info.name[0] != 0 {
        client.name = copy_name(&info.name);
    }
    client.filter = ClientFilter::from_bits_retain(info.filter);
    client.event_filter = info.event_filter;
    client.event_lost = info.event_lost;
    client.group_filter = info.group_filter & GROUP_FILTER_BITS;
    if knows_ump {
        seq.set_midi_version(caller, info.midi_version);
    }
    seq.refresh_plain_packets(caller);
    seq.announce(EventType::CLIENT_CHANGE, EventData::from_address(Address::new(caller, 0)));
    Ok(())
}
