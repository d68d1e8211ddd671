//! Queues: order, tempo, position, owners, removal.

use crate::case::Case;

/// The subjects of this group.
pub const SUBJECTS: &[&[Case]] = &[];
