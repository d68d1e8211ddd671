//! Finds functions, files and lines for the addresses in a stack.
//!
//! Modules are read from `/proc/self/maps` and from their files, and never through the dynamic loader: its lock may be
//! held by a thread that waits for this one.

#![expect(clippy::disallowed_types, reason = "the validator's own lock, around a cache of symbols")]

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use addr2line::{Loader, demangle_auto};
use kreport::print::name;
use object::{Object, ObjectSegment, ObjectSymbol, SymbolKind};

use crate::frame::{Frame, short_path};
use crate::words::Place;

/// A file of code or data.
pub(crate) struct Module {
    lines: Option<Loader>,
    /// The lowest address in the file.
    lowest: usize,
    /// Start, size and name of functions and variables, by start.
    symbols: Symbols,
}

type Symbols = Vec<(usize, usize, String)>;

/// The modules that were read so far, by path. A module that cannot be read is empty.
static READ: LazyLock<Mutex<Read>> = LazyLock::new(Mutex::default);

/// The modules that were read so far.
pub(crate) type Read = HashMap<String, Module>;

/// Maximum number of symbols to try for an address: some have no size and lie inside others.
const NEIGHBOURS: usize = 16;

/// Locks the modules that were read.
pub(crate) fn lock() -> MutexGuard<'static, Read> {
    READ.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The files that are mapped at a moment.
pub(crate) struct Modules {
    maps: String,
}

/// What is mapped at an address.
struct Mapped<'a> {
    path: &'a str,
    /// The lowest address where the file is mapped.
    base: usize,
}

impl Modules {
    /// Returns what is mapped now.
    pub(crate) fn now() -> Self {
        Self { maps: std::fs::read_to_string("/proc/self/maps").unwrap_or_default() }
    }

    fn at(&self, address: usize) -> Option<Mapped<'_>> {
        let (path, base) = mapping_of(&self.maps, address)?;
        Some(Mapped { path, base })
    }
}

/// Returns the file that is mapped at an address, and the lowest address where it is mapped. A file may be mapped once more
/// right before, to be read.
fn mapping_of(maps: &str, address: usize) -> Option<(&str, usize)> {
    let parse = |line: &str| -> Option<(usize, usize, bool, bool)> {
        let mut words = line.split_whitespace();
        let (from, to) = words.next()?.split_once('-')?;
        let (from, to) =
            (usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?);
        let is_code = words.next()?.contains('x');
        Some((from, to, is_code, words.next()?.bytes().all(|digit| digit == b'0')))
    };
    let path_of = |line| str::find(line, '/').map(|at| &line[at..]);
    let mut first: Option<(&str, usize)> = None;
    let mut has_code = false;
    for line in maps.lines() {
        let Some((from, to, is_code, is_start)) = parse(line) else { continue };
        let Some(path) = path_of(line) else { continue };
        if first.is_none_or(|(last, _)| last != path) || is_start && !is_code && !has_code {
            first = Some((path, from));
            has_code = false;
        }
        has_code |= is_code;
        if (from..to).contains(&address) {
            return first;
        }
    }
    None
}

/// Returns the frames of one return address: inlined functions first, then the function itself.
pub(crate) fn resolve(modules: &Modules, address: usize) -> Vec<Frame> {
    // A return address is behind its call, but the look-up needs the call.
    let call = address.saturating_sub(1);
    let frame =
        |function: String, is_system| Frame { is_system, ..Frame::of_function(address, function) };
    let Some(mapped) = modules.at(call) else {
        return vec![Frame::of_place(Place::Address(address))];
    };
    if is_preload(mapped.path) {
        // These frames are left out of every trace, and their debug information would take long to read.
        return vec![frame("lockdep_preload::".to_owned(), false)];
    }
    let is_system = is_of_a_language(mapped.path);
    with_module(mapped.path, |module| {
        let offset = call.wrapping_sub(mapped.base).wrapping_add(module.lowest);
        let mut frames: Vec<Frame> = module
            .inlined(offset)
            .into_iter()
            .map(|(function, line)| Frame { line, ..frame(function, is_system) })
            .collect();
        if frames.is_empty() {
            frames.push(frame(String::new(), is_system));
        }
        let Some(outer) = frames.last_mut() else { return frames };
        match module.symbol(offset) {
            Some((name, start, size)) => {
                outer.extent = Some((offset + 1 - start, size));
                outer.library = library(mapped.path);
                // With little debug information, a name has no path. The name of the symbol has it.
                let name = readable(name);
                let has_path = |function: &str| function.contains("::");
                if outer.function.is_empty() || !has_path(&outer.function) && has_path(&name) {
                    outer.function = name;
                }
            }
            None => {
                outer.extent = Some((0, 0));
                if outer.function.is_empty() {
                    outer.function = format!("{}:{:#x}", file_name(mapped.path), offset + 1);
                }
            }
        }
        frames
    })
}

