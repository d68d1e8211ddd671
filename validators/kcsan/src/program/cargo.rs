//! `cargo kcsan`: runs Cargo with rustc wrapped, a target folder of its own, and one table for all processes of a run.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

use clap::Parser;

use super::{OPTIONS, archive, rustc, say};
use crate::layout::{COUNTS, HEAD, MAGIC};
use crate::reason::reason;

/// The variable that tells this crate's build script where the runtime is.
const RUNTIME: &str = "KCSAN_RUNTIME";

/// Builds the crates of the workspace so that they report their data races, as the kernel's KCSAN does, and runs
/// them.
#[derive(Debug, Parser)]
#[command(name = "cargo kcsan", bin_name = "cargo kcsan", version, after_help = AFTER.as_str())]
struct Options {
    /// Compile with `rustc +nightly` and its ThreadSanitizer passes, which also see copies and tell
    /// volatile accesses from plain ones
    #[arg(long)]
    nightly: bool,
    /// Do not print how many watchpoints were set
    #[arg(long)]
    no_summary: bool,
    /// The Cargo command: run, test, bench, build, rustc
    command: String,
    /// Arguments of Cargo, and after `--` those of the program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

static AFTER: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    format!(
        "Only members of the workspace are instrumented, with the examples of their documentation, not the
standard library, not other crates, and not build scripts and macros, which run in the build.
Code in C is instrumented if its build script uses the variable CC, and CC=kcsan-cc is set.
Output goes to the folder kcsan in the target folder, apart from other builds.
All processes of a run share one table, so races between processes are found,
in mapped files too.

  cargo kcsan run --example player
  cargo kcsan test -p mixer -- --nocapture
  KCSAN_OPTIONS='skip=500 sink=races.txt' cargo kcsan test

{OPTIONS}"
    )
});

/// Runs Cargo, or what Cargo runs in place of the compilers.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_default();
    let arguments: Vec<_> = arguments.collect();
    // Cargo runs this program again in place of the compilers.
    if Path::new(&name).file_name().is_some_and(|name| name == rustc::RUSTDOC) {
        say(&format!("cargo-kcsan: rustdoc: {}", rustc::run_rustdoc(&arguments)));
        return ExitCode::FAILURE;
    }
    if env::var_os(rustc::WAY).is_some() {
        say(&format!("cargo-kcsan: rustc: {}", rustc::run(&arguments)));
        return ExitCode::FAILURE;
    }
    run(arguments)
}

/// Runs Cargo as the arguments say, and returns its exit code.
fn run(mut arguments: Vec<OsString>) -> ExitCode {
    // Cargo calls `cargo-kcsan kcsan ...`.
    if arguments.first().is_some_and(|first| first == "kcsan") {
        arguments.remove(0);
    }
    arguments.insert(0, "cargo kcsan".into());
    let options = Options::parse_from(arguments);
    match build_and_run(&options) {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            say(&format!("cargo kcsan: {}", reason(&error)));
            ExitCode::FAILURE
        }
    }
}

fn build_and_run(options: &Options) -> io::Result<ExitStatus> {
    check_target(&options.arguments)?;
    let way = if options.nightly { "nightly" } else { "stable" };
    let target = target(&options.arguments)?.join("kcsan").join(way);
    fs::create_dir_all(&target)?;
    let set = env::var("KCSAN_OPTIONS").unwrap_or_default();
    let named = set.split_whitespace().find_map(|word| word.strip_prefix("shared="));
    let mut made = target.join(format!("table-{}", std::process::id()));
    if is_split(&made) {
        made = archive::folder()?.join(made.file_name().unwrap_or_default());
    }
    let table = named.map_or_else(|| made.clone(), PathBuf::from);
    let mut cargo = if options.nightly {
        let mut cargo = Command::new("cargo");
        cargo.arg("+nightly");
        for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTDOC"] {
            cargo.env_remove(name);
        }
        cargo
    } else {
        Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    };
    cargo.arg(&options.command).args(&options.arguments);
    cargo.env("CARGO_TARGET_DIR", &target);
    let me = env::current_exe()?;
    cargo.env("RUSTC_WORKSPACE_WRAPPER", &me).env(rustc::WAY, way);
    // With a target, even if it is the machine's own, what runs in the build is built apart from the program.
    cargo.env("CARGO_BUILD_TARGET", rustc::TARGET);
    let rustdoc = env::var_os("RUSTDOC").filter(|_| !options.nightly);
    cargo.env(rustc::RUSTDOC_COMMAND, rustdoc.unwrap_or_else(|| "rustdoc".into()));
    cargo.env("RUSTDOC", link(&me, &target.join(rustc::RUSTDOC))?);
    // In a workspace that has this crate, its build script need not build another runtime.
    cargo.env(RUNTIME, archive::folder()?);
    if named.is_none() {
        // The processes need not print what the summary says of all.
        let quiet = if options.no_summary { "" } else { "stats=0 " };
        if !is_split(&made) {
            cargo.env("KCSAN_OPTIONS", format!("{quiet}shared={} {set}", made.display()));
        }
    }
    for profile in ["DEV", "RELEASE", "TEST", "BENCH"] {
        // Bitcode for a later link would be instrumented twice or not at all. Reports need line numbers.
        cargo.env(format!("CARGO_PROFILE_{profile}_LTO"), "off");
        cargo.env(format!("CARGO_PROFILE_{profile}_STRIP"), "none");
        if env::var_os(format!("CARGO_PROFILE_{profile}_DEBUG")).is_none() {
            cargo.env(format!("CARGO_PROFILE_{profile}_DEBUG"), "line-tables-only");
        }
    }
    let status = cargo.status().map_err(|error| unstarted(&cargo, &error));
    if !options.no_summary {
        summary(&table);
    }
    if named.is_none() {
        let _ = fs::remove_file(&made);
    }
    status
}

