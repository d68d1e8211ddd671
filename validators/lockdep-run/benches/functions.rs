//! What a call of a function costs that `--functions` names, beside a plain call, a mutex, and a section that marks make.
//!
//! `cargo bench -p lockdep-run --bench functions`. A C program runs alone, under `lockdep-run`, and under `lockdep-run
//! --functions`, in turn. Each figure is the least of all rounds, and the ratios are within this one run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// How often each way is run. The least is the same from five rounds on.
const ROUNDS: usize = 7;
/// The ways to run the program: the name, and the options of `lockdep-run` if it takes part.
const WAYS: [(&str, Option<&[&str]>); 3] = [
    ("plain", None),
    ("lockdep-run", Some(&[])),
    ("--functions", Some(&["--functions", "process"])),
];
/// What the program measures, in its words, and in words for people.
const TURNS: [(&str, &str); 3] = [
    ("call", "a call by a table of functions"),
    ("mutex", "a mutex that is free"),
    ("section", "a section of marks, nothing in it"),
];

fn main() -> ExitCode {
    let program = match compile() {
        Ok(program) => program,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let mut least: BTreeMap<(usize, String), f64> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (way, (name, options)) in WAYS.iter().enumerate() {
            let figures = match run(&program, *options) {
                Ok(figures) => figures,
                Err(why) => {
                    eprintln!("{name}: {why}");
                    return ExitCode::FAILURE;
                }
            };
            for (turn, nanoseconds) in figures {
                let known = least.entry((way, turn)).or_insert(nanoseconds);
                *known = known.min(nanoseconds);
            }
        }
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("least of {ROUNDS} rounds, load {}", load.split(' ').next().unwrap_or_default());
    for (turn, words) in TURNS {
        let figure = |way: usize| least.get(&(way, turn.to_owned())).copied().unwrap_or(f64::NAN);
        let plain = figure(0);
        print!("{words:<34}");
        for (way, (name, _)) in WAYS.iter().enumerate() {
            print!("  {name} {:6.1} ns", figure(way));
            if way > 0 {
                print!(" ({:.1}x)", figure(way) / plain);
            }
        }
        println!();
    }
    ExitCode::SUCCESS
}

fn compile() -> Result<PathBuf, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("calls");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let status = Command::new(&compiler)
        .args(["-g", "-O2", "-Wall", "-Werror", "-pthread", "-I"])
        .arg(here.join("../lockdep-preload"))
        .arg("-o")
        .arg(&program)
        .arg(here.join("benches/calls.c"))
        .status();
    match status {
        Ok(status) if status.success() => Ok(program),
        Ok(_) => Err("benches/calls.c does not compile".to_owned()),
        Err(error) => Err(format!("{compiler} cannot be started: {error}")),
    }
}

/// Runs the program, and returns what each of its turns took, in nanoseconds.
fn run(program: &Path, options: Option<&[&str]>) -> Result<Vec<(String, f64)>, String> {
    let mut command = match options {
        Some(options) => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_lockdep-run"));
            command.arg("--quiet").args(options).arg("--").arg(program);
            command
        }
        None => Command::new(program),
    };
    let output = command.output().map_err(|error| error.to_string())?;
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(format!("{}: {err}", output.status));
    }
    // Without a section in the summary, the calls were not followed, and their figure would be that of plain ones.
    if options.is_some_and(|options| !options.is_empty()) && !err.contains("\nprocess ") {
        return Err(format!("the function was not followed: {err}"));
    }
    let figure = |line: &str| {
        let (turn, number) = line.split_once(' ')?;
        Some((turn.to_owned(), number.parse().ok()?))
    };
    Ok(out.lines().filter_map(figure).collect())
}
