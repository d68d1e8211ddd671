//! Checks that modules use each other in one direction: no circles of files, except a parent with its own children.
//!
//! Paths are followed to the file that defines the item: a re-export does not count as a use of the file that has it.
//! Modules for tests (`#[cfg(test)] mod ..`) are left out.

mod module_graph;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use module_graph::{circles, graph, name_of, sources};

/// The folders that hold crates, and how many crates there are at least: a folder that has moved away does not pass.
const WINGS: [(&str, usize); 2] = [("crates", 14), ("validators", 4)];

#[test]
fn modules_form_no_circles() {
    let mut wrong = Vec::new();
    for (wing, at_least) in WINGS {
        let entries = fs::read_dir(root().join(wing)).expect("a wing").flatten();
        let crates = entries.map(|entry| entry.path());
        let crates: Vec<_> = crates.filter(|path| path.join("Cargo.toml").is_file()).collect();
        assert!(crates.len() >= at_least, "{wing} has {} crates", crates.len());
        for path in crates {
            let name = path.file_name().unwrap_or_default().display();
            let found = circles(&graph(&sources(&path)));
            wrong.extend(found.iter().map(|circle| format!("{wing}/{name}: {circle}")));
        }
    }
    assert!(wrong.is_empty(), "circles of modules:\n{}", wrong.join("\n"));
}

#[test]
fn a_planted_circle_is_found() {
    let found = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(name, text)| (name_of(name), (*text).to_owned()));
        circles(&graph(&files.collect())).into_iter().collect::<Vec<_>>()
    };
    // A circle of siblings, by an import and by a qualified path.
    let there = ("a.rs", "use crate::b::Item; pub struct Other;");
    let back = ("b.rs", "pub struct Item; fn f(_: super::a::Other) {}");
    assert_eq!(found(&[("lib.rs", "mod a; mod b;"), there, back]), ["a -> b -> a"]);
    // A circle through a re-export of the root, an import in braces with a new name, and an imported module.
    let root = ("lib.rs", "mod a; mod b; mod c; pub use a::Other;");
    let (a, c) = (("a.rs", "use crate::{b as bee}; bee::f();"), ("c.rs", "use crate::Other as O;"));
    let b = ("b.rs", "use crate::{c::{self, Third}, d}; pub fn f() {}");
    assert_eq!(
        found(&[root, ("a.rs", &format!("pub struct Other; {}", a.1)), b, c]),
        ["a -> b -> c -> a"]
    );
    // A circle of a grandchild and its grandparent.
    let files = [("a/mod.rs", "use b::c::X; pub struct Y;"), ("a/b.rs", "pub mod c;")];
    let deep = ("a/b/c.rs", "use super::super::Y; pub struct X;");
    assert_eq!(found(&[("lib.rs", "mod a;"), files[0], files[1], deep]), ["a -> a::b::c -> a"]);
    // A circle of siblings by a glob.
    let globs =
        [("a.rs", "use crate::b::*; pub struct A;"), ("b.rs", "use super::a::*; pub struct B;")];
    assert_eq!(found(&[("lib.rs", "mod a; mod b;"), globs[0], globs[1]]), ["a -> b -> a"]);
    // A circle by a macro, and one by the first of two imports that have the same name.
    let defined = ("a.rs", "macro_rules! m { () => {} } pub(crate) use m; use crate::b::B;");
    let used = ("b.rs", "use crate::a::m; pub struct B; fn f() { m!() }");
    assert_eq!(found(&[("lib.rs", "mod a; mod b;"), defined, used]), ["a -> b -> a"]);
    let twice =
        ("a.rs", "pub struct A; fn f() { use crate::b::B as X; } fn g() { use crate::c::C as X; }");
    let back = ("b.rs", "use crate::a::A; pub struct B;");
    let other = ("c.rs", "pub struct C;");
    assert_eq!(found(&[("lib.rs", "mod a; mod b; mod c;"), twice, back, other]), ["a -> b -> a"]);
}

#[test]
fn a_parent_and_its_children_are_no_circle() {
    let found = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(name, text)| (name_of(name), (*text).to_owned()));
        circles(&graph(&files.collect()))
    };
    let parent = ("a.rs", "mod b; mod c; use b::B; use c::C; pub struct A;");
    let children = [
        ("a/b.rs", "use super::A; use super::c::C; pub struct B;"),
        ("a/c.rs", "use super::A; pub struct C;"),
    ];
    assert_eq!(found(&[("lib.rs", "mod a;"), parent, children[0], children[1]]), BTreeSet::new());
    // Comments, strings and tests do not count.
    let one = ("x.rs", "use crate::y::Y; pub struct X;");
    let other = "// use crate::x::X;\n/* crate::x::X */ const S: &str = \"crate::x::X\"; const Q: char = '\"';
        pub struct Y; pub(in crate::x) fn f<'a>(_: &'a str) {} #[cfg(test)] mod tests { use crate::x::X; }";
    assert_eq!(found(&[("lib.rs", "mod x; mod y;"), one, ("y.rs", other)]), BTreeSet::new());
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}