/// Returns the error of a command that cannot be started, with its name.
fn unstarted(command: &Command, error: &io::Error) -> io::Error {
    let name = command.get_program().display();
    io::Error::new(error.kind(), format!("{name}: {}", reason(error)))
}

/// Returns whether an option of the runtime cannot name a path, because it has a space.
fn is_split(path: &Path) -> bool {
    path.to_string_lossy().contains(char::is_whitespace)
}

/// Makes a symbolic link to this program, unless it is there. Other processes may do the same.
fn link(program: &Path, place: &Path) -> io::Result<PathBuf> {
    if fs::read_link(place).is_ok_and(|found| found == program) {
        return Ok(place.to_owned());
    }
    let new = place.with_extension(format!("new-{}", std::process::id()));
    std::os::unix::fs::symlink(program, &new)?;
    fs::rename(&new, place)?;
    Ok(place.to_owned())
}

/// Returns the value of an option of Cargo.
fn option(arguments: &[OsString], name: &str) -> Option<PathBuf> {
    let words: Vec<_> = arguments.iter().take_while(|word| *word != "--").collect();
    let joined = format!("{name}=");
    words.iter().enumerate().find_map(|(index, word)| {
        let text = word.to_string_lossy();
        let joined = text.strip_prefix(&joined).map(PathBuf::from);
        joined.or_else(|| (text == name).then(|| words.get(index + 1).map(PathBuf::from))?)
    })
}

/// Checks that the program is to be built for the target that the runtime is for.
fn check_target(arguments: &[OsString]) -> io::Result<()> {
    let named = option(arguments, "--target");
    let named = named.or_else(|| env::var_os("CARGO_BUILD_TARGET").map(PathBuf::from));
    match named {
        Some(other) if other.as_os_str() != rustc::TARGET => {
            let why = format!("kcsan works for {} only", rustc::TARGET);
            Err(io::Error::other(format!("target {}: {why}", other.display())))
        }
        _ => Ok(()),
    }
}

/// Returns the target folder that Cargo would use.
fn target(arguments: &[OsString]) -> io::Result<PathBuf> {
    if option(arguments, "--target-dir").is_some() {
        return Err(io::Error::other(
            "set the target folder by CARGO_TARGET_DIR, not --target-dir",
        ));
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    if let Some(manifest) = option(arguments, "--manifest-path") {
        cargo.arg("--manifest-path").arg(manifest);
    }
    let output = cargo.stderr(std::process::Stdio::inherit()).output();
    let output = output.map_err(|error| unstarted(&cargo, &error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.rsplit_once("\"target_directory\":\"").and_then(|(_, rest)| {
        // The string ends at a quote that nothing escapes.
        let mut folder = String::new();
        let mut letters = rest.chars();
        loop {
            match letters.next()? {
                '"' => return Some(folder),
                '\\' => folder.push(letters.next()?),
                letter => folder.push(letter),
            }
        }
    });
    found
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other("cargo metadata names no target folder"))
}

/// Prints what the processes of the run have counted.
fn summary(table: &Path) {
    let Some(counts) = read(table) else { return };
    let [watchpoints, hits, reports, full, processes] = counts;
    say(&format!(
        "kcsan: {watchpoints} watchpoints set, {hits} hits, {reports} reports in {processes} \
         processes ({full} not set: their slot was taken)"
    ));
    if watchpoints == 0 && processes > 0 {
        say("kcsan: without a watchpoint, this run says nothing about races");
    }
}

fn read(table: &Path) -> Option<[u64; COUNTS.len()]> {
    let mut head = [0_u8; HEAD + 8 + COUNTS.len() * 8];
    fs::File::open(table).ok()?.read_exact(&mut head).ok()?;
    let word = |index: usize| {
        let start = HEAD + index * 8;
        Some(u64::from_le_bytes(head.get(start..start + 8)?.try_into().ok()?))
    };
    if word(0)? != MAGIC {
        return None;
    }
    let mut counts = [0; COUNTS.len()];
    for (index, count) in counts.iter_mut().enumerate() {
        *count = word(index + 1)?;
    }
    Some(counts)
}
