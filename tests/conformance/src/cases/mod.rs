//! The cases, by group and subject.

mod control;
mod delivery;
mod io;
mod queues;
mod requests;
mod timer;
mod ump;

use crate::case::Case;

/// Returns every case, subject by subject.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    let groups = [
        requests::SUBJECTS,
        io::SUBJECTS,
        delivery::SUBJECTS,
        queues::SUBJECTS,
        timer::SUBJECTS,
        ump::SUBJECTS,
        control::SUBJECTS,
    ];
    groups.into_iter().flatten().copied().flatten()
}
