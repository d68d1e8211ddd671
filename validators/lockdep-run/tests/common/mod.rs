//! Builds programs for the tests, and runs them.

#![allow(dead_code, reason = "each test uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// The program under test.
pub(crate) const LOCKDEP_RUN: &str = env!("CARGO_BIN_EXE_lockdep-run");

/// The library that the tool carries, as a file.
pub(crate) static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("run");
    std::fs::create_dir_all(&folder).expect("a folder");
    // Another test may have loaded the file that is there.
    let (new, path) =
        (folder.join(std::process::id().to_string()), folder.join("liblockdep_preload.so"));
    std::fs::write(&new, lockdep_run::run::LIBRARY).expect("a file");
    std::fs::rename(&new, &path).expect("a new name");
    path
});

/// Compiles a program of the folder `tests/c` with these arguments more, and returns its path.
pub(crate) fn compile(compiler: &str, source: &str, name: &str, more: &[&str]) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("run");
    std::fs::create_dir_all(&folder).expect("a folder");
    let program = folder.join(name);
    let status = Command::new(compiler)
        .args(["-g", "-O1", "-fno-builtin", "-Wall", "-Werror", "-pthread", "-I"])
        .arg(here.join("../lockdep-preload"))
        .arg("-o")
        .arg(&program)
        .arg(here.join("tests/c").join(source))
        .args(more)
        .current_dir(&folder)
        .status()
        .expect("a compiler");
    assert!(status.success(), "{source} compiles");
    program
}

/// Returns a command that runs another one under `lockdep-run`.
pub(crate) fn lockdep_run(options: &[&str], command: &[&str]) -> Command {
    let mut run = Command::new(LOCKDEP_RUN);
    run.args(options).arg("--").args(command);
    for name in ["LOCKDEP_ATOMIC_THREADS", "LOCKDEP_GRAPH", "LOCKDEP_LIBRARY", "LOCKDEP_LOG"] {
        run.env_remove(name);
    }
    run
}

/// A run that has ended.
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let Output { status, stdout, stderr } = output;
        let err = text(&stderr);
        for own in ["unknown+", "lockdep-preload/src/", "lockdep_preload"] {
            assert!(!err.contains(own), "reports show code of the library, or none:\n{err}");
        }
        Self { status: status.code(), out: text(&stdout), err }
    }
}

impl Ran {
    /// Returns the titles of the summary, without their common words.
    pub(crate) fn titles(&self) -> Vec<String> {
        let is_title = |line: &&str| {
            let (number, rest) = line.trim().split_once(". ").unwrap_or_default();
            number.parse::<u32>().is_ok() && line.starts_with(' ') && !rest.is_empty()
        };
        let lines = self.err.lines().skip_while(|line| !line.starts_with("lockdep-run: "));
        let titles = lines.filter(is_title).map(|line| line.trim().split_once(". ").unwrap().1);
        let short = |title: &str| {
            title.replace("BUG: sleeping function ", "").replace(" called from invalid context", "")
        };
        titles.map(short).collect()
    }
}
