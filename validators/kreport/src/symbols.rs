//! Finds source lines for functions that the log prints as `function+0x1/0x2`, or as a module and an offset in it, in
//! programs, libraries, modules or `vmlinux` with debug information.

use crate::output::Locate;
use crate::parse::frame::Frame;
use addr2line::Loader;
use object::{Object, ObjectSymbol};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Folders below a folder are searched to this depth. Debug files are at most 6 deep:
/// `lib/modules/VERSION/kernel/sound/core/seq`, plus `usr/lib/debug` before it.
const MAX_DEPTH: usize = 16;

/// One file with symbols. It is read when a report first needs it.
struct Binary {
    path: PathBuf,
    /// The name that reports give the module: the file's name without its end, with `_` for `-`.
    name: String,
    build_id: Option<String>,
    /// Whether the file was named itself, and not a folder above it.
    named: bool,
    content: OnceCell<Option<Content>>,
}

struct Content {
    loader: Loader,
    /// The address and size of each function of a name.
    functions: HashMap<String, Vec<(u64, u64)>>,
}

/// Files with symbols that can be searched.
#[derive(Default)]
pub struct Symbols {
    binaries: Vec<Binary>,
}

/// A file that cannot be used, and why.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unusable {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with the file.
    pub why: String,
}

impl Symbols {
    /// Opens files, and finds all programs, libraries and modules in folders. The first file that knows a function
    /// answers for it.
    ///
    /// # Errors
    ///
    /// Returns the first file that cannot be read, that is not a program with symbols, or the first folder that has
    /// no such file.
    pub fn open(paths: &[PathBuf]) -> Result<Self, Unusable> {
        let mut symbols = Self::default();
        for path in paths {
            let unusable = |why: String| Unusable { path: path.clone(), why };
            if path.is_dir() {
                let before = symbols.binaries.len();
                symbols.search(path, 0);
                if symbols.binaries.len() == before {
                    return Err(unusable(
                        "there is no program, library, module or vmlinux in it".to_owned(),
                    ));
                }
                continue;
            }
            let binary = Binary::named(path).map_err(unusable)?;
            symbols.binaries.push(binary);
        }
        // A file that was named comes before those that were found.
        symbols.binaries.sort_by_key(|binary| !binary.named);
        Ok(symbols)
    }

    fn search(&mut self, folder: &Path, depth: usize) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_dir() {
                if depth < MAX_DEPTH {
                    self.search(&path, depth + 1);
                }
            } else if fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() > 0)
                && let Some(binary) = Binary::found(&path)
            {
                self.binaries.push(binary);
            }
        }
    }

    /// Returns the files that may have a function, the best first.
    fn candidates<'s>(&'s self, frame: &'s Frame<'_>) -> impl Iterator<Item = &'s Binary> {
        let has_id = |binary: &&Binary| {
            let known =
                |id: &str| binary.build_id.as_deref().is_some_and(|other| other.starts_with(id));
            frame.build_id.is_some_and(|id| id.len() >= 16 && known(id))
        };
        let by_id = self.binaries.iter().filter(has_id);
        let certain = self.binaries.iter().any(|binary| has_id(&binary));
        let name = frame.module.map(module_name);
        let by_name = self.binaries.iter().filter(move |binary| {
            !certain
                && match &name {
                    Some(name) => *name == binary.name,
                    // The kernel itself is no module. A file that was named may be the program of the report.
                    None => binary.named || binary.name == "vmlinux",
                }
        });
        by_id.chain(by_name)
    }
}

/// Returns the name of a module from its name or its path.
fn module_name(module: &str) -> String {
    let file = module.rsplit('/').next().unwrap_or(module);
    let file = file.trim_end_matches(".debug");
    // `libx.so.1` and `snd-seq.ko.xz` have more than one end.
    let stem =
        file.split_once(".ko").or_else(|| file.split_once(".so")).map_or(file, |(stem, _)| stem);
    // `vmlinux-6.1.0-1-amd64` and `vmlinux.debug` are the kernel.
    if stem.starts_with("vmlinux") { "vmlinux".to_owned() } else { stem.replace('-', "_") }
}

impl Binary {
    fn named(path: &Path) -> Result<Self, String> {
        let plain = |error: &std::io::Error| {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_owned()
        };
        // A device or a pipe may have no end.
        if !fs::metadata(path).map_err(|error| plain(&error))?.is_file() {
            return Err("it is no regular file".to_owned());
        }
        let data = fs::read(path).map_err(|error| plain(&error))?;
        let file = object::File::parse(&*data)
            .map_err(|_| "it is no program, library, module or vmlinux".to_owned())?;
        let binary = Self::of(path, &file, true);
        match binary.content() {
            Some(content) if content.functions.is_empty() => {
                Err("it has no symbols of functions".to_owned())
            }
            Some(_) => Ok(binary),
            None => Err("its symbols cannot be read".to_owned()),
        }
    }

