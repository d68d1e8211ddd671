//! Checks that each crate that is published says on crates.io and docs.rs what it is.

use crate::{MEMBERS, read, root};
use std::fs;
use std::path::Path;

/// Maximum number of keywords, and of categories, that crates.io takes.
const MOST_WORDS: usize = 5;

#[test]
fn published_crates_describe_themselves() {
    let root = root();
    let mut problems = Vec::new();
    let mut checked = 0;
    for wing in MEMBERS {
        for entry in fs::read_dir(root.join(wing)).expect("a folder of crates").flatten() {
            let folder = entry.path();
            let manifest = folder.join("Cargo.toml");
            if !manifest.is_file() || !is_published(&read(&manifest)) {
                continue;
            }
            checked += 1;
            let name = format!("{wing}/{}", entry.file_name().display());
            let lacks = lacks(&read(&manifest), |file| folder.join(file).is_file());
            problems.extend(lacks.iter().map(|field| format!("{name} lacks {field}")));
        }
    }
    problems.sort();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(checked > 10, "{checked} crates");
}

#[test]
fn a_planted_bare_manifest_is_found() {
    let all = |_: &Path| true;
    let whole = "[package]\nname = \"x\"\ndescription = \"Does x\"\nlicense.workspace = true\n\
        repository.workspace = true\nrust-version.workspace = true\nkeywords = [\"a\", \"b\"]\n\
        categories = [\"c\"]\n\n[package.metadata.docs.rs]\nall-features = true\n\n[dependencies]\n";
    assert_eq!(lacks(whole, all), [""; 0]);
    for field in ["description", "license", "repository", "rust-version", "keywords", "categories"]
    {
        let without: Vec<_> = whole.lines().filter(|line| !line.starts_with(field)).collect();
        assert_eq!(lacks(&without.join("\n"), all), [field]);
    }
    assert_eq!(
        lacks(&whole.replace("\"b\"", "\"b\", \"c\", \"d\", \"e\", \"f\""), all),
        ["keywords"]
    );
    assert_eq!(lacks(&whole.replace("metadata.docs", "metadata.dogs"), all), ["docs.rs metadata"]);
    assert_eq!(lacks(whole, |file| file != Path::new("README.md")), ["readme"]);
    // A description of a dependency is none of the crate.
    let other = whole.replace("description = \"Does x\"\n", "") + "description = \"y\"\n";
    assert_eq!(lacks(&other, all), ["description"]);
}

fn is_published(manifest: &str) -> bool {
    manifest.contains("[package]")
        && !section(manifest, "package").any(|line| line == "publish = false")
}

/// Returns the fields that a manifest lacks, and the files that it lacks beside it.
fn lacks(manifest: &str, is_file: impl Fn(&Path) -> bool) -> Vec<&'static str> {
    let value = |field: &str| {
        section(manifest, "package").find_map(|line| {
            let (key, value) = line.split_once('=')?;
            let key = key.trim();
            (key == field || key.strip_suffix(".workspace") == Some(field)).then(|| value.trim())
        })
    };
    let mut lacks = Vec::new();
    for field in ["description", "license", "repository", "rust-version"] {
        if value(field).is_none_or(|value| value == "\"\"") {
            lacks.push(field);
        }
    }
    for field in ["keywords", "categories"] {
        let words = value(field).map_or(0, |list| list.matches('"').count() / 2);
        if words == 0 || words > MOST_WORDS {
            lacks.push(field);
        }
    }
    let readme = value("readme").map_or("README.md", |name| name.trim_matches('"'));
    if !is_file(Path::new(readme)) {
        lacks.push("readme");
    }
    if !["LICENSE-MIT", "LICENSE-APACHE"].iter().all(|name| is_file(Path::new(name))) {
        lacks.push("texts of the licences");
    }
    if section(manifest, "package.metadata.docs.rs").next().is_none() {
        lacks.push("docs.rs metadata");
    }
    lacks
}

/// Returns the lines of a section that say something.
fn section<'a>(manifest: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let head = format!("[{name}]");
    let lines = manifest.lines().skip_while(move |line| line.trim() != head).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('[')).map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}
