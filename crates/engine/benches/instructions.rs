//! Counts instructions per event by callgrind, which do not vary as times do: the gate against
//! regressions. `cargo bench -p aseqd-engine --bench instructions [-- --check]`; with `--check`,
//! more than [`WORKS`] allows is a failure.

mod workload;

use skip::skip;
use std::process::{Command, ExitCode};
use workload::{BATCH, Bench, Forms};

/// The works by name, the forms of events of their clients, and the maximum number of instructions per
/// event. A little above what is measured; raise one only with a reason in the commit.
const WORKS: [(&str, Forms, u64); 11] = [
    ("direct", LEGACY, 250),
    ("queued", LEGACY, 1050),
    ("fanout", LEGACY, 135),
    // Legacy clients notice nothing of UMP.
    ("direct-with-ump", Forms { ump: true, ..LEGACY }, 250),
    ("queued-with-ump", Forms { ump: true, ..LEGACY }, 1050),
    ("fanout-with-ump", Forms { ump: true, ..LEGACY }, 135),
    ("direct-packets", forms(2, 2), 300),
    ("queued-packets", forms(2, 2), 1300),
    ("direct-midi1-to-midi2", forms(1, 2), 600),
    ("direct-legacy-to-midi2", forms(0, 2), 600),
    ("direct-midi2-to-legacy", forms(2, 0), 600),
];
const LEGACY: Forms = Forms { ump: false, sender: 0, readers: 0 };
/// Number of batches of the shorter of two runs. The difference of the runs counts.
const BATCHES: u64 = 200;
/// Number of subscribers of `fanout`, which counts events read: all clients that a sequencer has
/// but the sender.
const FANOUT: usize = 63;

const fn forms(sender: u32, readers: u32) -> Forms {
    Forms { ump: true, sender, readers }
}

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
    let (_, forms, _) = WORKS.into_iter().find(|(known, ..)| *known == name).expect("a name");
    let mut bench = Bench::of_forms(readers(name), forms);
    let queued = name.starts_with("queued");
    let notes = bench.notes(queued);
    for _ in 0..batches {
        let _events = if queued { bench.queued(&notes) } else { bench.direct(&notes) };
    }
}

/// Returns the number of subscribers of a work.
fn readers(name: &str) -> usize {
    if name.starts_with("fanout") { FANOUT } else { 1 }
}

fn gate(check: bool) -> ExitCode {
    if Command::new("valgrind").arg("--version").output().is_err() {
        skip("valgrind is not installed");
        return ExitCode::SUCCESS;
    }
    let mut status = ExitCode::SUCCESS;
    for (name, _, limit) in WORKS {
        let events = BATCHES * (BATCH * readers(name)) as u64;
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
