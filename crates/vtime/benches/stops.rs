//! What virtual time costs: a stop, a wait, and a program that does neither. `cargo bench -p aseqd-vtime`.
//!
//! The numbers are CPU time of the program and of vtime together. On an idle machine that is the real time, because
//! both take turns on one processor; and other programs on the machine do not change it much. It needs a C compiler.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs of each kind. The best one counts.
const RUNS: usize = 3;

/// Ticks a second in `/proc`: `USER_HZ`.
const TICKS: f64 = 100.0;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("costs");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/programs/costs.c");
    let built = Command::new("cc").arg("-O2").arg("-o").arg(&program).arg(&source).status();
    if !built.is_ok_and(|status| status.success()) {
        return println!("there is no C compiler");
    }
    let program = program.to_str().expect("a name");
    for (name, what, times) in [
        ("clock read, 1 stop", "read", 100_000),
        ("sleep, 2 stops", "sleep", 30_000),
        ("poll, 2 stops", "poll", 30_000),
    ] {
        let seconds = best(|| seconds(&mut virtual_time(program, what, times)));
        println!("{name:<20} {:7.2} us", seconds / f64::from(times) * 1e6);
    }
    let both = |what: &str, times: u32| {
        let real = best(|| seconds(Command::new(program).arg(what).arg(times.to_string())));
        (real, best(|| seconds(&mut virtual_time(program, what, times))))
    };
    let times = 10_000_000;
    let (real, ours) = both("call", times);
    println!("{:<20} {:7.3} us", "any other call", (ours - real) / f64::from(times) * 1e6);
    let (real, ours) = both("compute", 1_500_000);
    println!("{:<20} {:7.3} times", "computing", ours / real);
}

fn best(run: impl Fn() -> f64) -> f64 {
    (0..RUNS).map(|_| run()).fold(f64::INFINITY, f64::min)
}

fn virtual_time(program: &str, what: &str, times: u32) -> Command {
    let mut vtime = Command::new(env!("CARGO_BIN_EXE_vtime"));
    vtime.arg("--").arg(program).arg(what).arg(times.to_string());
    vtime
}

/// Runs a command, and returns the CPU time that it and its children have used.
fn seconds(command: &mut Command) -> f64 {
    let before = used();
    assert!(command.status().is_ok_and(|status| status.success()));
    used() - before
}

/// Returns the CPU time of children that have ended.
fn used() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").expect("a line");
    let (_, rest) = text.rsplit_once(')').expect("a name");
    // Of the words after the name, these are cutime and cstime.
    let words = rest.split_ascii_whitespace().skip(13).take(2);
    words.map(|word| word.parse::<f64>().expect("ticks")).sum::<f64>() / TICKS
}
