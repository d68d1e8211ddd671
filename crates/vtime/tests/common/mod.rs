//! Runs `vtime`, and builds programs for it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run has printed.
pub(crate) struct Done {
    pub(crate) status: i32,
    pub(crate) output: String,
    pub(crate) errors: String,
}

/// Runs a command in virtual time.
pub(crate) fn vtime(command: &[&str]) -> Done {
    vtime_with(&[], command)
}

/// Runs a command in virtual time, with options.
pub(crate) fn vtime_with(options: &[&str], command: &[&str]) -> Done {
    let mut vtime = Command::new(env!("CARGO_BIN_EXE_vtime"));
    vtime.args(options).arg("--").args(command).env("TZ", "UTC").stdin(Stdio::null());
    let done = vtime.output().expect("vtime runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (output, errors) = (text(done.stdout), text(done.stderr));
    Done { status: done.status.code().unwrap_or(-1), output, errors }
}

/// Returns whether a program is installed.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Returns Python's name, or skips.
pub(crate) fn python() -> Option<String> {
    if has("python3") {
        return Some("python3".to_owned());
    }
    skip::skip_part("Python programs", "there is no python3");
    None
}

/// A program, in a folder that goes away with it.
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    _folder: tempfile::TempDir,
}

/// Builds a program of `tests/programs`, or skips.
pub(crate) fn compiled(name: &str, compiler: &str, flags: &[&str]) -> Option<Program> {
    let what = format!("{name}.c by {compiler} {}", flags.join(" "));
    if !has(compiler) {
        skip::skip_part(&what, &format!("there is no {compiler}"));
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/programs/{name}.c"));
    let mut build = Command::new(compiler);
    let build = build.args(flags).args(["-O1", "-pthread", "-o"]).arg(&path).arg(&source);
    let built = build.output().expect("a compiler");
    if flags.contains(&"-m32") && !built.status.success() {
        skip::skip_part(&what, "the compiler makes no 32-bit programs");
        return None;
    }
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(Program { path, _folder: folder })
}
