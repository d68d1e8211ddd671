//! Stack traces: addresses when they are taken, functions with file and line when they are printed.
//!
//! The printed form is the kernel's: `function+0x1b/0x60 file:line`, and `function file:line [inline]` for inlined
//! functions. Frames of the validators are left out, so that the first one is the caller's.

#![expect(clippy::disallowed_types, reason = "the validator's own lock, around a cache of symbols")]

use std::collections::HashMap;
use std::os::raw::c_void;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use kreport::print::name;
use object::{Object, ObjectSegment, ObjectSymbol};

/// Maximum number of frames. Deeper stacks are cut.
const MAX_FRAMES: usize = 64;

/// A stack of this process, or what another process wrote about one.
#[derive(Clone, Debug)]
pub(crate) enum Trace {
    Here(Arc<[usize]>),
    Frames(Arc<[Frame]>),
}

impl Trace {
    /// Takes the current stack.
    pub(crate) fn here() -> Self {
        let mut addresses = [0; MAX_FRAMES];
        let count = addresses_here(&mut addresses);
        Self::Here(addresses[..count].into())
    }

    pub(crate) fn of_addresses(addresses: &[usize]) -> Self {
        Self::Here(addresses.into())
    }

    pub(crate) fn of_frames(frames: Vec<Frame>) -> Self {
        Self::Frames(frames.into())
    }

    /// Returns the frames, innermost first.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        let addresses = match self {
            Self::Here(addresses) => addresses,
            Self::Frames(frames) => return frames.to_vec(),
        };
        let own = addresses.iter().filter(|&&address| address != 0);
        let mut frames: Vec<Frame> = own.flat_map(|&address| resolve(address)).collect();
        // The validators' own frames, and the standard library's between them, come first.
        let foreign = |frame: &Frame| !frame.is_of_validator() && !frame.is_of_library();
        let top = frames.iter().position(foreign).unwrap_or(frames.len());
        let own = frames[..top].iter().rposition(Frame::is_of_validator);
        let start = own.map_or(0, |last| last + 1);
        let glue = frames[start..].iter().position(|frame| !frame.is_drop_glue()).unwrap_or(0);
        let start = start + glue;
        let end = frames.iter().position(Frame::is_runtime).unwrap_or(frames.len()).max(start);
        let end = frames[..end].iter().rposition(foreign).map_or(end, |last| last + 1).max(start);
        frames.truncate(end);
        frames.drain(..start);
        frames
    }
}

/// Writes the return addresses of the current stack and returns how many there are. This is async-signal-safe as
/// far as the unwinder is.
pub(crate) fn addresses_here(addresses: &mut [usize; MAX_FRAMES]) -> usize {
    let mut count = 0;
    backtrace::trace(|frame| {
        addresses[count] = frame.ip().addr();
        count += 1;
        count < MAX_FRAMES
    });
    count
}

/// One line of a trace.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) address: usize,
    pub(crate) function: String,
    /// The offset in the function and the function's size, unless the function is inlined.
    pub(crate) extent: Option<(usize, usize)>,
    pub(crate) line: Option<(String, u32)>,
    /// The process that the frame is from, if it is another one.
    pub(crate) origin: Option<String>,
    /// Whether the function is in the C library.
    pub(crate) is_system: bool,
}

impl Frame {
    pub(crate) fn unknown() -> Self {
        let extent = Some((0, 0));
        Self {
            address: 0,
            function: "unknown".to_owned(),
            extent,
            line: None,
            origin: None,
            is_system: false,
        }
    }

    /// Makes a frame of a line whose function is not known.
    pub(crate) fn of_line(file: &str, line: u32) -> Self {
        Self { line: Some((short_path(file), line)), ..Self::unknown() }
    }

