//! Counts instructions per event by callgrind, which do not vary as times do: the gate against
//! regressions. `cargo bench -p aseqd-engine --bench instructions [-- --check]`; with `--check`,
//! more than [`LIMITS`] is a failure.

mod workload;

use skip::skip;
use std::process::{Command, ExitCode};
use workload::{BATCH, Bench};

/// Maximum number of instructions per event, by name. A little above what is measured; raise one
/// only with a reason in the commit.
const LIMITS: [(&str, u64); 3] = [("direct", 250), ("queued", 1050), ("fanout", 135)];
/// Number of batches of the shorter of two runs. The difference of the runs counts.
const BATCHES: u64 = 200;
/// Number of subscribers of `fanout`, which counts events read: all clients that a sequencer has
/// but the sender.
const FANOUT: usize = 63;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["work", name, batches] => {
            work(name, batches.parse().expect("a number"));
            ExitCode::SUCCESS
        }
        rest => gate(rest.contains(&"--check")),
    }
}

/// Does the work that callgrind watches.
fn work(name: &str, batches: u64) {
    let mut bench = Bench::new(if name == "fanout" { FANOUT } else { 1 });
    let queued = name == "queued";
    let notes = bench.notes(queued);
    for _ in 0..batches {
        let _events = if queued { bench.queued(&notes) } else { bench.direct(&notes) };
    }
}

fn gate(check: bool) -> ExitCode {
    if Command::new("valgrind").arg("--version").output().is_err() {
        skip("valgrind is not installed");
        return ExitCode::SUCCESS;
    }
    let mut status = ExitCode::SUCCESS;
    for (name, limit) in LIMITS {
        let events = BATCHES * BATCH as u64 * if name == "fanout" { FANOUT as u64 } else { 1 };
        let per_event = (count(name, 2 * BATCHES) - count(name, BATCHES)) / events;
        let verdict = if per_event <= limit { "ok" } else { "TOO MANY" };
        println!("{name}: {per_event} instructions per event, limit {limit}: {verdict}");
        if check && per_event > limit {
            status = ExitCode::FAILURE;
        }
    }
    status
}

/// Returns the instructions of one run.
fn count(name: &str, batches: u64) -> u64 {
    let own = std::env::current_exe().expect("this program has a path");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(["work", name, &batches.to_string()])
        .output()
        .expect("valgrind");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "callgrind failed: {text}");
    let line = text.lines().find_map(|line| line.split("Collected :").nth(1));
    line.and_then(|count| count.trim().parse().ok()).expect("callgrind says what it collected")
}
