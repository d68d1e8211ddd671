//! UMP: clients of MIDI 2.0, their records, and conversion.

mod ump_endpoint;
mod ump_from_legacy;
mod ump_groups;
mod ump_info;
mod ump_notify;
mod ump_pools;
mod ump_ports;
mod ump_proc;
mod ump_protocols;
mod ump_queues;
mod ump_read;
mod ump_remove;
mod ump_stamps;
mod ump_state;
mod ump_sysex;
mod ump_through;
mod ump_to_legacy;
mod ump_versions;
mod ump_write;

use crate::case::Case;

/// The subjects of this group.
pub(super) const SUBJECTS: &[&[Case]] = &[
    ump_versions::CASES,
    ump_ports::CASES,
    ump_info::CASES,
    ump_write::CASES,
    ump_read::CASES,
    ump_to_legacy::CASES,
    ump_from_legacy::CASES,
    ump_protocols::CASES,
    ump_state::CASES,
    ump_groups::CASES,
    ump_sysex::CASES,
    ump_endpoint::CASES,
    ump_queues::CASES,
    ump_remove::CASES,
    ump_pools::CASES,
    ump_stamps::CASES,
    ump_through::CASES,
    ump_proc::CASES,
    ump_notify::CASES,
];
