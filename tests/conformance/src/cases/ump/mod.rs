//! UMP: clients of MIDI 2.0, their records, and conversion.

mod ump_from_legacy;
mod ump_groups;
mod ump_info;
mod ump_protocols;
mod ump_read;
mod ump_state;
mod ump_to_legacy;
mod ump_versions;
mod ump_write;

use crate::case::Case;

/// The subjects of this group.
pub(super) const SUBJECTS: &[&[Case]] = &[
    ump_versions::CASES,
    ump_info::CASES,
    ump_write::CASES,
    ump_read::CASES,
    ump_to_legacy::CASES,
    ump_from_legacy::CASES,
    ump_protocols::CASES,
    ump_state::CASES,
    ump_groups::CASES,
];
