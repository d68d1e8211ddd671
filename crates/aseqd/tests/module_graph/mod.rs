//! Which module of a crate uses which, read from its sources.

mod circles;
mod reader;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

pub(crate) use circles::circles;
use reader::Reader;
use tokens::tokens;

/// A module's path from the root of its crate, which is empty.
pub(crate) type Name = Vec<String>;

/// Returns the name of the module in a file below `src`.
pub(crate) fn name_of(file: &str) -> Name {
    let mut name: Name = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let last = name.last().map(String::as_str);
    if last == Some("mod") || (name.len() == 1 && matches!(last, Some("lib" | "main"))) {
        name.pop();
    }
    name
}

/// Returns the files of a crate's library, or of its program if it has no library.
pub(crate) fn sources(member: &Path) -> BTreeMap<Name, String> {
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

/// The contents of a module, which is a file or stands in braces.
#[derive(Default)]
struct Module {
    /// The module of the whole file.
    file: Name,
    /// The names of the items that stand in it.
    items: BTreeSet<String>,
    /// The names that it imports or re-exports, and their paths. Of imports by one name, this has the last.
    imports: BTreeMap<String, Name>,
    /// The paths of the modules that it imports everything from.
    globs: Vec<Name>,
    /// All paths of imports, and the other paths in its code.
    paths: Vec<Name>,
}

/// Returns which file uses which.
pub(crate) fn graph(files: &BTreeMap<Name, String>) -> BTreeMap<Name, BTreeSet<Name>> {
    let mut modules: BTreeMap<Name, Module> = BTreeMap::new();
    for (name, text) in files {
        modules.insert(name.clone(), Module { file: name.clone(), ..Module::default() });
        let tokens = tokens(text);
        Reader { tokens: &tokens, at: 0, modules: &mut modules, file: name }.module(name);
    }
    let mut graph: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for (name, module) in &modules {
        let uses = graph.entry(module.file.clone()).or_default();
        for path in module.paths.iter().chain(&module.globs) {
            let glob = module.globs.contains(path);
            if let Some((target, whole)) = resolve(&modules, name, path, 0)
                // Importing a module does not use it; paths that begin with it do.
                && (glob || !whole)
            {
                uses.insert(modules[&target].file.clone());
            }
        }
        uses.remove(&module.file);
    }
    graph
}

/// Returns the module in which the item of a path is defined, as seen from a module, and whether the path names the
/// module itself. Returns nothing for a path of another crate or of a local name.
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
