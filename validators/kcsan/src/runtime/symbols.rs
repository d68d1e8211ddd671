//! Finds functions, files and lines for the addresses in a stack.

#![expect(
    clippy::disallowed_types,
    reason = "the runtime's own lock, taken by the thread that prints"
)]

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use addr2line::Loader;
use cpp_demangle::{DemangleOptions, Symbol};
use kreport::print::{Frame, name};
use object::{Object, ObjectSymbol, SymbolKind};

use crate::runtime::stack::RawFrame;

/// The modules that were read so far, by path.
static MODULES: Mutex<Option<HashMap<String, Module>>> = Mutex::new(None);

struct Module {
    lines: Option<Loader>,
    /// Start, size and name of functions, sorted by start.
    functions: Vec<(u64, u64, String)>,
}

/// Returns the frames of a stack, without those in which a language starts a thread or a program. `of` names the
/// process, if it is another one.
pub(crate) fn frames(raw: &[RawFrame], of: Option<&str>) -> Vec<Frame> {
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    let modules = modules.get_or_insert_default();
    let mut frames: Vec<Frame> = raw.iter().flat_map(|raw| resolve(modules, raw)).collect();
    let end = frames.iter().position(is_runtime).unwrap_or(frames.len());
    let end = frames[..end].iter().rposition(|frame| !is_of_library(frame));
    frames.truncate(end.map_or(frames.len(), |last| last + 1));
    let start = frames.iter().position(|frame| !is_accessor(frame)).unwrap_or(0);
    frames.drain(..start);
    if let Some(of) = of {
        let functions = frames.iter_mut().filter(|frame| frame.offset.is_some());
        functions.for_each(|frame| frame.module = Some(of.to_owned()));
    }
    frames
}

/// Returns the frames of one return address: inlined functions first, then the function itself.
fn resolve(modules: &mut HashMap<String, Module>, raw: &RawFrame) -> Vec<Frame> {
    // A return address is behind its call, but the look-up needs the call.
    let call = raw.address.saturating_sub(1);
    let unknown = || vec![Frame::new(format!("{:#x}", raw.address), 0, 0)];
    let Some(path) = &raw.path else { return unknown() };
    let module = modules.entry(path.clone()).or_insert_with(|| Module::read(path));
    let mut frames = module.inlined(call);
    let after = module.functions.partition_point(|(start, _, _)| *start <= call);
    let function = after.checked_sub(1).map(|index| &module.functions[index]);
    let function = function.filter(|(start, size, _)| call < start + (*size).max(1));
    if frames.is_empty() {
        frames.push(Frame::default());
    }
    if let Some(outer) = frames.last_mut() {
        match function {
            Some((start, size, name)) => {
                outer.offset = Some((raw.address - start, *size));
                outer.function = function_name(name);
            }
            None => {
                outer.offset = Some((0, 0));
                if outer.function.is_empty() {
                    let file = path.rsplit('/').next().unwrap_or(path);
                    outer.function = format!("{file}:{:#x}", raw.address);
                }
            }
        }
    }
    frames
}

impl Module {
    fn read(path: &str) -> Self {
        let functions = std::fs::read(path).ok().map(|bytes| functions(&bytes));
        Self { lines: Loader::new(path).ok(), functions: functions.unwrap_or_default() }
    }

    /// Returns what debug information says, with the function last.
    fn inlined(&self, call: u64) -> Vec<Frame> {
        let mut found = Vec::new();
        let Some(lines) = &self.lines else { return found };
        let Ok(mut frames) = lines.find_frames(call) else { return found };
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref().and_then(|name| name.raw_name().ok());
            let mut one = Frame {
                function: name.map(|name| function_name(&name)).unwrap_or_default(),
                ..Frame::default()
            };
            if let Some(location) = frame.location
                && let (Some(file), Some(line)) = (location.file, location.line)
            {
                one = one.at(short_path(file), line);
            }
            found.push(one);
        }
        found
    }
}

fn functions(bytes: &[u8]) -> Vec<(u64, u64, String)> {
    let Ok(file) = object::File::parse(bytes) else { return Vec::new() };
    let symbols = file.symbols().chain(file.dynamic_symbols());
    let mut functions: Vec<(u64, u64, String)> = symbols
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition())
        .filter_map(|symbol| {
            Some((symbol.address(), symbol.size(), symbol.name().ok()?.to_owned()))
        })
        .collect();
    functions.sort();
    // Of the symbols that start at one address, the largest is the function.
    functions.reverse();
    functions.dedup_by_key(|(start, _, _)| *start);
    functions.reverse();
    functions
}

/// Returns whether a function only makes the access for its caller. The report then shows the caller.
fn is_accessor(frame: &Frame) -> bool {
    const MODULES: [&str; 6] = [
        "core::sync::atomic::",
        "core::ptr::",
        "core::cell::",
        "core::mem::",
        "core::ops::",
        "kcsan::",
    ];
    let function = frame.function.trim_start_matches('<');
    MODULES.iter().any(|module| function.starts_with(module))
}

/// Returns whether the Rust library or the C library starts a program or a thread in a frame.
fn is_runtime(frame: &Frame) -> bool {
    frame.function.contains("__rust_begin_short_backtrace")
        || frame.function.starts_with("test::run_test")
        || ["__libc_start_call_main", "__libc_start_main", "start_thread"]
            .contains(&frame.function.as_str())
        || frame.function.starts_with("libc.so.6:")
}

fn is_of_library(frame: &Frame) -> bool {
    let in_library = |(file, _): &(String, u32)| file.starts_with("library/");
    frame.location.as_ref().is_some_and(in_library)
}

/// Maximum length of a name of C++ that is decoded, in bytes.
const MAX_NAME: usize = 2000;

/// Returns a mangled name as reports show it: a name of C++ is without its arguments.
fn function_name(mangled: &str) -> String {
    let options = || DemangleOptions::new().no_params().no_return_type();
    let cpp = |bytes: &str| Symbol::new(bytes).ok()?.demangle_with_options(&options()).ok();
    let text = match rustc_demangle::try_demangle(mangled) {
        Ok(found) => Some(format!("{found:#}")),
        // Decoding a longer name could take long.
        Err(_) if mangled.starts_with("_Z") && mangled.len() <= MAX_NAME => cpp(mangled),
        Err(_) => None,
    };
    name::function(text.as_deref().unwrap_or(mangled))
}

/// The folder of the project, with a slash at its end.
static FOLDER: OnceLock<String> = OnceLock::new();

/// Remembers the folder of the project in which the program is started.
pub(crate) fn remember_folder() {
    if let Some(folder) = name::project() {
        let _ = FOLDER.set(folder);
    }
}

/// Returns a path below the folder of the project or of the compiler's sources.
fn short_path(path: &str) -> String {
    name::path(path, FOLDER.get().map(String::as_str))
}
