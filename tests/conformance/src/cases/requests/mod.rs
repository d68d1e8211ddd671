//! Every request: success, defaults, every errno, other people's clients, ports and queues.

mod client_info;
mod create_port;
mod failures;
mod identification;
mod pool_requests;
mod port_info;
mod query_client;
mod queue_client;
mod queue_info;
mod queue_tempo;
mod queue_timer;
mod subscribe;
mod subscriptions;
mod unknown_requests;

use crate::case::Case;

/// The subjects of this group.
pub(super) const SUBJECTS: &[&[Case]] = &[
    identification::CASES,
    client_info::CASES,
    query_client::CASES,
    create_port::CASES,
    port_info::CASES,
    subscribe::CASES,
    subscriptions::CASES,
    queue_info::CASES,
    queue_client::CASES,
    queue_tempo::CASES,
    queue_timer::CASES,
    pool_requests::CASES,
    failures::CASES,
    unknown_requests::CASES,
];
