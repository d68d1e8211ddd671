//! Builds the programs of the table, each once, in a folder of the test's own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// How a program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// C with glibc, linked statically.
    Static,
    /// C with glibc.
    Dynamic,
    /// C with musl, linked statically.
    Musl,
    /// Rust with glibc.
    Rust,
    /// Rust with musl, linked statically.
    RustMusl,
    Go,
    Python,
}

/// The programs in C, each a family of calls.
const C: &[&str] = &[
    "clocks", "sleep", "poll", "epoll", "futex", "ipc", "sockets", "timerfd", "timers", "threads",
    "glibc",
];

/// A program of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    kind: Kind,
    name: &'static str,
}

impl Program {
    /// Returns all programs of a kind.
    pub(crate) fn all(kind: Kind) -> Vec<Self> {
        let names = match kind {
            Kind::Static | Kind::Dynamic => C,
            Kind::Musl => &C[..C.len() - 1],
            Kind::Rust | Kind::RustMusl => &["rust"],
            Kind::Go => &["go"],
            Kind::Python => &["python"],
        };
        names.iter().map(|name| Self { kind, name }).collect()
    }

    /// Returns the name under which Linux's rows are recorded.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }
}

/// The folder of the sources.
fn sources() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/waits")
}

/// Builds a program unless that is done, and returns the command that runs it. Returns `None`, and says why, where a
/// compiler is missing.
pub(crate) fn command(program: &Program) -> Option<Command> {
    let Program { kind, name } = *program;
    let source = match kind {
        Kind::Static | Kind::Dynamic | Kind::Musl => sources().join("c").join(format!("{name}.c")),
        Kind::Rust | Kind::RustMusl => sources().join("table.rs"),
        Kind::Go => sources().join("table.go"),
        Kind::Python => sources().join("table.py"),
    };
    if kind == Kind::Python {
        // What is called so may be a shell script that finds the real one.
        let ask =
            Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
        let Some(python) = ask.ok().filter(|output| output.status.success()) else {
            skip::skip("python3 is not installed");
            return None;
        };
        let mut command = Command::new(String::from_utf8_lossy(&python.stdout).trim());
        command.arg(source);
        return Some(command);
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("waits");
    let built = folder.join(format!("{name}-{kind:?}"));
    std::fs::create_dir_all(&folder).expect("a folder for programs");
    if !is_newer(&built, &source) || !is_newer(&built, &sources().join("c/table.h")) {
        compile(kind, &source, &built)?;
    }
    Some(Command::new(built))
}

fn compile(kind: Kind, source: &Path, built: &Path) -> Option<()> {
    let (compiler, flags): (_, &[&str]) = match kind {
        Kind::Static => {
            ("cc", &["-static", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"])
        }
        Kind::Dynamic => ("cc", &["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"]),
        Kind::Musl => ("musl-gcc", &["-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]),
        Kind::Rust => ("rustc", &["--edition", "2024", "-O", "-o"]),
        Kind::RustMusl => ("rustc", &["--edition", "2024", "-O", "--target", MUSL, "-o"]),
        Kind::Go => ("go", &["build", "-o"]),
        Kind::Python => return None,
    };
    if !answers(compiler) {
        skip::skip(&format!("{compiler} is not installed"));
        return None;
    }
    if kind == Kind::RustMusl && !has_target() {
        skip::skip(&format!(
            "Rust's standard library for {MUSL} is not installed (rustup target add {MUSL})"
        ));
        return None;
    }
    // A name of this thread's own: two tests may build the same program at the same time.
    let fresh = built.with_extension(format!("{:?}", std::thread::current().id()));
    let output =
        Command::new(compiler).args(flags).arg(&fresh).arg(source).output().expect("a compiler");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{compiler} {}: {complaints}", source.display());
    std::fs::rename(&fresh, built).expect("the program");
    Some(())
}

const MUSL: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-musl"
} else {
    "x86_64-unknown-linux-musl"
};

fn has_target() -> bool {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc");
    let sysroot = String::from_utf8_lossy(&output.stdout);
    Path::new(sysroot.trim()).join("lib/rustlib").join(MUSL).join("lib").is_dir()
}

fn answers(program: &str) -> bool {
    // `go` has no option of that name.
    let argument = if program == "go" { "version" } else { "--version" };
    Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
}

fn is_newer(built: &Path, source: &Path) -> bool {
    let time = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    time(built).is_some_and(|built| time(source).is_some_and(|source| built > source))
}
