//! How many bytes of a log kreport reads per second, on one core.
//!
//! `cargo bench -p kreport --bench parse` prints megabytes per second for three logs of 64 MB: ordinary messages, a
//! report in every hundred messages, only reports.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

const SIZE: usize = 64 << 20;
const RUNS: usize = 7;

fn main() {
    let reports = reports();
    for (name, log) in [
        ("messages only", messages(SIZE)),
        ("a report in 100 messages", mixed(&reports, 100)),
        ("reports only", mixed(&reports, 0)),
    ] {
        let mut found = 0;
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let start = Instant::now();
                let text = kreport::decode(log.as_bytes());
                found = black_box(kreport::read(&text)).reports.len();
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        let rate = |time: Duration| log.len() as f64 / 1e6 / time.as_secs_f64();
        let (median, best) = (rate(times[RUNS / 2]), rate(times[0]));
        println!(
            "{name:26} {median:8.0} MB/s (best {best:.0}), {found} reports in {} MB",
            log.len() / 1_000_000
        );
    }
}

/// Returns the composed reports without prefixes.
fn reports() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("reports").flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).expect("a report");
        text.lines()
            .map(|line| kreport::parse::prefix::strip(line).text.to_owned() + "\n")
            .collect()
    };
    files.iter().map(read).collect()
}

fn message(out: &mut String, number: usize) {
    let (seconds, micros) = (number / 1000, number % 1000 * 1000);
    let task = number % 4000;
    let caller = format!("T{task}");
    let _ = match number % 4 {
        0 => writeln!(
            out,
            "[{seconds:5}.{micros:06}][{caller:>6}] loop{task}: detected capacity change from 0 to {number}"
        ),
        1 => writeln!(
            out,
            "[{seconds:5}.{micros:06}][{caller:>6}] netlink: {number} bytes leftover after parsing attributes in process `syz.0'."
        ),
        2 => writeln!(
            out,
            "[{seconds:5}.{micros:06}][    C1] hrtimer: interrupt came {number} ns after its time"
        ),
        _ => writeln!(out, "executing program {number}:"),
    };
}

fn messages(size: usize) -> String {
    let mut out = String::with_capacity(size + 200);
    let mut number = 0;
    while out.len() < size {
        message(&mut out, number);
        number += 1;
    }
    out
}

fn mixed(reports: &[String], between: usize) -> String {
    let mut out = String::with_capacity(SIZE + 20_000);
    let mut number = 0;
    for report in reports.iter().cycle() {
        if out.len() >= SIZE {
            break;
        }
        for _ in 0..between {
            message(&mut out, number);
            number += 1;
        }
        number += 1;
        let (seconds, caller) = (number / 1000, format!("T{}", number % 4000));
        for line in report.lines() {
            let _ = writeln!(out, "[{seconds:5}.000000][{caller:>6}] {line}");
        }
    }
    out
}
