//! The cases, by subject.

mod identification;

use crate::case::Case;

/// Every case, subject by subject.
pub fn all() -> impl Iterator<Item = &'static Case> {
    [identification::CASES].into_iter().flatten()
}