/// Returns the files of code at return addresses, each once, without those of languages and the preloaded library.
#[cfg(feature = "static-tls")]
pub(crate) fn modules_of(addresses: &[usize]) -> Vec<String> {
    let modules = Modules::now();
    let mut paths: Vec<String> = addresses
        .iter()
        .filter_map(|address| modules.at(address.saturating_sub(1)))
        .filter(|mapped| !is_of_a_language(mapped.path) && !is_preload(mapped.path))
        .map(|mapped| mapped.path.to_owned())
        .collect();
    paths.sort();
    paths.dedup();
    // Each wait of a thread keeps such a list.
    paths.shrink_to_fit();
    paths
}

/// Returns whether a file is the library that is loaded with `LD_PRELOAD`.
fn is_preload(path: &str) -> bool {
    // `lockdep-run` loads it from memory.
    path.ends_with("/liblockdep_preload.so") || path.starts_with("/memfd:liblockdep_preload.so")
}

/// Returns the name of the variable or function at an address.
pub(crate) fn symbol_at(address: usize) -> Option<String> {
    let modules = Modules::now();
    let mapped = modules.at(address)?;
    with_module(mapped.path, |module| {
        let offset = address.wrapping_sub(mapped.base).wrapping_add(module.lowest);
        module.symbol(offset).map(|(name, _, _)| readable(name))
    })
}

fn with_module<R>(path: &str, look: impl FnOnce(&Module) -> R) -> R {
    let mut read = lock();
    if let Some(module) = read.get(path) {
        return look(module);
    }
    look(read.entry(path.to_owned()).or_insert_with(|| Module::read(path)))
}

impl Module {
    fn read(path: &str) -> Self {
        let (lowest, symbols) = symbols_of(path).unwrap_or_default();
        Self { lines: Loader::new(path).ok(), lowest, symbols }
    }

    /// Returns the functions and lines that debug information has for an address in the file, the function itself
    /// last.
    fn inlined(&self, address: usize) -> Vec<(String, Option<(String, u32)>)> {
        let mut found = Vec::new();
        let Some(lines) = &self.lines else { return found };
        let Ok(mut frames) = lines.find_frames(address as u64) else { return found };
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref().and_then(|name| name.raw_name().ok());
            let location = frame.location.and_then(|at| Some((short_path(at.file?), at.line?)));
            found.push((name.map(|name| readable(&name)).unwrap_or_default(), location));
        }
        found
    }

    /// Returns the mangled name, the start and the size of the symbol at an address in the file.
    fn symbol(&self, address: usize) -> Option<(&str, usize, usize)> {
        let after = self.symbols.partition_point(|(start, _, _)| *start <= address);
        let mut near = self.symbols[..after].iter().rev().take(NEIGHBOURS);
        near.find(|(start, size, _)| address < start + (*size).max(1))
            .map(|(start, size, name)| (name.as_str(), *start, *size))
    }
}

/// Returns the lowest address of a file and its symbols.
fn symbols_of(path: &str) -> Option<(usize, Symbols)> {
    let bytes = std::fs::read(path).ok()?;
    let file = object::File::parse(&*bytes).ok()?;
    let lowest = file.segments().map(|segment| segment.address()).min()?;
    let mut symbols: Symbols = file
        .symbols()
        .chain(file.dynamic_symbols())
        .filter(|symbol| has_code_or_data(symbol.kind()) && symbol.is_definition())
        .filter_map(|symbol| {
            let start = usize::try_from(symbol.address()).ok()?;
            let size = usize::try_from(symbol.size()).ok()?;
            Some((start, size, symbol.name().ok()?.to_owned()))
        })
        .collect();
    symbols.sort();
    // Of the symbols that start at one address, the largest is the function.
    symbols.reverse();
    symbols.dedup_by_key(|(start, _, _)| *start);
    symbols.reverse();
    Some((usize::try_from(lowest).ok()? & !0xfff, symbols))
}

/// A function of a file.
#[cfg(feature = "static-tls")]
pub struct Function<'a> {
    /// Its name in the file, mangled if its language does that.
    pub name: &'a str,
    /// Its address in the file.
    pub address: usize,
    /// Whether other files find it by its name.
    pub is_exported: bool,
}

