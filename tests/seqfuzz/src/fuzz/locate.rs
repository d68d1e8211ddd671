//! Which function, file and line of the engine each edge is in, by a program's debug information.

use crate::cover;
use std::fs;
use std::path::Path;

/// The folders whose files count. An edge of an inlined function of a library counts for the file that it is inlined
/// into.
const FOLDERS: [&str; 2] = ["crates/engine/src/", "crates/midi/src/"];

/// Where an edge is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file, from the root of the repository; empty for an edge in no file of the engine.
    pub file: String,
    /// The line.
    pub line: u32,
    /// The function of that line.
    pub function: String,
    /// The symbol of the machine code that the edge is part of.
    pub(super) symbol: String,
    /// The symbol without the hash that says how its crate was built.
    pub(super) plain: String,
    /// All functions and places that were inlined there. It says which edge it is also in another build of the same code.
    pub(super) chain: String,
}

/// Returns the place of each edge of this program.
///
/// # Errors
/// A message for people if the program's debug information cannot be read.
pub(super) fn places() -> Result<Vec<Place>, String> {
    let program = std::env::current_exe().map_err(|error| format!("my own file: {error}"))?;
    let base = base(&program.to_string_lossy()).unwrap_or(0);
    let addresses = cover::places().into_iter().map(|address| address.saturating_sub(base));
    places_of(&program, addresses)
}

/// Returns the places of addresses of a program, each without the address at which the program is loaded.
///
/// # Errors
/// A message for people if the program's debug information cannot be read.
pub(super) fn places_of(
    program: &Path,
    addresses: impl Iterator<Item = usize>,
) -> Result<Vec<Place>, String> {
    let loader = addr2line::Loader::new(program)
        .map_err(|error| format!("debug information of {}: {error}", program.display()))?;
    Ok(addresses.map(|address| place(&loader, u64::try_from(address).unwrap_or(0))).collect())
}

fn place(loader: &addr2line::Loader, address: u64) -> Place {
    let symbol = loader.find_symbol(address).unwrap_or_default().to_owned();
    let mut place = Place { plain: plain(&symbol), symbol, ..Place::default() };
    let Ok(mut frames) = loader.find_frames(address) else { return place };
    while let Ok(Some(frame)) = frames.next() {
        let function = frame.function.as_ref().and_then(|function| function.demangle().ok());
        let function = plain(function.as_deref().unwrap_or_default());
        let Some(location) = frame.location else { continue };
        let (Some(file), Some(line)) = (location.file, location.line) else { continue };
        let start = FOLDERS.iter().find_map(|folder| file.find(folder));
        let short = &file[start.unwrap_or(0)..];
        place.chain += &format!("{function} {short}:{line}:{} ", location.column.unwrap_or(0));
        if place.file.is_empty() && start.is_some() {
            (place.file, place.line, place.function) = (short.to_owned(), line, function);
        }
    }
    place
}

/// Returns the name of a function, or its symbol, without the hash at its end.
fn plain(name: &str) -> String {
    let is_hash =
        |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let symbol = name.strip_suffix('E').and_then(|symbol| symbol.rsplit_once("17h"));
    match symbol.or_else(|| name.rsplit_once("::h")) {
        Some((name, hash)) if is_hash(hash) => name.to_owned(),
        _ => name.to_owned(),
    }
}

/// Returns the address at which a program's file begins in memory.
fn base(program: &str) -> Option<usize> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with(program))?;
    usize::from_str_radix(line.split('-').next()?, 16).ok()
}
