//! Write, read, poll, pools, and the life of a descriptor.

use crate::case::Case;

/// The subjects of this group.
pub const SUBJECTS: &[&[Case]] = &[];
