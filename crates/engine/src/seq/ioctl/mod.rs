//! The requests of `/dev/snd/seq`, as a table: code, name, handler, how much of it we support.

mod client;
mod pool;
mod port;
mod query;
mod queue;
mod subscribe;
mod ump;

use super::Seq;
use crate::Error;
use alloc::vec::Vec;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{self, sequencer as s, sequencer32 as s32};
use aseqd_abi::seq::{
    ClientInfo, ClientPool, PortInfo, PortInfo32, PortSubscribe, QuerySubs, QueueClient, QueueInfo,
    QueueStatus, QueueTempo, QueueTimer, RemoveEvents, RunningInfo, SystemInfo,
};
use aseqd_abi::ump::ClientUmpInfo;
use zerocopy::{FromBytes, Immutable, IntoBytes};

pub use crate::support::Support;

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The whole code.
    pub code: u32,
    /// Name without the prefix `SNDRV_SEQ_IOCTL_`.
    pub name: &'static str,
    /// A 32-bit process's code.
    pub compat: bool,
    /// How much of it is there.
    pub support: Support,
    /// What to know about it.
    pub note: &'static str,
    handler: fn(&mut Seq, u8, &mut [u8]) -> Result<(), Error>,
}

macro_rules! table {
    ($($module:ident::$code:ident($ty:ty) => $handler:path, $support:ident, $note:literal;)*) => {
        /// Every request, in the order of the header.
        pub const TABLE: &[Entry] = &[$(Entry {
            code: $module::$code,
            name: stringify!($code),
            compat: is_compat(stringify!($module)),
            support: Support::$support,
            note: $note,
            handler: |seq, caller, arg| typed::<$ty>(seq, caller, arg, $handler),
        }),*];
    };
}

const fn is_compat(module: &str) -> bool {
    module.len() == "s32".len()
}

table! {
    s::PVERSION(i32) => client::pversion, Full, "1.0.4, as Linux 6.12";
    s::CLIENT_ID(i32) => client::client_id, Full, "";
    s::SYSTEM_INFO(SystemInfo) => client::system_info, Full, "";
    s::RUNNING_MODE(RunningInfo) => client::running_mode, Full, "";
    s::USER_PVERSION(i32) => client::user_pversion, Full, "";
    s::GET_CLIENT_INFO(ClientInfo) => client::get_client_info, Full, "";
    s::SET_CLIENT_INFO(ClientInfo) => client::set_client_info, Full, "";
    s::GET_CLIENT_UMP_INFO(ClientUmpInfo) => ump::absent, Absent, "UMP is off, as in Debian's kernels";
    s::SET_CLIENT_UMP_INFO(ClientUmpInfo) => ump::absent, Absent, "UMP is off, as in Debian's kernels";
    s::CREATE_PORT(PortInfo) => port::create_port, Full, "";
    s::DELETE_PORT(PortInfo) => port::delete_port, Full, "";
    s::GET_PORT_INFO(PortInfo) => port::get_port_info, Full, "";
    s::SET_PORT_INFO(PortInfo) => port::set_port_info, Full, "";
    s::SUBSCRIBE_PORT(PortSubscribe) => subscribe::subscribe_port, Full, "";
    s::UNSUBSCRIBE_PORT(PortSubscribe) => subscribe::unsubscribe_port, Full, "";
    s::CREATE_QUEUE(QueueInfo) => queue::create_queue, Full, "";
    s::DELETE_QUEUE(QueueInfo) => queue::delete_queue, Full, "";
    s::GET_QUEUE_INFO(QueueInfo) => queue::get_queue_info, Full, "";
    s::SET_QUEUE_INFO(QueueInfo) => queue::set_queue_info, Full, "";
    s::GET_NAMED_QUEUE(QueueInfo) => queue::get_named_queue, Full, "";
    s::GET_QUEUE_STATUS(QueueStatus) => queue::get_queue_status, Full, "";
    s::GET_QUEUE_TEMPO(QueueTempo) => queue::get_queue_tempo, Full, "";
    s::SET_QUEUE_TEMPO(QueueTempo) => queue::set_queue_tempo, Full, "";
    s::GET_QUEUE_TIMER(QueueTimer) => queue::get_queue_timer, Full, "";
    s::SET_QUEUE_TIMER(QueueTimer) => queue::set_queue_timer, Full,
        "a queue steps by the timer that is chosen, one that nobody chose for is exact";
    s::GET_QUEUE_CLIENT(QueueClient) => queue::get_queue_client, Full, "";
    s::SET_QUEUE_CLIENT(QueueClient) => queue::set_queue_client, Full, "";
    s::GET_CLIENT_POOL(ClientPool) => pool::get_client_pool, Full, "";
    s::SET_CLIENT_POOL(ClientPool) => pool::set_client_pool, Full, "";
    s::REMOVE_EVENTS(RemoveEvents) => pool::remove_events, Full, "";
    s::QUERY_SUBS(QuerySubs) => query::query_subs, Full, "";
    s::GET_SUBSCRIPTION(PortSubscribe) => query::get_subscription, Full, "";
    s::QUERY_NEXT_CLIENT(ClientInfo) => query::query_next_client, Full, "";
    s::QUERY_NEXT_PORT(PortInfo) => query::query_next_port, Full, "";
    s32::CREATE_PORT(PortInfo32) => port::create_port32, Full, "from 32-bit processes";
    s32::DELETE_PORT(PortInfo32) => port::delete_port32, Full, "from 32-bit processes";
    s32::GET_PORT_INFO(PortInfo32) => port::get_port_info32, Full, "from 32-bit processes";
    s32::SET_PORT_INFO(PortInfo32) => port::set_port_info32, Full, "from 32-bit processes";
    s32::QUERY_NEXT_PORT(PortInfo32) => port::query_next_port32, Full, "from 32-bit processes";
}

