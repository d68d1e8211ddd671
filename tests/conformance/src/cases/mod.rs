//! The cases, by group and subject.

mod delivery;
mod io;
mod queues;
mod requests;

use crate::case::Case;

/// Every case, subject by subject.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    [requests::SUBJECTS, io::SUBJECTS, delivery::SUBJECTS, queues::SUBJECTS]
        .into_iter()
        .flatten()
        .copied()
        .flatten()
}
