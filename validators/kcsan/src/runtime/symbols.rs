//! Functions, files and lines of the addresses in a stack.

#![expect(clippy::disallowed_types, reason = "the runtime's own lock, taken by who prints")]

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use addr2line::Loader;
use kreport::print::Frame;
use object::{Object, ObjectSymbol, SymbolKind};

use crate::runtime::stack::RawFrame;

/// The modules that were read, by path.
static MODULES: Mutex<Option<HashMap<String, Module>>> = Mutex::new(None);

struct Module {
    lines: Option<Loader>,
    /// Start, size and name of functions, by start.
    functions: Vec<(u64, u64, String)>,
}

/// The frames of a stack, without those in which a language starts a thread or a program. `of` names the
/// process, if it is another.
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

/// The frames of one return address: what was inlined there, then the function.
fn resolve(modules: &mut HashMap<String, Module>, raw: &RawFrame) -> Vec<Frame> {
    // A return address is behind its call; the look-up wants the call.
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
                outer.function = short_name(name);
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

    /// What debug information says, with the function last.
    fn inlined(&self, call: u64) -> Vec<Frame> {
        let mut found = Vec::new();
        let Some(lines) = &self.lines else { return found };
        let Ok(mut frames) = lines.find_frames(call) else { return found };
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref().and_then(|name| name.raw_name().ok());
            let mut one = Frame {
                function: name.map(|name| short_name(&name)).unwrap_or_default(),
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
    // Of those that start together the largest is the function.
    functions.reverse();
    functions.dedup_by_key(|(start, _, _)| *start);
    functions.reverse();
    functions
}

/// Functions that do nothing but the access: the one that called them is meant.
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

/// The frames in which the Rust library or the C library starts a program or a thread.
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

/// A function's name without its hash and type parameters, `<A as B>::f` as `A::f`: names in a
/// kernel's report have no spaces.
fn short_name(name: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(name));
    let name = match name.strip_prefix('<').and_then(|rest| rest.split_once(" as ")) {
        Some((of, rest)) => match rest.split_once(">::") {
            Some((_, method)) => format!("{of}::{method}"),
            None => name,
        },
        None if name.starts_with('<') => name[1..].replacen('>', "", 1),
        None => name,
    };
    let mut depth = 0_i32;
    let mut short = String::with_capacity(name.len());
    let mut previous = ' ';
    for letter in name.chars() {
        match letter {
            '<' => depth += 1,
            // The arrow of a function type closes nothing.
            '>' if previous != '-' => depth -= 1,
            ' ' => {}
            _ if depth <= 0 => short.push(letter),
            _ => {}
        }
        previous = letter;
    }
    short.replace("::::", "::").trim_end_matches("::").to_owned()
}

/// The folder of the project, with a slash at its end.
static FOLDER: OnceLock<String> = OnceLock::new();

/// Remembers the folder of the project that the program is started in.
pub(crate) fn remember_folder() {
    let Ok(here) = std::env::current_dir() else { return };
    // Cargo runs tests in the crate's folder and compiles in the workspace's.
    let top = here.ancestors().filter(|folder| folder.join("Cargo.lock").is_file()).last();
    let _ = FOLDER.set(format!("{}/", top.unwrap_or(&here).display()));
}

/// A path as short as it stays clear: below the current directory's project, or below the compiler's
/// sources.
fn short_path(path: &str) -> String {
    if let Some(rest) = path.strip_prefix("/rustc/") {
        return rest.split_once('/').map_or(rest, |(_, rest)| rest).to_owned();
    }
    let prefix = FOLDER.get().map_or("/", String::as_str);
    path.strip_prefix(prefix).unwrap_or(path).trim_start_matches("./").to_owned()
}
