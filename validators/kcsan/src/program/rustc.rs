//! Runs rustc and rustdoc for the crates of a workspace, so that they make a call before every access.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::archive;

/// The name under which Cargo runs this program in place of rustdoc.
pub const RUSTDOC: &str = "kcsan-rustdoc";
/// The variable that names the rustdoc to run.
pub const RUSTDOC_COMMAND: &str = "KCSAN_RUSTDOC";
/// The target for which programs are instrumented.
pub const TARGET: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-gnu"
} else {
    "x86_64-unknown-linux-gnu"
};

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
    let kind = kind(arguments);
    if kind != Kind::Left {
        command.args(flags());
    }
    if kind == Kind::Program {
        match link() {
            Ok(link) => _ = command.args(link),
            Err(error) => return error,
        }
    }
    command.exec()
}

/// Runs rustdoc with the arguments that Cargo gives it. It compiles the examples of the documentation with the flags that
/// it gets.
///
/// # Errors
///
/// Returns the error of running rustdoc.
pub fn run_rustdoc(arguments: &[OsString]) -> std::io::Error {
    let rustdoc = env::var_os(RUSTDOC_COMMAND).unwrap_or_else(|| "rustdoc".into());
    let mut command = Command::new(rustdoc);
    command.args(arguments);
    if arguments.iter().any(|word| word == "--test") && is_instrumented(arguments) {
        match link() {
            Ok(link) => _ = command.args(flags()).args(link),
            Err(error) => return error,
        }
    }
    command.exec()
}

fn flags() -> &'static [&'static str] {
    if env::var_os(WAY).is_some_and(|way| way == "nightly") { &NIGHTLY } else { &STABLE }
}

/// Returns the flags that link a program with the runtime.
fn link() -> std::io::Result<[OsString; 4]> {
    let mut runtime = OsString::from("-Clink-arg=");
    runtime.push(archive::folder()?.join("libkcsan.a"));
    // A shared object finds the runtime in the program.
    let exported = ["__tsan_*", "__sanitizer_cov_*"]
        .map(|names| format!("-Clink-arg=-Wl,--export-dynamic-symbol={names}").into());
    let [tsan, coverage] = exported;
    // A part of the C library is an archive, and the linker has read that before the runtime.
    Ok([runtime, "-Clink-arg=-lc".into(), tsan, coverage])
}

/// Returns whether a crate is compiled for the target. Cargo names no target for build scripts, macros, and what they
/// depend on, which run in the build and have no runtime.
fn is_instrumented(arguments: &[OsString]) -> bool {
    let mut words = arguments.iter().map(|word| word.to_string_lossy());
    words.any(|word| word == "--target" || word.starts_with("--target="))
}

/// The kinds of crates that are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A crate that is not instrumented: it runs in the build, or is this one.
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
    if !has_source || text == "kcsan" || types == "proc-macro" || !is_instrumented(arguments) {
        Kind::Left
    } else if types == "bin" || is_test {
        Kind::Program
    } else {
        Kind::Library
    }
}