#[cfg(feature = "static-tls")]
impl Function<'_> {
    /// Returns the name as reports show it.
    #[must_use]
    pub fn readable(&self) -> String {
        readable(self.name)
    }
}

/// Calls `f` with each function of a file. One that is exported comes once more if the file has all its symbols.
#[cfg(feature = "static-tls")]
pub(crate) fn functions(path: &str, mut f: impl FnMut(&Function<'_>)) {
    let Ok(bytes) = std::fs::read(path) else { return };
    let Ok(file) = object::File::parse(&*bytes) else { return };
    let of_file = file.symbols().map(|symbol| (symbol, false));
    let all = of_file.chain(file.dynamic_symbols().map(|symbol| (symbol, true)));
    for (symbol, is_exported) in all {
        let is_function = symbol.kind() == SymbolKind::Text && symbol.is_definition();
        let (Ok(name), Ok(address)) = (symbol.name(), usize::try_from(symbol.address())) else {
            continue;
        };
        if is_function {
            // Symbols may have versions.
            f(&Function { name: name.split('@').next().unwrap_or(name), address, is_exported });
        }
    }
}

fn has_code_or_data(kind: SymbolKind) -> bool {
    matches!(kind, SymbolKind::Text | SymbolKind::Data)
}

/// Returns a name as reports show it, decoded if it is mangled. C++ mangles the names of types too: without a prefix,
/// a function `w` would be a `wchar_t`.
fn readable(name: &str) -> String {
    let is_mangled = ["_Z", "__Z", "_R"].iter().any(|prefix| name.starts_with(prefix));
    let name = Cow::Borrowed(name);
    name::function(&if is_mangled { demangle_auto(name, None) } else { name })
}

/// Returns the file name of a library, or nothing for the program itself.
fn library(path: &str) -> Option<String> {
    static PROGRAM: LazyLock<Option<std::path::PathBuf>> =
        LazyLock::new(|| std::fs::read_link("/proc/self/exe").ok());
    let is_program = PROGRAM.as_deref().is_none_or(|program| program.as_os_str() == path);
    (!is_program).then(|| file_name(path).to_owned())
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns whether a file is the library of a language, whose functions stand between a program and a finding.
fn is_of_a_language(path: &str) -> bool {
    const LIBRARIES: [&str; 9] = [
        "libc.",
        "libc-",
        "libpthread",
        "ld-",
        "libstdc++.",
        "libc++",
        "libgcc_s.",
        "librt.",
        "libdl.",
    ];
    LIBRARIES.iter().any(|start| file_name(path).starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_found_with_their_base() {
        let maps = "1000-2000 r--p 0 00:00 1 /bin/x\n2000-3000 r-xp 0 00:00 1 /bin/x\n";
        assert_eq!(mapping_of(maps, 0x2010), Some(("/bin/x", 0x1000)));
        assert_eq!(mapping_of(maps, 0x4000), None);
        // The first of these is the file itself, which is read.
        let maps = "1000-4000 r--p 0000 00:00 1 /bin/x\n4000-5000 r--p 0000 00:00 1 /bin/x\n\
                    5000-6000 r-xp 1000 00:00 1 /bin/x\n6000-7000 rw-p 0000 00:00 1 /bin/x\n";
        assert_eq!(mapping_of(maps, 0x5010), Some(("/bin/x", 0x4000)));
        assert_eq!(mapping_of(maps, 0x6010), Some(("/bin/x", 0x4000)));
    }

    #[test]
    fn names_of_cpp_are_readable() {
        assert_eq!(readable("_ZN6Plugin7processEPf"), "Plugin::process");
        assert_eq!(readable("_Znwm"), "operatornew");
        assert_eq!(readable("poll"), "poll");
        // These are mangled types.
        assert_eq!(readable("w"), "w");
        assert_eq!(readable("Pc"), "Pc");
    }

    #[test]
    fn a_trace_has_this_function_with_its_size() {
        let here = a_trace_has_this_function_with_its_size as *const () as usize + 5;
        let frame = resolve(&Modules::now(), here).pop().expect("a frame");
        assert!(frame.function.ends_with("a_trace_has_this_function_with_its_size"));
        let (offset, size) = frame.extent.expect("an extent");
        assert!(offset == 5 && size > 5, "{offset} {size}");
        assert!(frame.line.is_some_and(|(file, _)| file == "validators/lockdep/src/symbols.rs"));
    }
}
