//! Requests about UMP endpoints.

use super::client::find;
use crate::Error;
use crate::seq::Seq;
use crate::seq::client::Client;
use crate::seq::ump::endpoint::Part;
use aseqd_abi::event::EventData;
use aseqd_abi::ump::ClientUmpInfo;
use aseqd_abi::{Address, Errno, EventType};

/// Returns the part that a request is about.
///
/// # Errors
/// `EINVAL` if there is no such part.
fn part(info: &ClientUmpInfo) -> Result<Part, Error> {
    Part::from_number(info.info_type)
        .ok_or(Error::new(Errno::EINVAL, "neither an endpoint nor a block"))
}

/// # Errors
/// `EBADFD` for a client that uses legacy events now.
fn check_uses_ump(client: &Client) -> Result<(), Error> {
    if client.uses_ump() {
        Ok(())
    } else {
        Err(Error::new(Errno::EBADFD, "the client is no UMP client"))
    }
}

/// # Errors
/// `ENOTTY` as on a kernel without UMP.
fn check_ump_is_on(seq: &Seq) -> Result<(), Error> {
    if seq.ump { Ok(()) } else { Err(Error::new(Errno::ENOTTY, "UMP is off")) }
}

pub(super) fn get_client_ump_info(
    seq: &mut Seq,
    _caller: u8,
    info: &mut ClientUmpInfo,
) -> Result<(), Error> {
    check_ump_is_on(seq)?;
    let part = part(info)?;
    let client = find(seq, info.client).ok_or(Error::new(Errno::ENOENT, "no such client"))?;
    check_uses_ump(client)?;
    let description = client.endpoint.as_ref().and_then(|endpoint| endpoint.description(part));
    let bytes = description.ok_or(Error::new(Errno::ENODEV, "the client has not described it"))?;
    // The other bytes stay as the program passed them.
    info.info[..bytes.len()].copy_from_slice(bytes);
    Ok(())
}

pub(super) fn set_client_ump_info(
    seq: &mut Seq,
    caller: u8,
    info: &mut ClientUmpInfo,
) -> Result<(), Error> {
    check_ump_is_on(seq)?;
    if info.client != i32::from(caller) {
        return Err(Error::new(Errno::EPERM, "another client's endpoint"));
    }
    let part = part(info)?;
    let client = seq.own(caller)?;
    check_uses_ump(client)?;
    client.endpoint.get_or_insert_default().describe(part, &info.info);
    let (event_type, block) = match part {
        Part::Endpoint => (EventType::UMP_EP_CHANGE, 0),
        Part::Block(block) => (EventType::UMP_BLOCK_CHANGE, block),
    };
    // The block stands where other announcements have the port.
    seq.announce(event_type, EventData::from_address(Address::new(caller, block)));
    Ok(())
}
