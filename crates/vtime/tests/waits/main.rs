//! The table of waits: every call that waits or tells the time, disturbed in every way, from several languages.
//!
//! The programs in this folder print one line a row: what a call returned, its error, the time that it said to remain,
//! how many handlers ran, and the time that passed. `linux/` has these lines as Linux gives them, with its times
//! rounded to the ones that were meant. `linux/aarch64` has those of programs with other lines there: it has no `time`
//! and no `select`, and glibc makes `poll` of `ppoll`, which begins anew when it is restarted. Under `vtime` every line must be equal to that, to the nanosecond.
//!
//! `VTIME_BLESS=1 cargo test -p aseqd-vtime --test waits linux` records the lines anew, from this machine's kernel.

mod build;
mod rows;

use build::{Kind, Program};
use rows::Row;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a program may run, in real time: several times what the longest one takes on an idle machine.
const LIMIT: Duration = Duration::from_secs(120);

/// How often a program is run in real time before a difference counts. A busy machine wakes programs late, and a
/// program that wakes late sees other results.
const TRIES: usize = 4;

/// How often a program is run to record its rows. What it says most often counts.
const RECORDED: usize = 9;

/// Runs a command and returns what it prints.
fn output(mut command: Command) -> Result<String, String> {
    let spawned =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| format!("{command:?} does not start: {error}"))?;
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut stderr = child.stderr.take().expect("a pipe");
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.read_to_string(&mut text);
        let _gone = sender.send(());
        read.map(|_| text)
    });
    let complaints = std::thread::spawn(move || {
        let mut text = String::new();
        let _partly = stderr.read_to_string(&mut text);
        text
    });
    let in_time = receiver.recv_timeout(LIMIT).is_ok();
    if !in_time {
        child.kill().expect("a child to kill");
    }
    let status = child.wait().expect("a child to wait for");
    let text = reader.join().expect("a reader").unwrap_or_else(|error| error.to_string());
    let complaints = complaints.join().expect("a reader");
    let last = text.lines().last().unwrap_or("nothing");
    if !in_time {
        return Err(format!("{command:?} did not end; last it printed {last}\n{complaints}"));
    }
    if !status.success() {
        return Err(format!("{command:?} ended with {status}, after {last}\n{complaints}"));
    }
    Ok(text)
}

/// Runs all programs of a kind under `vtime`, and compares their rows with Linux's.
fn exact(kind: Kind) {
    let mut differences = Vec::new();
    for program in Program::all(kind) {
        let Some(command) = build::command(&program) else { return };
        let mut traced = Command::new(env!("CARGO_BIN_EXE_vtime"));
        traced.arg("--").arg(command.get_program()).args(command.get_args());
        let wanted = rows::recorded(program.name());
        match output(traced) {
            Ok(text) => {
                let got = rows::parse(&text);
                differences.extend(rows::compare(program.name(), &wanted, &got, Row::is_exactly));
            }
            Err(problem) => differences.push(problem),
        }
    }
    assert!(differences.is_empty(), "{kind:?}:\n{}", differences.join("\n"));
}

#[test]
fn static_c() {
    exact(Kind::Static);
}

#[test]
fn dynamic_c() {
    exact(Kind::Dynamic);
}

#[test]
fn musl_c() {
    exact(Kind::Musl);
}

#[test]
fn rust() {
    exact(Kind::Rust);
}

#[test]
fn static_rust() {
    exact(Kind::RustMusl);
}

#[test]
fn go() {
    exact(Kind::Go);
}

#[test]
fn python() {
    exact(Kind::Python);
}

/// The rows are this kernel's too: the same programs, in real time, all at once.
#[test]
fn linux_itself() {
    let bless = std::env::var_os("VTIME_BLESS").is_some();
    let kinds = [Kind::Dynamic, Kind::Rust, Kind::Go, Kind::Python];
    let programs: Vec<_> = kinds.into_iter().flat_map(Program::all).collect();
    let tests: Vec<_> = programs
        .into_iter()
        .filter_map(|program| build::command(&program).map(|_| program))
        .map(|program| std::thread::spawn(move || in_real_time(&program, bless)))
        .collect();
    let differences: Vec<_> =
        tests.into_iter().filter_map(|test| test.join().expect("a test").err()).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn in_real_time(program: &Program, bless: bool) -> Result<(), String> {
    let name = program.name();
    let command = || build::command(program).expect("a program that was built before");
    if bless {
        let runs: Result<Vec<_>, _> =
            (0..RECORDED).map(|_| output(command()).map(|text| rows::parse(&text))).collect();
        rows::record(name, &runs?);
        return Ok(());
    }
    let wanted = rows::recorded(name);
    // A row is right if it was right once: a busy machine never makes a wrong kernel right.
    let mut best: Vec<Row> = Vec::new();
    for _ in 0..TRIES {
        let got = rows::parse(&output(command())?);
        if best.len() != got.len() {
            best = got;
        } else {
            for ((best, got), wanted) in best.iter_mut().zip(got).zip(&wanted) {
                if !best.is_about(wanted) {
                    *best = got;
                }
            }
        }
        if rows::compare(name, &wanted, &best, Row::is_about).is_empty() {
            return Ok(());
        }
    }
    Err(rows::compare(name, &wanted, &best, Row::is_about).join("\n"))
}
