//! Checks that files are short.

use crate::rust_files;

/// Maximum number of lines of a Rust file of the workspace, tests included.
const MAX_LINES: usize = 500;

/// A line that starts with this and goes on with a reason allows a file to be longer: a table.
const LONG: &str = "// Long because ";

#[test]
fn files_are_short() {
    let problems = problems(&rust_files(), &[]);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_planted_long_file_is_found() {
    let file = |name: &str, lines: usize, first: &str| {
        (name.to_owned(), format!("{first}\n{}", "\n".repeat(lines - 1)))
    };
    let reason = format!("{LONG}the table has a line for each request.");
    let good = [file("short.rs", MAX_LINES, ""), file("table.rs", 2000, &reason)];
    assert_eq!(problems(&good, &[]), [""; 0]);
    assert_eq!(problems(&[file("a.rs", MAX_LINES + 1, "")], &["a.rs"]), [""; 0]);

    let bad = |file: (String, String), not_yet: &[&str]| problems(&[file], not_yet).len();
    assert_eq!(bad(file("a.rs", MAX_LINES + 1, ""), &[]), 1);
    assert_eq!(bad(file("a.rs", MAX_LINES + 1, &format!("{LONG}so.")), &[]), 1);
    assert_eq!(bad(file("a.rs", MAX_LINES, ""), &["a.rs"]), 1);
    assert_eq!(bad(file("a.rs", MAX_LINES, &reason), &[]), 1);
    assert_eq!(bad(file("a.rs", MAX_LINES, ""), &["gone.rs"]), 1);
}

/// Returns what is wrong with the lengths of files, which come as names and texts.
fn problems(files: &[(String, String)], not_yet: &[&str]) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, text) in files {
        let lines = text.lines().count();
        let marker = text.lines().find_map(|line| line.trim_start().strip_prefix(LONG));
        let reason = marker.is_some_and(|reason| reason.split_whitespace().count() > 3);
        let listed = not_yet.contains(&name.as_str());
        match (lines > MAX_LINES, reason, listed) {
            (true, false, false) => problems.push(format!("{name} has {lines} lines")),
            (false, _, true) => problems.push(format!("{name} is short: remove it from the list")),
            (_, true, true) => {
                problems.push(format!("{name} has a reason: remove it from the list"))
            }
            (false, _, false) if marker.is_some() => {
                problems.push(format!("{name} is short: it needs no `{}`", LONG.trim()));
            }
            _ => {}
        }
    }
    let gone = not_yet.iter().filter(|name| files.iter().all(|(file, _)| file != *name));
    problems.extend(gone.map(|name| format!("{name} does not exist: remove it from the list")));
    problems
}
