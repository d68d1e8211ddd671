//! Runs rustc for the crates of a workspace, so that it makes a call before every access.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::archive;

/// The variable that tells the wrapped compilers whether `cargo kcsan` uses the stable or the nightly flags.
pub const WAY: &str = "KCSAN_RUSTC";

/// The flags of a stable compiler. The coverage pass makes the calls before plain accesses. The pass of ThreadSanitizer
/// makes those for atomics, and leaves plain accesses alone in functions that are not marked for it. Before both,
/// variables that no other thread can reach become registers.
pub const STABLE: [&str; 10] = [
    "-Cpasses=function(sroa)",
    "-Cpasses=tsan-module",
    "-Cpasses=tsan",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=1",
    "-Cllvm-args=-sanitizer-coverage-trace-loads",
    "-Cllvm-args=-sanitizer-coverage-trace-stores",
    "-Cllvm-args=-tsan-instrument-func-entry-exit=0",
    "-Cforce-unwind-tables=yes",
    "-Cforce-frame-pointers=yes",
];

/// The flags of a nightly compiler, which has ThreadSanitizer itself. It also tells volatile accesses and copies apart.
pub const NIGHTLY: [&str; 8] = [
    "-Zsanitizer=thread",
    "-Zexternal-clangrt",
    "-Cunsafe-allow-abi-mismatch=sanitizer",
    "-Cllvm-args=-tsan-distinguish-volatile=1",
    "-Cllvm-args=-tsan-compound-read-before-write=1",
    "-Cllvm-args=-tsan-instrument-func-entry-exit=0",
    "-Cforce-unwind-tables=yes",
    "-Cforce-frame-pointers=yes",
];

/// Runs rustc with the arguments that Cargo gives to a wrapper: the compiler, then its arguments.
///
/// # Errors
///
/// Returns the error of running the compiler.
pub fn run(arguments: &[OsString]) -> std::io::Error {
    let Some((rustc, arguments)) = arguments.split_first() else {
        return std::io::Error::other("the first argument must be the compiler");
    };
    let mut command = Command::new(rustc);
    command.args(arguments);
    let flags: &[&str] =
        if env::var_os(WAY).is_some_and(|way| way == "nightly") { &NIGHTLY } else { &STABLE };
    match kind(arguments) {
        Kind::Left => {}
        Kind::Library => {
            command.args(flags);
        }
        Kind::Program => {
            let folder = match archive::folder() {
                Ok(folder) => folder,
                Err(error) => return error,
            };
            let mut link = OsString::from("-Clink-arg=");
            link.push(folder.join("libkcsan.a"));
            // A shared object finds the runtime in the program.
            command.args(flags).arg(link).arg("-Clink-arg=-Wl,--export-dynamic-symbol=__tsan_*");
            command.arg("-Clink-arg=-Wl,--export-dynamic-symbol=__sanitizer_cov_*");
        }
    }
    command.exec()
}

/// The kinds of crates that are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A crate that is not instrumented: it runs in the compiler, or is this one.
    Left,
    Library,
    Program,
}

fn kind(arguments: &[OsString]) -> Kind {
    let value = |name: &str| {
        let mut words = arguments.iter();
        words.find(|word| *word == name).and_then(|_| words.next()).map(OsString::as_os_str)
    };
    let name = value("--crate-name").unwrap_or_default();
    let types = value("--crate-type").unwrap_or_else(|| OsStr::new("bin"));
    let is_test = arguments.iter().any(|word| word == "--test");
    let text = name.to_string_lossy();
    let has_source = arguments.iter().any(|word| word.to_string_lossy().ends_with(".rs"));
    if !has_source || text == "kcsan" || types == "proc-macro" {
        Kind::Left
    } else if types == "bin" || is_test {
        Kind::Program
    } else {
        Kind::Library
    }
}
