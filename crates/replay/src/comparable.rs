//! What of an answer can be compared with that of another sequencer: times, for one, come out otherwise in each run.

use aseqd_abi::ioctl::{READ, direction};
use aseqd_describe::{Caller, Kind, find};
use std::ops::Range;

/// Fields whose value depends on the time of the call, on the process, or on what else is there.
const IGNORED: &[&str] = &[
    "tick",
    "sec",
    "nsec",
    "events",
    "cur_clients",
    "cur_queues",
    "kernel",
    "pid",
    "resolution",
    "resolution_min",
    "resolution_max",
    "resolution_num",
    "resolution_den",
    "waiting",
    "lost",
    "overrun",
];

/// Returns the bytes in the answer to a request that cannot be compared.
pub fn ignored(request: u32, compat: bool) -> impl Iterator<Item = Range<usize>> {
    let caller = if compat { Caller::Narrow } else { Caller::Wide };
    let fields = find(request, caller).map_or(&[][..], |request| request.fields);
    fields
        .iter()
        .filter(|field| matches!(field.kind, Kind::Stamp(_)) || IGNORED.contains(&field.name))
        .map(|field| field.offset..field.offset + field.kind.size())
}

/// Returns what of an answer reaches a program on every sequencer. Linux copies the structs of some requests back that
/// are declared write-only; through a FUSE file that is not possible.
#[must_use]
pub const fn copied_back(request: u32, out: &[u8]) -> &[u8] {
    if direction(request) & READ == 0 { &[] } else { out }
}
