//! Compares ARCHITECTURE.md with the source tree, both ways: every source file is on the map, and everything on the
//! map exists. No two rows or parts are about the same.
//!
//! A file is on the map if a word in backquotes names it, or names a folder above it with a slash at the end: a
//! family, whose files may come and go. In a family's name, `*` stands for any one folder. A whole crate of `crates` or
//! `validators` is too large for a family, and so is its `src`: such a map would say nothing. Words are paths from the
//! root of the repository, or from the folder that a part of the map begins with. Outside of such parts the end of a
//! path is enough. `lib.rs` and `tests.rs` need no word: they are the contract of a crate and the tests of a module.

use crate::{MEMBERS, files, read, root};
use std::collections::BTreeSet;

/// Names of source files end with one of these.
const SOURCES: &[&str] = &[".rs", ".c", ".h", ".go", ".py"];

/// Folders of scripts, whose files are sources as well.
const SCRIPTS: &[&str] = &["scripts", ".ci"];

#[test]
fn the_map_and_the_tree_agree() {
    let (files, folders) = tree();
    let problems = problems(&read(&root().join("ARCHITECTURE.md")), &files, &folders);
    assert!(problems.is_empty(), "ARCHITECTURE.md:\n{}", problems.join("\n"));
}

#[test]
fn a_planted_file_is_found() {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let folders = set(&["crates", "crates/a", "crates/a/src", "crates/a/src/b", "crates/a/tests"]);
    let map = "text\n\n`crates/a/src`: `b/` has its parts.\n\n## Other\n\n`crates/a/tests/`";
    let old = ["crates/a/src/lib.rs", "crates/a/src/b/f.rs", "crates/a/tests/d.rs"];
    let with = |map: &str, file: Option<&'static str>| {
        let files: Vec<_> = old.iter().copied().chain(file).collect();
        problems(map, &set(&files), &folders)
    };
    assert_eq!(with(map, None), [""; 0]);
    for file in ["crates/a/src/b/e.rs", "crates/a/src/b/tests.rs"] {
        assert_eq!(with(map, Some(file)), [""; 0]);
    }
    // A file that the map does not name, one of a family's name, two of a known name elsewhere.
    for file in ["crates/a/src/e.rs", "crates/a/src/b.rs", "crates/a/f.rs", "crates/a/build.rs"] {
        assert_eq!(with(map, Some(file)), [format!("does not name {file}")]);
    }
    // A file, a folder and families that do not exist, and the end of no whole name.
    for name in ["crates/a/src/gone.rs", "crates/gone", "crates/gone/x/", "crates/*/gone/", "b.rs"]
    {
        let map = format!("{map}\n`{name}`");
        assert_eq!(with(&map, None), [format!("names {name}, which does not exist")]);
    }
    // In a part, names begin at its folder; elsewhere an end names nothing, but must exist.
    let elsewhere = map.replace("## Other", "## Other\n\n`b/f.rs`, `f.rs`");
    assert_eq!(with(&elsewhere, None), [""; 0]);
    let elsewhere = map.replace("## Other", "`f.rs`");
    assert_eq!(with(&elsewhere, None), ["names f.rs, which does not exist"]);
    // Two parts or rows about the same.
    let twice = map.replace("## Other", "`crates/a/src`\n\n## Other");
    assert_eq!(with(&twice, None), ["has two rows or parts about crates/a/src"]);
    let twice = map.replace("## Other", "| `b/` | x |\n| `b/` | y |\n\n## Other");
    assert_eq!(with(&twice, None), ["has two rows or parts about crates/a/src/b/"]);
    // Families as large as a crate.
    for name in ["crates/", "crates/a/", "crates/a/src/", "crates/*/src/"] {
        let map = format!("{map}\n`{name}`");
        assert_eq!(with(&map, None), [format!("names {name}, which is too large for a family")]);
    }
    assert_eq!(with(&map.replace("crates/a/tests/", "crates/*/tests/"), None), [""; 0]);
}

/// Returns the source files of the repository, and the folders that have any.
fn tree() -> (BTreeSet<String>, BTreeSet<String>) {
    let root = root();
    let mut found = Vec::new();
    for folder in MEMBERS.iter().chain(SCRIPTS) {
        files(&root.join(folder), &mut found);
    }
    let (mut sources, mut folders) = (BTreeSet::new(), BTreeSet::new());
    for path in &found {
        let path = path.strip_prefix(&root).expect("below");
        let name = path.display().to_string();
        let above = path.ancestors().skip(1).map(|folder| folder.display().to_string());
        folders.extend(above.filter(|folder| !folder.is_empty()));
        let script = SCRIPTS.iter().any(|folder| path.starts_with(folder));
        if script || SOURCES.iter().any(|end| name.ends_with(end)) {
            sources.insert(name);
        }
    }
    (sources, folders)
}

