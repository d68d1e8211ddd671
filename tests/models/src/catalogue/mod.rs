//! The catalogue: every known bug of Linux's sequencer and timer, in words.

mod page;
mod rows;

pub use page::{Caught, page};
pub use rows::ROWS;

/// A row: a bug that Linux had, and what aseqd does instead.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its number, which does not change.
    pub number: u32,
    /// The part of the page where it stands.
    pub section: Section,
    /// What went wrong in Linux.
    pub linux: &'static str,
    /// What aseqd does.
    pub here: &'static str,
}

/// A part of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// How events travel, and what they travel between.
    Delivery,
    /// Who may wait where.
    Locks,
    /// Calls that do too much.
    Work,
    /// Bytes that nobody meant to show.
    Leaks,
    /// Timers and their instances.
    Timers,
    /// UMP.
    Ump,
}

impl Section {
    /// All sections, in the order of the page.
    pub const ALL: [Self; 6] =
        [Self::Delivery, Self::Locks, Self::Work, Self::Leaks, Self::Timers, Self::Ump];

    /// Returns the heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Delivery => "Delivery, queues and clients",
            Self::Locks => "Locks and contexts",
            Self::Work => "Unbounded work",
            Self::Leaks => "Information leaks",
            Self::Timers => "Timers",
            Self::Ump => "MIDI 2.0",
        }
    }
}

/// Rows of parts that aseqd does not have, and which part that is.
pub const NOT_HERE: &[(&str, &[u32])] = &[
    ("the OSS sequencer", &[8, 9, 16, 52, 53, 103, 110, 111, 112, 113, 114]),
    ("drivers of cards", &[13, 32, 37, 68, 99, 115, 116]),
];

/// Tests of a row whose names do not have its number.
pub const OTHER_TESTS: &[(u32, &str)] = &[
    (1, "the_bug_makes_one_group_of_the_kernels_three_reports"),
    (2, "two_flags_of_one_word_in_one_process"),
    (2, "two_flags_of_one_word_in_two_processes"),
    (60, "a_giant_write_of_zeros_neither_hangs_nor_grows_the_server"),
];

/// Maximum number of calls of a reproducer.
pub const MAX_CALLS: usize = 10;

/// Rows whose reproducer needs more calls, and why.
pub const MORE_CALLS: &[(u32, &str)] = &[
    (64, "the bug is that there is no limit, and the limit is 1000 instances"),
    (65, "the bug is that there is no limit, and the limit is 1000 slaves"),
    (86, "the high-resolution timer has to be full, with 99 instances"),
];

/// Returns the numbers in a test's name: 12 and 22 for `known_k12_k22_...`.
#[must_use]
pub fn numbers(test: &str) -> Vec<u32> {
    let Some(rest) = test.strip_prefix("known_") else { return Vec::new() };
    rest.split('_').map_while(|word| word.strip_prefix('k')?.parse().ok()).collect()
}

/// Returns the name of a row, such as `K07`.
#[must_use]
pub fn name(number: u32) -> String {
    format!("K{number:02}")
}
