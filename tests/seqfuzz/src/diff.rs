//! Two transcripts of one program side by side.

use crate::program::Program;
use crate::transcript::Transcript;
use std::fmt::Write as _;

/// The calls with their results: one where both agree, two where they do not.
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
        for (name, result) in [(names[0], left), (names[1], right)] {
            let blank = " ".repeat(width + 6);
            let result = result.replace('\n', &format!("\n{blank}"));
            let _infallible = writeln!(text, "  ! {name:width$}  {result}");
        }
    }
    text
}