    /// Returns whether the frame is the line of a `Location`. A `Location` has the path as the compiler was given it;
    /// debug information has absolute paths.
    pub(crate) fn is_at(&self, file: &str, line: u32) -> bool {
        let file = short_path(file);
        self.line.as_ref().is_some_and(|(mine, at)| *at == line && mine.ends_with(&file))
    }

    fn is_of_validator(&self) -> bool {
        ["lockdep::", "lockdep_preload::", "backtrace::", "<lockdep::"]
            .iter()
            .any(|own| self.function.starts_with(own))
    }

    pub(crate) fn is_of_library(&self) -> bool {
        let in_library = |(file, _): &(String, u32)| file.starts_with("library/");
        self.is_system
            || self.line.as_ref().is_some_and(in_library)
            || self.function.starts_with("std::")
    }

    /// Returns whether the frame is compiler code that drops a guard for the function below it.
    fn is_drop_glue(&self) -> bool {
        ["core::ptr::drop_in_place", "core::mem::drop", "core::ptr::drop_glue"]
            .iter()
            .any(|glue| self.function.starts_with(glue))
    }

    /// Returns whether the frame belongs to the language's start of a thread or a program.
    fn is_runtime(&self) -> bool {
        self.function.contains("__rust_begin_short_backtrace")
            || self.function.starts_with("test::run_test")
    }

    /// Returns the function with offset and size, without file and line.
    pub(crate) fn symbol(&self) -> String {
        match self.extent {
            Some((offset, size)) => format!("{}+{offset:#x}/{size:#x}", self.function),
            None => self.function.clone(),
        }
    }
}

/// Returns the frames of one return address: inlined functions first, then the function itself.
pub(crate) fn resolve(address: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    // A return address is behind its call, but the look-up needs the call.
    let call = address.saturating_sub(1);
    let place = locate(call);
    let frame = |function: String, line| Frame {
        address,
        function,
        extent: None,
        line,
        origin: None,
        is_system: place.is_system,
    };
    if place.is_preload {
        // These frames are left out of every trace, and their debug information would take long to read.
        return vec![frame("lockdep_preload::".to_owned(), None)];
    }
    backtrace::resolve(std::ptr::without_provenance_mut::<c_void>(call), |symbol| {
        let function =
            symbol.name().map(|name| name::function(&name.to_string())).unwrap_or_default();
        let file = symbol.filename().map(|file| short_path(&file.to_string_lossy()));
        frames.push(frame(function, file.zip(symbol.lineno())));
    });
    if frames.is_empty() {
        frames.push(frame(String::new(), None));
    }
    if let Some(outer) = frames.last_mut() {
        let (name, start, size) =
            place.symbol.unwrap_or_else(|| (format!("{address:#x}"), address, 0));
        outer.extent = Some((address.saturating_sub(start), size));
        if outer.function.is_empty() {
            outer.function = name;
        }
    }
    frames
}

/// What is at an address: the kind of object, and the symbol with its start and size.
#[derive(Default)]
struct Place {
    is_system: bool,
    is_preload: bool,
    symbol: Option<(String, usize, usize)>,
}

/// The symbols of a loaded object by address: start, size, name.
type Symbols = Vec<(usize, usize, String)>;

/// Maximum number of symbols to try for an address: some have no size and lie inside others.
const NEIGHBOURS: usize = 16;

static MODULES: LazyLock<Mutex<HashMap<String, Arc<Symbols>>>> =
    LazyLock::new(|| Mutex::new(HashMap::new()));

fn locate(address: usize) -> Place {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let Some((path, base)) = mapping_of(&maps, address) else { return Place::default() };
    let is_preload = path.ends_with("/liblockdep_preload.so");
    let is_system = is_c_library(path);
    let symbol = if is_preload { None } else { symbol_in(path, base, address) };
    Place { is_system, is_preload, symbol }
}