    /// Reads a file of a folder. Returns `None` if it has no code.
    fn found(path: &Path) -> Option<Self> {
        let mut magic = [0; 4];
        File::open(path).ok()?.read_exact(&mut magic).ok()?;
        if magic != *b"\x7fELF" {
            return None;
        }
        let data = fs::read(path).ok()?;
        let file = object::File::parse(&*data).ok()?;
        Some(Self::of(path, &file, false))
    }

    fn of(path: &Path, file: &object::File<'_>, named: bool) -> Self {
        let build_id = file.build_id().ok().flatten();
        let build_id = build_id.map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect());
        let name = module_name(&path.file_name().unwrap_or_default().to_string_lossy());
        Self { path: path.to_owned(), name, build_id, named, content: OnceCell::new() }
    }

    fn content(&self) -> Option<&Content> {
        self.content.get_or_init(|| Content::read(&self.path)).as_ref()
    }

    /// Returns the address of a place in a function.
    fn address(&self, frame: &Frame<'_>) -> Option<u64> {
        if let Some(offset) = frame.module_offset {
            // A return address is that of the instruction after the call. Sanitizers have taken one off already, but
            // a place in the middle of an instruction has the same line.
            return Some(offset);
        }
        let (offset, size) = (frame.offset?, frame.size?);
        let places = self.content()?.functions.get(frame.symbol)?;
        // Several functions may have one name. Their length tells them apart.
        let same = places.iter().find(|(_, length)| *length == size);
        let (start, _) = same.or_else(|| places.first())?;
        start.checked_add(offset.saturating_sub(1))
    }

    /// Returns the functions at a place, innermost first, with their source lines.
    fn find(&self, frame: &Frame<'_>) -> Option<Vec<(String, String)>> {
        let address = self.address(frame)?;
        let mut frames = self.content()?.loader.find_frames(address).ok()?;
        let mut found = Vec::new();
        while let Ok(Some(frame)) = frames.next() {
            // C++ mangles the names of types too: decoded, a function `w` without a prefix would be a `wchar_t`.
            let is_mangled = |name: &str| ["_Z", "__Z", "_R"].iter().any(|p| name.starts_with(p));
            let name = frame.function.as_ref().and_then(|name| {
                let raw = name.raw_name().ok()?;
                let name = if is_mangled(&raw) { name.demangle().ok()? } else { raw };
                Some(name.into_owned())
            });
            let place = frame.location.and_then(|at| Some(format!("{}:{}", at.file?, at.line?)));
            found.push((name.unwrap_or_default(), place));
        }
        let known: Vec<_> =
            found.into_iter().filter_map(|(name, place)| Some((name, place?))).collect();
        (!known.is_empty()).then_some(known)
    }
}

impl Content {
    fn read(path: &Path) -> Option<Self> {
        let data = fs::read(path).ok()?;
        let file = object::File::parse(&*data).ok()?;
        let mut functions: HashMap<String, Vec<(u64, u64)>> = HashMap::new();
        for symbol in file.symbols().chain(file.dynamic_symbols()) {
            let Ok(name) = symbol.name() else { continue };
            if symbol.kind() == object::SymbolKind::Text && symbol.is_definition() {
                let place = (symbol.address(), symbol.size());
                // Logs are read with decoded names.
                let decoded = crate::decode(name.as_bytes());
                if decoded != name {
                    functions.entry(decoded.into_owned()).or_default().push(place);
                }
                functions.entry(name.to_owned()).or_default().push(place);
            }
        }
        let loader = Loader::new(path).ok()?;
        Some(Self { loader, functions })
    }
}

impl Locate for Symbols {
    fn locate(&self, frame: &Frame<'_>) -> Option<String> {
        if frame.inline {
            return None;
        }
        // The last function is the one that the log names.
        self.candidates(frame)
            .find_map(|binary| binary.find(frame))
            .and_then(|mut found| found.pop())
            .map(|(_, at)| at)
    }

    fn inlined(&self, frame: &Frame<'_>) -> Vec<(String, String)> {
        if frame.inline || frame.file.is_some() {
            return Vec::new();
        }
        let mut found =
            self.candidates(frame).find_map(|binary| binary.find(frame)).unwrap_or_default();
        found.pop();
        found
    }
}
