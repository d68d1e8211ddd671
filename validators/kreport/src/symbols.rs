//! Finds source lines for functions that the log prints as `function+0x1/0x2`, in a program, a library, a module
//! or `vmlinux` with debug information.

use crate::output::Locate;
use crate::parse::frame::Frame;
use addr2line::Loader;
use object::{Object, ObjectSymbol};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// One file with symbols.
struct Binary {
    /// The name that reports give the module: the file's name without its end, with `_` for `-`.
    name: String,
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
    /// Opens files. The first file that knows a function answers for it.
    ///
    /// # Errors
    ///
    /// Returns the first file that cannot be read, or that is not a program with symbols.
    pub fn open(paths: &[PathBuf]) -> Result<Self, Unusable> {
        let binaries: Result<Vec<_>, _> = paths.iter().map(|path| Binary::open(path)).collect();
        Ok(Self { binaries: binaries? })
    }
}

impl Binary {
    fn open(path: &Path) -> Result<Self, Unusable> {
        let unusable = |why: String| Unusable { path: path.to_owned(), why };
        let data = fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let file = object::File::parse(&*data).map_err(|error| unusable(error.to_string()))?;
        let mut functions: HashMap<String, Vec<(u64, u64)>> = HashMap::new();
        for symbol in file.symbols().chain(file.dynamic_symbols()) {
            let Ok(name) = symbol.name() else { continue };
            if symbol.kind() == object::SymbolKind::Text && symbol.is_definition() {
                let place = (symbol.address(), symbol.size());
                functions.entry(name.to_owned()).or_default().push(place);
            }
        }
        if functions.is_empty() {
            return Err(unusable("it has no symbols of functions".to_owned()));
        }
        let loader = Loader::new(path).map_err(|error| unusable(error.to_string()))?;
        let stem = path.file_name().unwrap_or_default().to_string_lossy();
        let name = stem.split('.').next().unwrap_or_default().replace('-', "_");
        Ok(Self { name, loader, functions })
    }

    fn locate(&self, frame: &Frame<'_>) -> Option<String> {
        let (offset, size) = (frame.offset?, frame.size?);
        let places = self.functions.get(frame.symbol)?;
        // Several functions may have one name. Their length tells them apart.
        let same = places.iter().find(|(_, length)| *length == size);
        let (start, _) = same.or_else(|| places.first())?;
        // A return address is that of the instruction after the call.
        let address = start.checked_add(offset.saturating_sub(1))?;
        let location = self.loader.find_location(address).ok()??;
        Some(format!("{}:{}", location.file?, location.line?))
    }
}

impl Locate for Symbols {
    fn locate(&self, frame: &Frame<'_>) -> Option<String> {
        if frame.inline {
            return None;
        }
        let of_module = |binary: &&Binary| {
            frame.module.is_some_and(|module| module.replace('-', "_") == binary.name)
        };
        let named = self.binaries.iter().filter(of_module);
        let others = self.binaries.iter().filter(|_| frame.module.is_none());
        named.chain(others).find_map(|binary| binary.locate(frame))
    }
}
