//! Every request: success, defaults, every errno, other people's clients, ports and queues.

mod identification;

use crate::case::Case;

/// The subjects of this group.
pub const SUBJECTS: &[&[Case]] = &[identification::CASES];
