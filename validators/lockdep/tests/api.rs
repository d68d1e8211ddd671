//! A program that compiles with the validators on compiles with them off, and the other way round.
//!
//! rustdoc documents the crate both ways. Every page, and on it every item, method and implementation,
//! must be the same: its name, its signature, and the bounds of its type. The modules `std` and `parking_lot` are left out:
//! off, they are those crates themselves, and `dropin` compares on with that.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Traits that depend on the contents of a type, and on which no program relies here; and `Drop`, which empty types
/// do not need.
const INCIDENTAL: [&str; 5] = ["Freeze", "UnsafeUnpin", "UnwindSafe", "RefUnwindSafe", "Drop"];

/// Documents the crate, and returns the folder of its pages.
fn document(features: &[&str]) -> PathBuf {
    let me = std::env::current_exe().expect("this program");
    let name = if features.is_empty() { "off" } else { "on" };
    let target = me.ancestors().nth(3).expect("a target folder").join("api").join(name);
    // Pages of removed items would stay.
    let _ = fs::remove_dir_all(target.join("doc"));
    let status = Command::new(env!("CARGO"))
        .args(["doc", "--quiet", "--no-deps", "--package", "lockdep", "--target-dir"])
        .arg(&target)
        .args(features)
        .env_remove("RUSTDOCFLAGS")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the documentation builds");
    target.join("doc/lockdep")
}

/// Returns the text of a piece of HTML, without what does not matter to a caller.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let words: Vec<&str> = text.split_whitespace().collect();
    // The names of unused arguments begin with an underscore.
    let text = words.join(" ").replace("(_", "(").replace(", _", ", ").replace("( _", "( ");
    // All types with private fields are the same to a caller.
    let text = text.replace("{ /* private fields */ }", "(private)");
    text.replace("(/* private fields */);", " (private)")
}

/// Returns the declaration, and all methods and implementations, of one page.
fn items(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (begin, end) in [
        ("<pre class=\"rust item-decl\">", "</pre>"),
        ("class=\"code-header\">", "</h"),
        ("class=\"variant small-section-header\">", "</section>"),
        ("class=\"variant\">", "</section>"),
        ("class=\"structfield section-header\">", "</span>"),
    ] {
        for piece in page.split(begin).skip(1) {
            let text = plain(piece.split(end).next().unwrap_or_default());
            let is_incidental = INCIDENTAL.iter().any(|name| {
                [format!("impl {name} for"), format!("impl !{name} for")]
                    .iter()
                    .any(|start| text.starts_with(start))
                    || text.starts_with("impl<") && text.contains(&format!("> {name} for"))
                    || text.starts_with("impl<") && text.contains(&format!("> !{name} for"))
            });
            let is_drop = text.starts_with("fn drop(&mut self)");
            if !is_incidental && !is_drop {
                found.insert(text);
            }
        }
    }
    found
}

/// Returns the items of each page below a folder, by the path of the page.
fn pages(folder: &Path, below: &Path, found: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in fs::read_dir(folder).expect("a folder of pages").flatten() {
        let path = entry.path();
        if path.is_dir() {
            pages(&path, below, found);
        } else if path.extension().is_some_and(|extension| extension == "html") {
            let name = path.strip_prefix(below).expect("below").display().to_string();
            let page = fs::read_to_string(&path).expect("a page");
            if name.starts_with("std/") || name.starts_with("parking_lot/") {
                continue;
            }
            // The pages at the paths of items inside the crate only lead to their other pages.
            if !page.contains("http-equiv=\"refresh\"") {
                found.insert(name, items(&page));
            }
        }
    }
}

#[test]
fn the_api_is_the_same_on_and_off() {
    let read = |features: &[&str]| {
        let folder = document(features);
        let mut found = BTreeMap::new();
        pages(&folder, &folder, &mut found);
        found
    };
    let (on, off) = (read(&["--features", "validate"]), read(&[]));
    let names = |found: &BTreeMap<String, BTreeSet<String>>| -> BTreeSet<String> {
        found.keys().cloned().collect()
    };
    assert_eq!(names(&on), names(&off), "the pages, one for each item");
    let differences: Vec<_> = on
        .iter()
        .flat_map(|(name, items)| {
            items.symmetric_difference(&off[name]).map(move |item| (name, item))
        })
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
    // The search finds items that are there.
    let map = &on["struct.Map.html"];
    assert!(map.iter().any(|item| item.contains("fn acquire(&self, how: How, place: Place)")));
    assert!(map.contains("impl Send for Map") && map.contains("impl Debug for Map"), "{map:?}");
    assert!(on.values().map(BTreeSet::len).sum::<usize>() > 300);
}
