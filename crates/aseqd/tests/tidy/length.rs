//! Checks that files are short.

use crate::rust_files;

/// Maximum number of lines of a Rust file of the workspace, tests included.
const MAX_LINES: usize = 500;

/// A line that starts with this and goes on with a reason allows a file to be longer: a table.
const LONG: &str = "// Long because ";

#[test]
fn files_are_short() {
    let problems = problems(&rust_files());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_planted_long_file_is_found() {
    let found = |lines: usize, first: &str| {
        problems(&[("a.rs".to_owned(), format!("{first}\n{}", "\n".repeat(lines - 1)))]).len()
    };
    let reason = format!("{LONG}the table has a line for each request.");
    assert_eq!(found(MAX_LINES, ""), 0);
    assert_eq!(found(2000, &reason), 0);
    assert_eq!(found(MAX_LINES + 1, ""), 1);
    assert_eq!(found(MAX_LINES + 1, &format!("{LONG}so.")), 1);
    // A reason for what is short.
    assert_eq!(found(MAX_LINES, &reason), 1);
}

/// Returns what is wrong with the lengths of files, which come as names and texts.
fn problems(files: &[(String, String)]) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, text) in files {
        let lines = text.lines().count();
        let marker = text.lines().find_map(|line| line.trim_start().strip_prefix(LONG));
        let reason = marker.is_some_and(|reason| reason.split_whitespace().count() > 3);
        if lines > MAX_LINES && !reason {
            problems.push(format!("{name} has {lines} lines"));
        } else if lines <= MAX_LINES && marker.is_some() {
            problems.push(format!("{name} is short: it needs no `{}`", LONG.trim()));
        }
    }
    problems
}