fn symbol_in(path: &str, base: usize, address: usize) -> Option<(String, usize, usize)> {
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    let symbols = match modules.get(path) {
        Some(symbols) => Arc::clone(symbols),
        None => {
            let symbols = Arc::new(symbols_of(path, base).unwrap_or_default());
            modules.insert(path.to_owned(), Arc::clone(&symbols));
            symbols
        }
    };
    let after = symbols.partition_point(|(start, _, _)| *start <= address);
    let near = symbols[..after].iter().rev().take(NEIGHBOURS);
    near.filter(|(start, size, _)| address < start + (*size).max(1))
        .map(|(start, size, name)| (name::function(name), *start, *size))
        .next()
}

fn is_c_library(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ["libc.", "libc-", "libpthread", "ld-"].iter().any(|start| name.starts_with(start))
}

/// Returns the file that is mapped at an address, and the lowest address where it is mapped.
fn mapping_of(maps: &str, address: usize) -> Option<(&str, usize)> {
    let parse = |line: &str| -> Option<(usize, usize)> {
        let (from, to) = line.split_once(' ')?.0.split_once('-')?;
        Some((usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?))
    };
    let path_of = |line| str::find(line, '/').map(|at| &line[at..]);
    let line = maps
        .lines()
        .find(|line| parse(line).is_some_and(|(from, to)| (from..to).contains(&address)))?;
    let path = path_of(line)?;
    let first = maps.lines().find(|line| path_of(line) == Some(path))?;
    Some((path, parse(first)?.0))
}

fn has_code_or_data(kind: object::SymbolKind) -> bool {
    matches!(kind, object::SymbolKind::Text | object::SymbolKind::Data)
}

/// Returns the name of the variable or function at an address.
pub(crate) fn symbol_at(address: usize) -> Option<String> {
    locate(address).symbol.map(|(name, _, _)| name)
}

fn symbols_of(path: &str, base: usize) -> Option<Symbols> {
    let bytes = std::fs::read(path).ok()?;
    let file = object::File::parse(&*bytes).ok()?;
    let lowest = file.segments().map(|segment| segment.address()).min()?;
    let bias = base.wrapping_sub(usize::try_from(lowest).ok()? & !0xfff);
    let mut symbols: Symbols = file
        .symbols()
        .chain(file.dynamic_symbols())
        .filter(|symbol| has_code_or_data(symbol.kind()) && symbol.is_definition())
        .filter_map(|symbol| {
            let start = usize::try_from(symbol.address()).ok()?.wrapping_add(bias);
            let size = usize::try_from(symbol.size()).ok()?;
            let name = backtrace::SymbolName::new(symbol.name_bytes().ok()?).to_string();
            Some((start, size, name))
        })
        .collect();
    symbols.sort();
    // Of the symbols that start at one address, the largest is the function.
    symbols.reverse();
    symbols.dedup_by_key(|(start, _, _)| *start);
    symbols.reverse();
    Some(symbols)
}

/// Returns a path below the folder of the project or of the compiler's sources.
fn short_path(path: &str) -> String {
    static PROJECT: LazyLock<Option<String>> = LazyLock::new(name::project);
    name::path(path, PROJECT.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_found_with_their_base() {
        let maps = "1000-2000 r--p 0 00:00 1 /bin/x\n2000-3000 r-xp 0 00:00 1 /bin/x\n";
        assert_eq!(mapping_of(maps, 0x2010), Some(("/bin/x", 0x1000)));
        assert_eq!(mapping_of(maps, 0x4000), None);
    }

    #[test]
    fn a_trace_has_this_function_with_its_size() {
        let frame = resolve(a_trace_has_this_function_with_its_size as *const () as usize + 5)
            .pop()
            .expect("a frame");
        assert!(frame.function.ends_with("a_trace_has_this_function_with_its_size"));
        let (offset, size) = frame.extent.expect("an extent");
        assert!(offset == 5 && size > 5, "{offset} {size}");
        assert!(frame.line.is_some_and(|(file, _)| file == "validators/lockdep/src/trace.rs"));
    }
}
