//! Bugs planted in a copy of the engine. The copy is built below the target folder with all bugs in it, each behind a
//! switch, and the engine's own tests run on it. The engine itself has none of this.

mod edits;
#[cfg(feature = "run")]
mod run;

pub use edits::{Edit, PLANTS, Planted};
#[cfg(feature = "run")]
pub use run::{Outcome, Tests, Watched};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a program of the tests needs of the copy.
const TEMPLATE: [(&str, &str); 3] = [
    ("checked/src/lib.rs", include_str!("template/lib.rs")),
    ("checked/src/checked.rs", include_str!("template/checked.rs")),
    ("checked/src/replay.rs", include_str!("template/replay.rs")),
];
/// The tests of the engine that have tests of the catalogue.
const TESTS: [&str; 3] = ["behaviour", "timer", "ump"];
/// A module of these tests that is left out: it has no test of the catalogue, and needs a library that takes long to
/// build.
const LEFT_OUT: &str = "checked/tests/timer/storm.rs";

/// Writes the copy into a folder, from the workspace at `root`.
///
/// # Errors
/// An edit that does not fit the engine's source any more, or an error of the file system.
pub fn write(root: &Path, folder: &Path) -> Result<(), String> {
    let engine = root.join("crates/engine");
    let mut files = Vec::new();
    collect(&engine.join("src"), Path::new("planted/src"), &mut files)?;
    for (path, text) in &mut files {
        let inside = path.strip_prefix("planted/src").map_err(|_| "a path".to_owned())?;
        *text = edited(inside, std::mem::take(text))?;
        if inside == Path::new("lib.rs") {
            text.push_str("\npub mod plants;\n");
        }
    }
    files.push(("planted/src/plants.rs".into(), include_str!("template/plants.rs").to_owned()));
    for name in TESTS.iter().chain(&["rig"]) {
        let to = Path::new("checked/tests").join(name);
        collect(&engine.join("tests").join(name), &to, &mut files)?;
    }
    if let Some((_, text)) = files.iter_mut().find(|(path, _)| path == Path::new(LEFT_OUT)) {
        text.clear();
    }
    for (path, text) in TEMPLATE {
        files.push((path.into(), text.to_owned()));
    }
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"planted\", \"checked\"]\n\n\
                    [profile.dev]\ndebug = false\n";
    files.push(("Cargo.toml".into(), manifest.to_owned()));
    files.push(("planted/Cargo.toml".into(), package(root, "planted-engine", "")));
    let own = "planted-engine = { path = \"../planted\" }\n";
    files.push(("checked/Cargo.toml".into(), package(root, "aseqd-engine", own)));
    files.push(("Cargo.lock".into(), read(&root.join("Cargo.lock"))?));
    for (path, text) in &files {
        put(&folder.join(path), text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Returns the manifest of a package of the copy. Its dependencies are those of the engine and of its tests.
fn package(root: &Path, name: &str, own: &str) -> String {
    let crates = root.join("crates");
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n{own}\
         aseqd-abi = {{ path = {abi:?} }}\naseqd-midi = {{ path = {midi:?} }}\n\
         arrayvec = {{ version = \"0.7\", default-features = false }}\n\
         memchr = {{ version = \"2\", default-features = false }}\n\
         zerocopy = {{ version = \"0.8\", features = [\"derive\"] }}\n",
        abi = crates.join("abi"),
        midi = crates.join("midi"),
    )
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads the Rust files below a folder.
fn collect(folder: &Path, to: &Path, files: &mut Vec<(PathBuf, String)>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let Some(name) = path.file_name() else { continue };
        let to = to.join(name);
        if path.is_dir() {
            collect(&path, &to, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((to, read(&path)?));
        }
    }
    Ok(())
}

/// Makes all edits of one file.
fn edited(file: &Path, mut text: String) -> Result<String, String> {
    let counters = edits::COUNTERS.iter().map(|edit| (0, edit));
    let plants = PLANTS.iter().flat_map(|plant| plant.edits.iter().map(|edit| (plant.row, edit)));
    for (row, edit) in counters.chain(plants) {
        if Path::new(edit.file) != file {
            continue;
        }
        match text.matches(edit.old).count() {
            1 => {}
            0 => return Err(misfit(row, edit, "is not there")),
            _ => return Err(misfit(row, edit, "is there several times")),
        }
        let new = edit.new.replace("PLANT", &format!("crate::plants::on({row})"));
        text = text.replacen(edit.old, &new, 1);
    }
    Ok(text)
}

fn misfit(row: u32, edit: &Edit, why: &str) -> String {
    format!(
        "the plant of K{row:02} does not fit crates/engine/src/{} any more: the text below {why}. \
         Change it in tests/models/src/planted/edits.rs.\n{}",
        edit.file, edit.old
    )
}

/// Writes a file unless it has the text already, so that Cargo builds nothing twice.
fn put(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|known| known == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
