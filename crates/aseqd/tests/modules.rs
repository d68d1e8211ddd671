//! Checks that modules use each other in one direction: no circle of files, but a parent with its own children.
//!
//! Paths are followed to the file where the item stands: a re-export is no use of the file that has it. Modules for
//! tests (`#[cfg(test)] mod ..`) are left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that have no circle.
const FREE: &[&str] = &[
    "crates/bench",
    "crates/chardev",
    "crates/client",
    "crates/console",
    "crates/engine",
    "crates/host",
    "crates/midi",
    "crates/preload",
    "crates/smf",
    "crates/tools",
    "crates/wire",
    "validators/lockdep-preload",
];

/// Crates that have circles, and which ones. A new circle fails, and one that is gone must leave the list.
const NOT_YET_FREE: &[(&str, &[&str])] = &[
    ("crates/abi", &["event -> seq -> event"]),
    (
        "crates/aseqd",
        &[
            "run::hotplug -> run::namespace -> run::hotplug",
            "run::hotplug -> run::namespace -> run::link -> run::hotplug",
        ],
    ),
    (
        "crates/server",
        &[
            "door::seccomp::path -> door::seccomp::walk -> door::seccomp::path",
            "door::seccomp::peek -> door::seccomp::target -> door::seccomp::peek",
            "door::seccomp::trap -> door::seccomp::waiting -> door::seccomp::trap",
        ],
    ),
    (
        "validators/kcsan",
        &[
            "runtime::api -> runtime::watch -> runtime::print -> runtime::setup -> runtime::api",
            "runtime::api -> runtime::watch -> runtime::setup -> runtime::api",
            "runtime::print -> runtime::setup -> runtime::print",
        ],
    ),
    ("validators/kreport", &["guilty -> model -> guilty"]),
    (
        "validators/lockdep",
        &[
            "check::sleep -> graph -> class -> sud -> check::sleep",
            "check::sleep -> print -> class -> sud -> check::sleep",
            "check::sleep -> print -> graph -> class -> sud -> check::sleep",
            "check::sleep -> print -> site -> sud -> check::sleep",
            "check::sleep -> site -> sud -> check::sleep",
            "check::sleep -> sud -> check::sleep",
            "class -> graph -> class",
            "graph -> shared -> graph",
        ],
    ),
];

/// A module's path from the root of its crate, which is empty.
type Name = Vec<String>;

#[test]
fn modules_form_no_circles() {
    let mut wrong = Vec::new();
    let free = FREE.iter().map(|name| (*name, &[][..]));
    for (name, allowed) in free.chain(NOT_YET_FREE.iter().copied()) {
        let found = circles(&graph(&sources(&root().join(name))));
        let allowed: BTreeSet<String> = allowed.iter().map(|&circle| circle.to_owned()).collect();
        wrong.extend(found.difference(&allowed).map(|circle| format!("{name}: new: {circle}")));
        wrong.extend(allowed.difference(&found).map(|circle| format!("{name}: gone: {circle}")));
    }
    assert!(wrong.is_empty(), "circles of modules:\n{}", wrong.join("\n"));
}

#[test]
fn every_crate_is_checked() {
    let listed = FREE.iter().copied().chain(NOT_YET_FREE.iter().map(|(name, _)| *name));
    let listed: BTreeSet<String> = listed.map(str::to_owned).collect();
    let mut crates = BTreeSet::new();
    for wing in ["crates", "validators"] {
        for entry in fs::read_dir(root().join(wing)).expect("a wing").flatten() {
            if entry.path().join("Cargo.toml").is_file() {
                crates.insert(format!("{wing}/{}", entry.file_name().display()));
            }
        }
    }
    assert_eq!(crates, listed);
}