/// The entry of a code.
#[must_use]
pub fn entry(code: u32) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.code == code)
}

/// Does a request copy its struct back? Four are declared write-only and do.
#[must_use]
pub const fn copies_back(code: u32) -> bool {
    ioctl::direction(code) & ioctl::READ != 0
        || matches!(code, s::SET_QUEUE_CLIENT | s::SET_CLIENT_POOL)
        || matches!(code, s32::SET_PORT_INFO | s32::DELETE_PORT)
}

/// Largest argument.
const MAX_ARG: usize = size_of::<ClientUmpInfo>();

/// Handles a request of a client. On success `out` has what is copied back.
pub(crate) fn handle(
    seq: &mut Seq,
    caller: u8,
    code: u32,
    compat: bool,
    arg: &[u8],
    out: &mut Vec<u8>,
) -> Result<usize, Error> {
    let entry = entry(code).filter(|entry| !is_port_request(code) || entry.compat == compat);
    let entry = entry.ok_or(Error::new(Errno::ENOTTY, "no such request"))?;
    let mut buffer = [0; MAX_ARG];
    let buffer = &mut buffer[..ioctl::size(code)];
    if ioctl::direction(code) & ioctl::WRITE != 0 {
        let given = arg.get(..buffer.len());
        let given = given.ok_or(Error::new(Errno::EFAULT, "the argument is not all there"))?;
        buffer.copy_from_slice(given);
    }
    (entry.handler)(seq, caller, buffer)?;
    if copies_back(code) {
        out.extend_from_slice(buffer);
    }
    Ok(0)
}

/// Requests with a port description differ between 32-bit and 64-bit processes.
fn is_port_request(code: u32) -> bool {
    let size = ioctl::size(code);
    size == size_of::<PortInfo>() || size == size_of::<PortInfo32>()
}

fn typed<T: FromBytes + IntoBytes + Immutable>(
    seq: &mut Seq,
    caller: u8,
    arg: &mut [u8],
    handler: fn(&mut Seq, u8, &mut T) -> Result<(), Error>,
) -> Result<(), Error> {
    let short = Error::new(Errno::EFAULT, "the argument is not all there");
    let mut info = T::read_from_bytes(arg).map_err(|_| short)?;
    handler(seq, caller, &mut info)?;
    arg.copy_from_slice(info.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_request_of_the_header_once() {
        for (name, code) in s::ALL.iter().chain(s32::ALL) {
            assert_eq!(TABLE.iter().filter(|entry| entry.code == *code).count(), 1, "{name}");
        }
        assert_eq!(TABLE.len(), s::ALL.len() + s32::ALL.len());
    }
}
