//! Compares what was expected with what was received.

use super::expected::{Expected, Received};
use std::fmt::Write as _;

/// Returns the difference line by line; `None` if there is none. `-` is for what was expected and is not there, `+` for
/// what is there and was not expected.
pub(super) fn difference(expected: &[Expected], received: &[Received]) -> Option<String> {
    let same = |(expected, received): (&Expected, &Received)| expected.is(received);
    if expected.len() == received.len() && expected.iter().zip(received).all(same) {
        return None;
    }
    let mut text = String::from("  - expected, and not received; + received, and not expected\n");
    let (mut wanted, mut got) = (expected, received);
    let common = common(expected, received);
    loop {
        // The longest common sequence tells what to leave out.
        let here = common[expected.len() - wanted.len()][received.len() - got.len()];
        let below = |rows: usize, columns: usize| {
            common[expected.len() - wanted.len() + rows][received.len() - got.len() + columns]
        };
        match (wanted, got) {
            ([], []) => break,
            ([one, rest @ ..], [other, others @ ..]) if one.is(other) => {
                let _whole = writeln!(text, "    {other}");
                (wanted, got) = (rest, others);
            }
            ([one, rest @ ..], others) if others.is_empty() || below(1, 0) == here => {
                let _whole = writeln!(text, "  - {one}");
                wanted = rest;
            }
            (_, [other, others @ ..]) => {
                let _whole = writeln!(text, "  + {other}");
                got = others;
            }
            (_, []) => break,
        }
    }
    text.truncate(text.trim_end().len());
    Some(text)
}

/// Returns, for each pair of ends of the two lists, how long a sequence they have in common.
fn common(expected: &[Expected], received: &[Received]) -> Vec<Vec<usize>> {
    let mut lengths = vec![vec![0; received.len() + 1]; expected.len() + 1];
    for (row, one) in expected.iter().enumerate().rev() {
        for (column, other) in received.iter().enumerate().rev() {
            lengths[row][column] = match one.is(other) {
                true => lengths[row + 1][column + 1] + 1,
                false => lengths[row + 1][column].max(lengths[row][column + 1]),
            };
        }
    }
    lengths
}
