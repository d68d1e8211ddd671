//! Delivery, announcements, stamps, bounces, notes.

mod announcements;
mod bounce;
mod direct;
mod exclusive;
mod fanout;
mod filters;
mod forged;
mod notes;
mod notices;
mod system_timer;
mod through;
mod timestamps;
mod types_and_flags;
mod variable;

use crate::case::Case;

/// The subjects of this group.
pub(super) const SUBJECTS: &[&[Case]] = &[
    direct::CASES,
    types_and_flags::CASES,
    forged::CASES,
    fanout::CASES,
    filters::CASES,
    variable::CASES,
    timestamps::CASES,
    exclusive::CASES,
    through::CASES,
    announcements::CASES,
    notices::CASES,
    bounce::CASES,
    notes::CASES,
    system_timer::CASES,
];
