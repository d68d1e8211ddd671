//! Delivery, announcements, stamps, bounces, notes.

mod bounce;
mod direct;
mod fanout;
mod filters;

use crate::case::Case;

/// The subjects of this group.
pub const SUBJECTS: &[&[Case]] = &[direct::CASES, fanout::CASES, filters::CASES, bounce::CASES];
