//! How many bytes of a log kreport reads per second of processor time, on one core.
//!
//! `cargo bench -p kreport --bench parse` prints megabytes per second for five logs of 64 MB: ordinary messages, a
//! report in every hundred messages, only reports, only reports of programs, and these behind the prefix of a CI system.
//! The last column is for the way of the program: in parts, with groups. A part of a name, as in
//! `cargo bench -p kreport --bench parse -- 'of programs'`, chooses among them.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

const SIZE: usize = 64 << 20;
const RUNS: usize = 5;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let (reports, programs) = (reports("tests/reports"), reports("tests/programs"));
    let logs: [(&str, &dyn Fn() -> String); 5] = [
        ("messages only", &|| messages(SIZE)),
        ("a report in 100 messages", &|| mixed(&reports, 100)),
        ("reports only", &|| mixed(&reports, 0)),
        ("reports of programs", &|| plain(&programs, "")),
        ("the same behind a prefix", &|| plain(&programs, "2026-11-29T16:00:01.123Z | ")),
    ];
    for (name, log) in logs {
        if wanted.as_ref().is_some_and(|part| !name.contains(part.as_str())) {
            continue;
        }
        let log = log();
        let mut found = 0;
        let whole = rate(&log, || {
            let text = kreport::decode(log.as_bytes());
            found = black_box(kreport::read(&text)).reports.len();
        });
        let mut streamed = 0;
        let parts = rate(&log, || {
            let (mut stream, mut collector) =
                (kreport::Stream::default(), kreport::Collector::default());
            streamed = 0;
            let mut each = |report: kreport::Report<'_>| {
                streamed += 1;
                collector.push(&report);
            };
            for part in log.as_bytes().chunks(1 << 20) {
                stream.push(part, &mut each).expect("a log");
            }
            stream.end_of_file().expect("a log");
            stream.flush(&mut each);
            collector.finish();
            black_box(collector.log(stream.lines()));
        });
        println!(
            "{name:26} {whole:6.0} MB/s, in parts {parts:6.0} MB/s, {found} and {streamed} reports in {} MB",
            log.len() / 1_000_000
        );
    }
}

/// Returns the median of megabytes per second.
fn rate(log: &str, mut run: impl FnMut()) -> f64 {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = processor_time();
            run();
            processor_time() - start
        })
        .collect();
    times.sort_unstable();
    log.len() as f64 / 1e6 / times[RUNS / 2].as_secs_f64()
}

/// Returns how long this thread has run. Other programs of a busy machine do not count.
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux with schedstat");
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}

/// Returns reports one after the other, behind a prefix.
fn plain(reports: &[String], prefix: &str) -> String {
    let mut out = String::with_capacity(SIZE + 20_000);
    for report in reports.iter().cycle() {
        if out.len() >= SIZE {
            break;
        }
        for line in report.lines() {
            let _ = writeln!(out, "{prefix}{line}");
        }
    }
    out
}

/// Returns the composed reports without prefixes.
fn reports(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("reports").flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).expect("a report");
        text.lines()
            .map(|line| {
                // Valgrind's own prefix belongs to its reports.
                let text = if line.starts_with("==") {
                    line
                } else {
                    kreport::parse::prefix::strip(line).text
                };
                text.to_owned() + "\n"
            })
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