/// A path in the map.
struct Word<'a> {
    text: &'a str,
    /// The folder that its part of the map is about.
    part: Option<&'a str>,
    /// Whether a row of a table, or a part, is about it.
    subject: bool,
}

impl Word<'_> {
    /// Returns the names that it may stand for.
    fn names(&self) -> impl Iterator<Item = String> {
        let below = self.part.map(|part| format!("{part}/{}", self.text));
        [self.text.to_owned()].into_iter().chain(below)
    }
}

/// Returns the paths in a map.
fn words<'a>(map: &'a str, folders: &BTreeSet<String>) -> Vec<Word<'a>> {
    let mut found = Vec::new();
    let mut part = None;
    for line in map.lines() {
        if line.starts_with("## ") {
            part = None;
        }
        let mut words = line.split('`').skip(1).step_by(2).peekable();
        if line.starts_with('`')
            && let Some(text) = words.next_if(|word| folders.contains(*word))
        {
            found.push(Word { text, part: Some(text), subject: true });
            part = Some(text);
        }
        let cell = line.strip_prefix("| ").and_then(|row| row.split(" | ").next());
        let subject = |text: &str| cell.is_some_and(|cell| cell.contains(&format!("`{text}`")));
        let paths = words.filter(|word| is_path(word));
        found.extend(paths.map(|text| Word { text, part, subject: subject(text) }));
    }
    found
}

/// Returns how a map and a tree of source files disagree.
fn problems(map: &str, sources: &BTreeSet<String>, folders: &BTreeSet<String>) -> Vec<String> {
    let mut problems = Vec::new();
    let (mut named, mut families, mut subjects) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for word in words(map, folders) {
        let Word { text, part, subject } = word;
        let exists = |name: &String| match name.ends_with('/') {
            true => sources.iter().any(|file| is_in(file, name)),
            false => sources.contains(name) || folders.contains(name) || root().join(name).exists(),
        };
        let Some(name) = word.names().find(exists) else {
            // In prose the end of a path is enough.
            let end = format!("/{text}");
            if part.is_some() || !sources.iter().any(|file| file.ends_with(&end)) {
                problems.push(format!("names {text}, which does not exist"));
            }
            continue;
        };
        // A merge of two changes may have left both.
        if subject && !subjects.insert((part, name.clone())) {
            problems.push(format!("has two rows or parts about {name}"));
        }
        if !name.ends_with('/') {
            named.insert(name);
        } else if is_too_large(&name) {
            problems.push(format!("names {text}, which is too large for a family"));
        } else {
            families.insert(name);
        }
    }
    let missing = sources.iter().filter(|file| {
        let plain = ["lib.rs", "tests.rs"].contains(&file.rsplit('/').next().unwrap_or_default());
        !plain && !named.contains(*file) && !families.iter().any(|family| is_in(file, family))
    });
    problems.extend(missing.map(|file| format!("does not name {file}")));
    problems
}

/// Returns whether a file belongs to a family.
fn is_in(file: &str, family: &str) -> bool {
    let mut parts = file.split('/');
    family.trim_end_matches('/').split('/').all(|folder| {
        let part = parts.next();
        folder == "*" && part.is_some() || part == Some(folder)
    })
}

/// Returns whether a word of the map is meant to be a path of ours.
fn is_path(word: &str) -> bool {
    let ours = [MEMBERS, SCRIPTS, &["docs", "dist", "man", "songs"]].concat();
    let top = word.split('/').next().unwrap_or_default();
    let file = [".rs", ".md", ".txt"].iter().any(|end| word.ends_with(end));
    let plain = !word.starts_with('/') && !word.contains(' ');
    plain && (file || word.ends_with('/') || (word.contains('/') && ours.contains(&top)))
}

/// Returns whether a family leaves nothing to name.
fn is_too_large(family: &str) -> bool {
    let parts: Vec<_> = family.trim_end_matches('/').split('/').collect();
    match parts[..] {
        ["crates" | "validators", ref below @ ..] => {
            matches!(below, [] | [_] | [_, "src" | "library"])
        }
        _ => parts.len() < 2,
    }
}