#[test]
fn a_planted_circle_is_found() {
    let found = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(name, text)| (name_of(name), (*text).to_owned()));
        circles(&graph(&files.collect())).into_iter().collect::<Vec<_>>()
    };
    // Siblings, by an import and by a qualified path.
    let there = ("a.rs", "use crate::b::Item; pub struct Other;");
    let back = ("b.rs", "pub struct Item; fn f(_: super::a::Other) {}");
    assert_eq!(found(&[("lib.rs", "mod a; mod b;"), there, back]), ["a -> b -> a"]);
    // Through a re-export of the root, an import in braces with a new name, and an imported module.
    let root = ("lib.rs", "mod a; mod b; mod c; pub use a::Other;");
    let (a, c) = (("a.rs", "use crate::{b as bee}; bee::f();"), ("c.rs", "use crate::Other as O;"));
    let b = ("b.rs", "use crate::{c::{self, Third}, d}; pub fn f() {}");
    assert_eq!(
        found(&[root, ("a.rs", &format!("pub struct Other; {}", a.1)), b, c]),
        ["a -> b -> c -> a"]
    );
    // A grandchild and its grandparent.
    let files = [("a/mod.rs", "use b::c::X; pub struct Y;"), ("a/b.rs", "pub mod c;")];
    let deep = ("a/b/c.rs", "use super::super::Y; pub struct X;");
    assert_eq!(found(&[("lib.rs", "mod a;"), files[0], files[1], deep]), ["a -> a::b::c -> a"]);
    // Siblings by a glob.
    let globs =
        [("a.rs", "use crate::b::*; pub struct A;"), ("b.rs", "use super::a::*; pub struct B;")];
    assert_eq!(found(&[("lib.rs", "mod a; mod b;"), globs[0], globs[1]]), ["a -> b -> a"]);
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
    // Words in comments and strings, and tests.
    let one = ("x.rs", "use crate::y::Y; pub struct X;");
    let other = "// use crate::x::X;\n/* crate::x::X */ const S: &str = \"crate::x::X\"; const Q: char = '\"';
        pub struct Y; pub(in crate::x) fn f<'a>(_: &'a str) {} #[cfg(test)] mod tests { use crate::x::X; }";
    assert_eq!(found(&[("lib.rs", "mod x; mod y;"), one, ("y.rs", other)]), BTreeSet::new());
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// Returns the name of the module that a file below `src` is.
fn name_of(file: &str) -> Name {
    let mut name: Name = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let last = name.last().map(String::as_str);
    if last == Some("mod") || (name.len() == 1 && matches!(last, Some("lib" | "main"))) {
        name.pop();
    }
    name
}

/// Returns the files of a crate's library, or of its program where it is none.
fn sources(member: &Path) -> BTreeMap<Name, String> {
    fn read(folder: &Path, below: &str, found: &mut BTreeMap<Name, String>) {
        for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
            let (path, file) = (entry.path(), format!("{below}{}", entry.file_name().display()));
            let program = file == "main.rs" && folder.join("lib.rs").is_file();
            if path.is_dir() && file != "bin" {
                read(&path, &format!("{file}/"), found);
            } else if file.ends_with(".rs") && !program {
                found.insert(name_of(&file), fs::read_to_string(&path).expect("a source file"));
            }
        }
    }
    let mut found = BTreeMap::new();
    let folders = ["src", "library"].map(|folder| member.join(folder));
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        read(folder, "", &mut found);
    }
    assert!(!found.is_empty(), "{} has no sources", member.display());
    found
}

/// What a module, a file or one in braces, says.
#[derive(Default)]
struct Module {
    /// The module that is the file.
    file: Name,
    /// The names of the items that stand in it.
    items: BTreeSet<String>,
    /// The names that it imports or re-exports, and their paths.
    imports: BTreeMap<String, Name>,
    /// The paths of the modules that it imports everything from.
    globs: Vec<Name>,
    /// The other paths in its code.
    paths: Vec<Name>,
}

/// Returns which file uses which.
fn graph(files: &BTreeMap<Name, String>) -> BTreeMap<Name, BTreeSet<Name>> {
    let mut modules: BTreeMap<Name, Module> = BTreeMap::new();
    for (name, text) in files {
        modules.insert(name.clone(), Module { file: name.clone(), ..Module::default() });
        let tokens = tokens(text);
        Reader { tokens: &tokens, at: 0, modules: &mut modules, file: name }.module(name);
    }
    let mut graph: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for (name, module) in &modules {
        let uses = graph.entry(module.file.clone()).or_default();
        for path in module.imports.values().chain(&module.paths).chain(&module.globs) {
            let glob = module.globs.contains(path);
            if let Some((target, whole)) = resolve(&modules, name, path, 0)
                // The import of a module is no use: the paths that begin with it are.
                && (glob || !whole)
            {
                uses.insert(modules[&target].file.clone());
            }
        }
        uses.remove(&module.file);
    }
    graph
}

