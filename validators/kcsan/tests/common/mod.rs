//! Builds programs with the tools of this crate, and reads their reports.

#![allow(dead_code, reason = "each test uses its part of this")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

/// Returns the folder of this crate.
pub(crate) fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns a folder for what this test builds.
pub(crate) fn folder() -> PathBuf {
    let me = std::env::current_exe().expect("this program");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(me.file_name().expect("a name"));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

pub(crate) fn run_command(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    output
}

/// Returns rustc as `cargo kcsan` runs it. `way` is `stable` or `nightly`.
pub(crate) fn rustc(way: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-kcsan"));
    command.env("KCSAN_RUSTC", way);
    match way {
        "nightly" => command.args(["rustup", "run", "nightly"]).env("KCSAN_RUSTC", way),
        _ => &mut command,
    };
    // What has no target runs in the build, and is left alone.
    command.arg("rustc").args(["--edition", "2024", "-g", "--target", "x86_64-unknown-linux-gnu"]);
    command
}

/// Builds the Rust cases in one way, and returns the program.
pub(crate) fn rust_cases(way: &str, level: &str) -> PathBuf {
    let folder = folder();
    let (marks, program) =
        (folder.join(format!("libkcsan-{way}.rlib")), folder.join(format!("rust-{way}")));
    let mut library = Command::new(if way == "nightly" { "rustup" } else { "rustc" });
    if way == "nightly" {
        library.args(["run", "nightly", "rustc"]);
    }
    library.args(["--edition", "2024", "--crate-type", "rlib", "--crate-name", "kcsan", "-o"]);
    run_command(library.arg(&marks).arg(here().join("src/lib.rs")));
    let mut rustc = rustc(way);
    rustc.arg(format!("-Copt-level={level}")).arg("--extern");
    let mut marks_argument = std::ffi::OsString::from("kcsan=");
    marks_argument.push(&marks);
    rustc.arg(marks_argument).arg("-o").arg(&program);
    run_command(rustc.arg(here().join("tests/programs/cases.rs")));
    program
}

pub(crate) static RUST: LazyLock<PathBuf> = LazyLock::new(|| rust_cases("stable", "1"));
pub(crate) static C: LazyLock<PathBuf> = LazyLock::new(|| {
    let program = folder().join("c-cases");
    let mut compiler = Command::new(env!("CARGO_BIN_EXE_kcsan-cc"));
    compiler.args(["-g", "-O1", "-Wall", "-Werror", "-pthread", "-o"]).arg(&program);
    run_command(compiler.arg(here().join("tests/programs/cases.c")));
    program
});

/// What a program reported, and how many watchpoints it set.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) text: String,
    pub(crate) watchpoints: u64,
}

impl Outcome {
    pub(crate) fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let count =
            |line: &str| line.strip_prefix("kcsan: ")?.split(' ').next()?.parse::<u64>().ok();
        let watchpoints =
            text.lines().filter(|line| line.contains("watchpoints set")).filter_map(count);
        let reported = text.contains("BUG: KCSAN");
        let code = output.status.code();
        assert_eq!(code, Some(if reported { 66 } else { 0 }), "the status tells: {text}");
        Self { watchpoints: watchpoints.sum(), text }
    }

    pub(crate) fn reports(&self) -> usize {
        self.text.matches("BUG: KCSAN: ").count()
    }
}

/// Returns the command that runs a case for some time, with a watchpoint at nearly every access.
pub(crate) fn case(program: &Path, name: &str, milliseconds: u64, options: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(name).arg(milliseconds.to_string());
    let base = "stats=1 skip=50 duty=100 once_ms=100000";
    command.env("KCSAN_OPTIONS", format!("{base} {options}"));
    command
}

/// Runs a case for longer and longer until it makes a report with all of the phrases. Chance and the load of the
/// machine decide when that is.
pub(crate) fn until_found(program: &Path, name: &str, options: &str, phrases: &[&str]) -> Outcome {
    let mut last = None;
    for milliseconds in [60, 300, 1500, 5000] {
        let output = case(program, name, milliseconds, options).output().expect("it runs");
        let outcome = Outcome::of(&output);
        if outcome.reports() > 0 && phrases.iter().all(|phrase| outcome.text.contains(phrase)) {
            return outcome;
        }
        last = Some(outcome);
    }
    panic!("{name}: {phrases:?} are not all in {}", last.expect("it ran").text)
}

/// Runs two programs at the same time.
pub(crate) fn together(mut one: Command, mut other: Command) -> [Output; 2] {
    let start = |command: &mut Command| {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let children = [start(&mut one), start(&mut other)];
    children.map(|child| child.wait_with_output().expect("it ends"))
}

/// Returns whether there is a nightly compiler.
pub(crate) fn has_nightly() -> bool {
    let rustc = Command::new("rustup")
        .args([OsStr::new("run"), "nightly".as_ref(), "rustc".as_ref(), "-V".as_ref()])
        .output();
    rustc.is_ok_and(|output| output.status.success())
}
