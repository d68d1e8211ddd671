//! The table of the requests of `/dev/snd/seq`; the handlers are in the files beside it.

mod client;
mod pool;
mod port;
mod query;
mod queue;
mod subscribe;
mod ump;

use super::Seq;
use crate::request::requests;
use aseqd_abi::ioctl::{sequencer as s, sequencer32 as s32};
use aseqd_abi::seq::{
    ClientInfo, ClientPool, PortInfo, PortInfo32, PortSubscribe, QuerySubs, QueueClient, QueueInfo,
    QueueStatus, QueueTempo, QueueTimer, RemoveEvents, RunningInfo, SystemInfo,
};
use aseqd_abi::ump::ClientUmpInfo;

/// The last column of requests that copy their struct back, although their codes declare them write-only.
const BACK: bool = true;

requests! {
    /// Every request of the sequencer, in the order of the header. A handler gets the number of the
    /// calling client.
    TABLE: Seq, u8;
    s, "" {
        PVERSION(i32) => client::pversion, All, Full, "1.0.5, as Linux 7.3";
        CLIENT_ID(i32) => client::client_id, All, Full, "";
        SYSTEM_INFO(SystemInfo) => client::system_info, All, Full, "";
        RUNNING_MODE(RunningInfo) => client::running_mode, All, Full, "";
        USER_PVERSION(i32) => client::user_pversion, All, Full, "";
        GET_CLIENT_INFO(ClientInfo) => client::get_client_info, All, Full, "";
        SET_CLIENT_INFO(ClientInfo) => client::set_client_info, All, Full, "";
        GET_CLIENT_UMP_INFO(ClientUmpInfo) => ump::get_client_ump_info, All, Full, "with `--ump on`; else `ENOTTY`, as in Debian's kernels";
        SET_CLIENT_UMP_INFO(ClientUmpInfo) => ump::set_client_ump_info, All, Full, "the same";
        CREATE_PORT(PortInfo) => port::create_port, Wide, Full, "";
        DELETE_PORT(PortInfo) => port::delete_port, Wide, Full, "";
        GET_PORT_INFO(PortInfo) => port::get_port_info, Wide, Full, "";
        SET_PORT_INFO(PortInfo) => port::set_port_info, Wide, Full, "";
        SUBSCRIBE_PORT(PortSubscribe) => subscribe::subscribe_port, All, Full, "";
        UNSUBSCRIBE_PORT(PortSubscribe) => subscribe::unsubscribe_port, All, Full, "";
        CREATE_QUEUE(QueueInfo) => queue::create_queue, All, Full, "";
        DELETE_QUEUE(QueueInfo) => queue::delete_queue, All, Full, "";
        GET_QUEUE_INFO(QueueInfo) => queue::get_queue_info, All, Full, "";
        SET_QUEUE_INFO(QueueInfo) => queue::set_queue_info, All, Full, "";
        GET_NAMED_QUEUE(QueueInfo) => queue::get_named_queue, All, Full, "";
        GET_QUEUE_STATUS(QueueStatus) => queue::get_queue_status, All, Full, "";
        GET_QUEUE_TEMPO(QueueTempo) => queue::get_queue_tempo, All, Full, "";
        SET_QUEUE_TEMPO(QueueTempo) => queue::set_queue_tempo, All, Full, "";
        GET_QUEUE_TIMER(QueueTimer) => queue::get_queue_timer, All, Full, "";
        SET_QUEUE_TIMER(QueueTimer) => queue::set_queue_timer, All, Full,
            "a queue advances in steps of the chosen timer; if none was chosen, its time is exact";
        GET_QUEUE_CLIENT(QueueClient) => queue::get_queue_client, All, Full, "";
        SET_QUEUE_CLIENT(QueueClient) => queue::set_queue_client, All, Full, "", BACK;
        GET_CLIENT_POOL(ClientPool) => pool::get_client_pool, All, Full, "";
        SET_CLIENT_POOL(ClientPool) => pool::set_client_pool, All, Full, "", BACK;
        REMOVE_EVENTS(RemoveEvents) => pool::remove_events, All, Full, "";
        QUERY_SUBS(QuerySubs) => query::query_subs, All, Full, "";
        GET_SUBSCRIPTION(PortSubscribe) => query::get_subscription, All, Full, "";
        QUERY_NEXT_CLIENT(ClientInfo) => query::query_next_client, All, Full, "";
        QUERY_NEXT_PORT(PortInfo) => query::query_next_port, Wide, Full, "";
    }
    s32, "32" {
        CREATE_PORT(PortInfo32) => port::create_port32, Narrow, Full, "from 32-bit processes";
        DELETE_PORT(PortInfo32) => port::delete_port32, Narrow, Full, "from 32-bit processes", BACK;
        GET_PORT_INFO(PortInfo32) => port::get_port_info32, Narrow, Full, "from 32-bit processes";
        SET_PORT_INFO(PortInfo32) => port::set_port_info32, Narrow, Full, "from 32-bit processes", BACK;
        QUERY_NEXT_PORT(PortInfo32) => port::query_next_port32, Narrow, Full, "from 32-bit processes";
    }
}