/// Returns the module where the item of a path stands, as seen from a module, and whether the path names the module
/// itself. Returns nothing for a path of another crate or of a local name.
fn resolve(
    modules: &BTreeMap<Name, Module>,
    from: &Name,
    path: &[String],
    depth: u32,
) -> Option<(Name, bool)> {
    if depth > 16 {
        return None;
    }
    let (mut place, mut rest) = match path.first()?.as_str() {
        "crate" => (Name::new(), &path[1..]),
        "self" => (from.clone(), &path[1..]),
        "super" => (from[..from.len().checked_sub(1)?].to_vec(), &path[1..]),
        first => {
            let child = [&from[..], &[first.to_owned()]].concat();
            let module = &modules[from];
            let imported = module.imports.get(first).is_some_and(|path| path[0] != first);
            if !modules.contains_key(&child) && !imported && !module.items.contains(first) {
                return None;
            }
            (from.clone(), path)
        }
    };
    while let Some((next, after)) = rest.split_first() {
        if next == "super" {
            place.pop()?;
        } else if next != "self" {
            let child = [&place[..], std::slice::from_ref(next)].concat();
            let module = modules.get(&place)?;
            if modules.contains_key(&child) {
                place = child;
            } else if let Some(import) = module.imports.get(next)
                && !(place == *from && import[0] == *next)
            {
                // An import of another crate leads nowhere.
                return resolve(modules, &place, &[import, after].concat(), depth + 1);
            } else if !module.items.contains(next) {
                let found = module.globs.iter().find_map(|glob| {
                    let (target, _) = resolve(modules, &place, glob, depth + 1)?;
                    let has = |module: &Module| {
                        module.items.contains(next) || module.imports.contains_key(next)
                    };
                    (target != place && modules.get(&target).is_some_and(has)).then_some(target)
                });
                let Some(found) = found else { return Some((place, false)) };
                return resolve(modules, &found, &[&["self".to_owned()], rest].concat(), depth + 1);
            } else {
                return Some((place, false));
            }
        }
        rest = after;
    }
    modules.contains_key(&place).then_some((place, true))
}

/// Returns the shortest circle through each arrow that is on one, each written from its first module.
fn circles(graph: &BTreeMap<Name, BTreeSet<Name>>) -> BTreeSet<String> {
    let parent = |name: &Name| name.split_last().map(|(_, parent)| parent.to_vec());
    let mut found = BTreeSet::new();
    for (from, uses) in graph {
        for to in uses {
            if parent(from).as_ref() == Some(to) || parent(to).as_ref() == Some(from) {
                continue;
            }
            // Children of one parent may meet in it.
            let without = parent(from).filter(|_| parent(from) == parent(to));
            if let Some(mut circle) = way(graph, to, from, without.as_ref()) {
                let first =
                    circle.iter().enumerate().min_by_key(|(_, name)| *name).map_or(0, |(at, _)| at);
                circle.rotate_left(first);
                circle.push(circle[0].clone());
                let names = circle.iter().map(|name| match name.is_empty() {
                    true => "crate".to_owned(),
                    false => name.join("::"),
                });
                found.insert(names.collect::<Vec<_>>().join(" -> "));
            }
        }
    }
    found
}

/// Returns the shortest way from a module to another one, both included.
fn way(
    graph: &BTreeMap<Name, BTreeSet<Name>>,
    from: &Name,
    to: &Name,
    without: Option<&Name>,
) -> Option<Vec<Name>> {
    let mut came: BTreeMap<&Name, &Name> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(here) = queue.pop_front() {
        if here == to {
            let mut way = vec![here.clone()];
            let mut here = here;
            while here != from {
                here = came[here];
                way.insert(0, here.clone());
            }
            return Some(way);
        }
        for next in graph.get(here).into_iter().flatten() {
            if next != from && Some(next) != without && !came.contains_key(next) {
                came.insert(next, here);
                queue.push_back(next);
            }
        }
    }
    None
}

struct Reader<'a> {
    tokens: &'a [String],
    at: usize,
    modules: &'a mut BTreeMap<Name, Module>,
    file: &'a Name,
}

