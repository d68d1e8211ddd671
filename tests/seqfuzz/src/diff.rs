//! Two transcripts of one program side by side.

use crate::program::Program;
use crate::transcript::Transcript;
use std::fmt::Write as _;

/// Number of equal lines that are shown before a difference within one result.
const KEPT: usize = 4;

/// Returns the calls with their results: one where both agree, two where they do not.
#[must_use]
pub fn side_by_side(program: &Program, names: [&str; 2], sides: [&Transcript; 2]) -> String {
    let mut text = String::new();
    let width = names[0].len().max(names[1].len());
    let nothing = String::new();
    for (index, call) in program.calls.iter().enumerate() {
        let [left, right] = sides.map(|side| side.results.get(index).unwrap_or(&nothing));
        let _infallible = writeln!(text, "{call}");
        if left == right {
            let _infallible = writeln!(text, "    {}", left.replace('\n', "\n    "));
            continue;
        }
        let same =
            left.lines().zip(right.lines()).take_while(|(left, right)| left == right).count();
        for (name, result) in [(names[0], left), (names[1], right)] {
            let result = without_start(result, same);
            let blank = " ".repeat(width + 6);
            let result = result.replace('\n', &format!("\n{blank}"));
            let _infallible = writeln!(text, "  ! {name:width$}  {result}");
        }
    }
    text
}

/// Returns a long result without most of the lines at its start, which the other has too.
fn without_start(result: &str, same: usize) -> String {
    if same <= KEPT {
        return result.to_owned();
    }
    let hidden = same - KEPT;
    let rest: Vec<&str> = result.lines().skip(hidden).collect();
    format!("({hidden} lines that are the same)\n{}", rest.join("\n"))
}
