//! Compares the catalogue of the kernel's bugs, `docs/known-bugs.md`, with the tests whose names have its numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Prefix of the names of tests for known bugs. The number follows.
const PREFIX: &str = "known_k";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// Adds the name of every function in the Rust files below a folder.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a file of the workspace");
            let names = text.lines().filter_map(|line| {
                let name = line.trim_start().strip_prefix("fn ")?;
                Some(name.split(|letter| !is_of_name(letter)).next()?.to_owned())
            });
            found.extend(names);
        }
    }
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Returns the numbers that a test's name carries: 12 and 22 for `known_k12_k22_...`.
fn numbers(test: &str) -> Vec<u32> {
    let Some(rest) = test.strip_prefix("known_") else { return Vec::new() };
    rest.split('_').map_while(|word| word.strip_prefix('k')?.parse().ok()).collect()
}

/// Returns the tests of each bug, by the rows of the catalogue's tables.
fn catalogue(text: &str) -> BTreeMap<u32, Vec<String>> {
    let mut bugs = BTreeMap::new();
    for row in text.lines().filter_map(|line| line.strip_prefix("| K")) {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        let [number, _, _, tests, _] = cells[..] else { panic!("not five cells: {row}") };
        let number = number.parse().unwrap_or_else(|_| panic!("not a number: {row}"));
        let tests: Vec<_> = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(!tests.is_empty(), "K{number} names no test");
        assert!(bugs.insert(number, tests).is_none(), "K{number} has two rows");
    }
    bugs
}

/// Returns what does not agree, one sentence each.
fn differences(bugs: &BTreeMap<u32, Vec<String>>, functions: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for (number, tests) in bugs {
        for test in tests {
            if !functions.contains(test) {
                found.push(format!("K{number} names {test}, which does not exist"));
            } else if test.starts_with(PREFIX) && !numbers(test).contains(number) {
                found.push(format!("K{number} names {test}, which is of another number"));
            }
        }
    }
    for test in functions.iter().filter(|name| !numbers(name).is_empty()) {
        for number in numbers(test) {
            if !bugs.get(&number).is_some_and(|tests| tests.contains(test)) {
                found.push(format!("the row of K{number} does not name {test}"));
            }
        }
    }
    found
}

#[test]
fn the_catalogue_and_the_tests_agree() {
    let root = root();
    let text = fs::read_to_string(root.join("docs/known-bugs.md")).expect("the catalogue");
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&root).expect("the workspace").flatten() {
        let folder = entry.path();
        if folder.is_dir() && !folder.ends_with("target") && !folder.ends_with(".git") {
            functions(&folder, &mut found);
        }
    }
    let bugs = catalogue(&text);
    assert!(bugs.len() > 90, "{} bugs", bugs.len());
    assert_eq!(differences(&bugs, &found), <[String; 0]>::default());
}

#[test]
fn what_does_not_agree_is_found() {
    let row = "| K12 | a race | none | `known_k12_k22_a`, `plain` | lockdep |\n";
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let both = format!("{row}| K22 | a race | none | `known_k12_k22_a` | lockdep |\n");
    let check = |text: &str, tests: &[&str]| differences(&catalogue(text), &names(tests));
    assert_eq!(check(&both, &["known_k12_k22_a", "plain"]), <[String; 0]>::default());
    let unnamed = ["the row of K22 does not name known_k12_k22_a"];
    assert_eq!(check(row, &["known_k12_k22_a", "plain"]), unnamed);
    let missing = ["K12 names plain, which does not exist"];
    assert_eq!(check(&both, &["known_k12_k22_a"]), missing);
    let other = "| K1 | a | b | `known_k2_b` | c |\n| K2 | a | b | `known_k2_b` | c |\n";
    assert_eq!(check(other, &["known_k2_b"]), ["K1 names known_k2_b, which is of another number"]);
}