impl Reader<'_> {
    fn token(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", String::as_str)
    }

    fn before(&self, back: usize) -> &str {
        self.at.checked_sub(back).map_or("", |at| &self.tokens[at])
    }

    /// Reads up to the brace that ends the module, or to the end of the file.
    fn module(&mut self, name: &Name) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match self.token(0) {
                "{" => depth += 1,
                "}" if depth == 0 => return,
                "}" => depth -= 1,
                "mod" if self.token(2) == "{" => {
                    self.module_in_braces(name);
                }
                "use" => {
                    self.at += 1;
                    self.tree(name, &Name::new());
                }
                "struct" | "enum" | "union" | "trait" | "fn" | "const" | "static" | "type" => {
                    let item = self.token(if self.token(1) == "mut" { 2 } else { 1 }).to_owned();
                    self.here(name).items.insert(item);
                }
                token if is_word(token) && self.token(1) == "::" => {
                    let visibility = self.before(1) == "in" && self.before(2) == "(";
                    let path = self.path();
                    if !visibility {
                        self.here(name).paths.push(path);
                    }
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn here(&mut self, name: &Name) -> &mut Module {
        self.modules.get_mut(name).expect("a module that is being read")
    }

    /// Reads a module in braces, from `mod` to its last brace. One for tests is left out.
    fn module_in_braces(&mut self, name: &Name) {
        let tests =
            (1..8).any(|back| self.before(back) == "cfg" && self.before(back - 2) == "test");
        let child = [&name[..], &[self.token(1).to_owned()]].concat();
        self.modules.insert(child.clone(), Module { file: self.file.clone(), ..Module::default() });
        self.at += 3;
        self.module(&child);
        if tests {
            self.modules.remove(&child);
        }
    }

    /// Reads a path of at least two words.
    fn path(&mut self) -> Name {
        let local = matches!(self.before(1), "::" | ".");
        let mut path = vec![self.token(0).to_owned()];
        self.at += 1;
        while self.token(0) == "::" && is_word(self.token(1)) {
            path.push(self.token(1).to_owned());
            self.at += 2;
        }
        if local { vec![String::new()] } else { path }
    }

    /// Reads the tree of an import, after `prefix`, up to the token behind it.
    fn tree(&mut self, name: &Name, prefix: &Name) {
        let mut path = prefix.clone();
        loop {
            match self.token(0) {
                "::" => {}
                "*" => {
                    self.here(name).globs.push(path);
                    self.at += 1;
                    return;
                }
                "{" => {
                    self.at += 1;
                    while !matches!(self.token(0), "}" | "") {
                        self.tree(name, &path);
                        if self.token(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                word if is_word(word) && word != "as" => {
                    if word != "self" || path.is_empty() {
                        path.push(word.to_owned());
                    }
                }
                _ => break,
            }
            self.at += 1;
        }
        let mut local = path.last().cloned().unwrap_or_default();
        if self.token(0) == "as" {
            self.token(1).clone_into(&mut local);
            // Imports for their methods alone have no name.
            if local == "_" {
                local = path.join("::");
            }
            self.at += 2;
        }
        if !path.is_empty() {
            self.here(name).imports.insert(local, path);
        }
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Returns the words, `::` and other signs of a text, without comments, strings, characters and lifetimes.
fn tokens(text: &str) -> Vec<String> {
    let text: Vec<char> = text.chars().collect();
    let is = |at: usize, sign: char| text.get(at) == Some(&sign);
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let first = text[at];
        if first == '/' && is(at + 1, '/') {
            while at < text.len() && text[at] != '\n' {
                at += 1;
            }
        } else if first == '/' && is(at + 1, '*') {
            let mut depth = 1;
            at += 2;
            while at < text.len() && depth > 0 {
                let (open, close) =
                    (is(at, '/') && is(at + 1, '*'), is(at, '*') && is(at + 1, '/'));
                depth = if open {
                    depth + 1
                } else if close {
                    depth - 1
                } else {
                    depth
                };
                at += if open || close { 2 } else { 1 };
            }
        } else if first == '"' {
            at += 1;
            while at < text.len() && text[at] != '"' {
                at += if text[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if first == '\'' {
            // A character ends with its sign, a lifetime does not.
            if is(at + 1, '\\') {
                at += 3;
                while at < text.len() && text[at] != '\'' {
                    at += 1;
                }
                at += 1;
            } else {
                at += if is(at + 2, '\'') { 3 } else { 1 };
            }
        } else if first.is_alphanumeric() || first == '_' {
            let begin = at;
            while at < text.len() && (text[at].is_alphanumeric() || text[at] == '_') {
                at += 1;
            }
            let word: String = text[begin..at].iter().collect();
            let signs = text[at..].iter().take_while(|&&sign| sign == '#').count();
            if matches!(word.as_str(), "r" | "br" | "cr") && is(at + signs, '"') {
                at += signs + 1;
                while at < text.len()
                    && !(text[at] == '"' && (1..=signs).all(|next| is(at + next, '#')))
                {
                    at += 1;
                }
                at += signs + 1;
            } else {
                found.push(word);
            }
        } else if first == ':' && is(at + 1, ':') {
            found.push("::".to_owned());
            at += 2;
        } else {
            if !first.is_whitespace() {
                found.push(first.to_string());
            }
            at += 1;
        }
    }
    found
}
