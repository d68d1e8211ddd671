//! One line of a stack trace: a function with file and line, and whether it is the program's own.

use std::sync::LazyLock;

use kreport::print::name;

use crate::words::Place;

/// How names of functions begin that the languages' libraries put between a program and the C library.
const MACHINERY: [&str; 14] = [
    "std::",
    "core::",
    "alloc::alloc::",
    "alloc::boxed::",
    "alloc::raw_vec::",
    "alloc::string::",
    "alloc::vec::",
    "__rust_",
    "__rustc",
    "__gnu_cxx::",
    "__gthread_",
    "operator new",
    "operator delete",
    "_dl_",
];

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
    /// The file name of the library that the function is in, if it is not the program itself.
    pub(crate) library: Option<String>,
    /// Whether the function is in the library of a language.
    pub(crate) is_system: bool,
}

impl Frame {
    /// Makes a frame of a line whose function is not known.
    pub(crate) fn of_line(file: &str, line: u32) -> Self {
        Self { line: Some((short_path(file), line)), ..Self::of_function(0, String::new()) }
    }

    /// Makes a frame of a place about which nothing else is known.
    pub(crate) fn of_place(place: Place) -> Self {
        match place {
            Place::Line(location) => Self::of_line(location.file(), location.line()),
            Place::Address(address) => {
                let function = format!("{address:#x}");
                Self { extent: Some((0, 0)), ..Self::of_function(address, function) }
            }
        }
    }

    /// Makes a frame of a function at an address, as if it was inlined.
    pub(crate) fn of_function(address: usize, function: String) -> Self {
        Self {
            address,
            function,
            extent: None,
            line: None,
            origin: None,
            library: None,
            is_system: false,
        }
    }

    /// Returns whether the frame is the line of a `Location`. A `Location` has the path as the compiler was given it;
    /// debug information has absolute paths.
    pub(crate) fn is_at(&self, file: &str, line: u32) -> bool {
        let file = short_path(file);
        self.line.as_ref().is_some_and(|(mine, at)| *at == line && mine.ends_with(&file))
    }

    pub(crate) fn is_of_validator(&self) -> bool {
        ["lockdep::", "lockdep_preload::", "<lockdep::"]
            .iter()
            .any(|own| self.function.starts_with(own))
            || self.line.as_ref().is_some_and(|(file, _)| is_own_file(file))
    }

    /// Returns whether the frame is that of code of the preloaded library between a function and its caller.
    pub(crate) fn is_between(&self) -> bool {
        ["lockdep_preload::", "lockdep_function_", "lockdep_callbacks", "lockdep_call"]
            .iter()
            .any(|own| self.function.starts_with(own))
    }

    pub(crate) fn is_of_library(&self) -> bool {
        let in_library = |(file, _): &(String, u32)| {
            file.starts_with("library/") || file.contains("/include/c++/")
        };
        self.is_system
            || self.line.as_ref().is_some_and(in_library)
            || MACHINERY.iter().any(|start| self.function.starts_with(start))
    }

    /// Returns whether the line is in a header of the system, such as those of C++'s library, from which code is inlined.
    pub(crate) fn is_in_system_header(&self) -> bool {
        self.line.as_ref().is_some_and(|(file, _)| file.starts_with("/usr/include/"))
    }

    /// Returns whether the frame is compiler code that drops a guard for the function below it.
    pub(crate) fn is_drop_glue(&self) -> bool {
        ["core::ptr::drop_in_place", "core::mem::drop", "core::ptr::drop_glue"]
            .iter()
            .any(|glue| self.function.starts_with(glue))
    }

    /// Returns whether the frame belongs to the language's start of a thread or a program.
    pub(crate) fn is_runtime(&self) -> bool {
        self.function.contains("__rust_begin_short_backtrace")
            || self.function.starts_with("test::run_test")
    }

    /// Returns the line as `file.c:12`, or the function if no line is known.
    pub(crate) fn line_or_function(&self) -> String {
        let line = self.line.as_ref().map(|(file, line)| format!("{file}:{line}"));
        line.unwrap_or_else(|| self.symbol())
    }

    /// Returns the function with offset and size, without file and line. If only the line is known, it is the line.
    pub(crate) fn symbol(&self) -> String {
        match self.extent {
            None if self.function.is_empty() && self.line.is_some() => self.line_or_function(),
            Some((offset, size)) => format!("{}+{offset:#x}/{size:#x}", self.function),
            None => self.function.clone(),
        }
    }
}

/// Returns whether a file is one of those between a program and the checks of its locks. Names of functions do not tell:
/// in a program with little debug information, those of inlined functions have no path.
fn is_own_file(file: &str) -> bool {
    static OWN: LazyLock<String> =
        LazyLock::new(|| short_path(concat!(env!("CARGO_MANIFEST_DIR"), "/src/")));
    let is_of =
        |package: &str| file.split_once(package).is_some_and(|(_, rest)| rest.contains("/src/"));
    file.starts_with(OWN.as_str()) || ["/lock_api-0.", "/parking_lot-0."].into_iter().any(is_of)
}

/// Returns a path below the folder of the project or of the compiler's sources.
pub(crate) fn short_path(path: &str) -> String {
    static PROJECT: LazyLock<Option<String>> = LazyLock::new(name::project);
    name::path(path, PROJECT.as_deref())
}
