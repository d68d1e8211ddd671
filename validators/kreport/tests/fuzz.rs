//! Damaged and mixed logs: no panic, no line lost, and no more time than the length allows.
//!
//! `ASEQD_FUZZ_SECONDS=600 cargo test --release -p kreport --test fuzz` makes it run longer, and `ASEQD_FUZZ_SEED=7` begin at
//! another seed, such as the one that a failure names.

use kreport::{Stream, decode, output, read};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Maximum time for a megabyte, in a build without optimisation on a busy machine. Optimised, it takes 10 ms.
const MAX_TIME_PER_MB: Duration = Duration::from_secs(20);

/// A generator of numbers, so that a failure can be repeated from its seed. This is xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("a small number")
    }
}

fn logs() -> Vec<Vec<u8>> {
    let mut logs = Vec::new();
    for folder in ["tests/reports", "tests/programs", "tests/seeds"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut files: Vec<_> =
            fs::read_dir(folder).expect("logs").flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|end| end == "txt"));
        files.sort();
        logs.extend(files.iter().map(|path| fs::read(path).expect("a log")));
    }
    logs
}

/// Makes a log of lines of others: cut, doubled, swapped, with other prefixes and bytes.
fn mix(random: &mut Random, logs: &[Vec<u8>]) -> Vec<u8> {
    const PREFIXES: &[&str] = &[
        "",
        "",
        "[    1.000000] ",
        "[    1.000000][   T12] ",
        "[    1.000000][    C1] ",
        "> ",
        "==12== ",
        "<4>",
        "x| ",
        "6,1,2,-;",
    ];
    const BYTES: &[u8] = b"\n\r\0\x1b[]<>(){}:+=#0x \xff\xc3";
    let mut out = Vec::new();
    for _ in 0..1 + random.below(6) {
        let lines: Vec<&[u8]> =
            logs[random.below(logs.len())].split(|&byte| byte == b'\n').collect();
        let prefix = PREFIXES[random.below(PREFIXES.len())].as_bytes();
        let damage = random.below(4);
        let mut at = random.below(lines.len());
        while at < lines.len() && out.len() < 1 << 20 {
            match random.below(if damage == 0 { usize::MAX } else { 12 }) {
                0 => at += random.below(6),
                1 => at = at.saturating_sub(random.below(4)),
                _ => {}
            }
            let Some(line) = lines.get(at) else { break };
            let end = if random.below(30) == 0 { random.below(line.len()) } else { line.len() };
            out.extend_from_slice(prefix);
            out.extend_from_slice(&line[..end]);
            if random.below(40) != 0 {
                out.push(b'\n');
            }
            at += 1;
        }
    }
    for _ in 0..random.below(20) {
        let at = random.below(out.len());
        if let Some(byte) = out.get_mut(at) {
            *byte = BYTES[random.below(BYTES.len())];
        }
    }
    out
}

/// Returns how long this thread has run. Other programs of a busy machine do not count.
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux with schedstat");
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}

fn check(bytes: &[u8], seed: u64) {
    let start = processor_time();
    let text = decode(bytes);
    let log = read(&text);
    let lines = text.split_inclusive('\n').count();
    assert_eq!(log.lines_in_reports() + log.lines_outside(), lines, "seed {seed}");
    let mut options = output::Text::default();
    options.full = true;
    let known = kreport::Known::default();
    let _text = output::text(&log, &output::AsPrinted, options);
    let _junit = output::junit(&log, &output::AsPrinted, &known);
    output::json::json(&log, &output::AsPrinted, &known).expect("JSON");
    // In parts: some bytes make it another form, or no log.
    let mut stream = Stream::default();
    let mut collector = kreport::Collector::default();
    let mut usable = true;
    for part in bytes.chunks(1 + bytes.len() / 3) {
        usable &= stream.push(part, &mut |report| collector.push(&report)).is_ok();
        stream.poll(&mut |report| collector.push(&report));
    }
    usable &= stream.end_of_file().is_ok();
    stream.flush(&mut |report| collector.push(&report));
    collector.finish();
    let streamed = collector.log(stream.lines());
    if usable {
        assert_eq!(
            streamed.lines_in_reports() + streamed.lines_outside(),
            streamed.lines,
            "seed {seed}"
        );
    }
    let limit = MAX_TIME_PER_MB.mul_f64(0.2 + bytes.len() as f64 / 1e6);
    let took = processor_time() - start;
    assert!(took < limit, "seed {seed}: {took:?} for {} bytes", bytes.len());
}

#[test]
fn damaged_logs_are_read_without_panic_or_loss() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("ASEQD_FUZZ_SECONDS").unwrap_or(3);
    let logs = logs();
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut seed = number("ASEQD_FUZZ_SEED").unwrap_or(1);
    while Instant::now() < until {
        let mut random = Random(seed * 0x9e37_79b9);
        check(&mix(&mut random, &logs), seed);
        seed += 1;
    }
    println!("{seed} logs");
}

#[test]
fn time_grows_with_the_length_and_no_faster() {
    // Each of these once was, or could be, a case in which each line looks at all others.
    let repeated: &[(&str, &str)] = &[
        ("headers", "BUG: x\n"),
        ("headers of tasks", "[    1.000000][    T%] BUG: x\n"),
        ("frames without end", " f+0x1/0x2\n"),
        ("prefixes", "x-% | BUG: x\nx-% |  f+0x1/0x2\n"),
        ("brackets", "[[[[[[[[[[[[[[[[\n"),
        ("rules", "==================\n"),
        ("escape sequences", "\u{1b}[\n"),
        ("names", "_ZN_ZN_ZN_R_R_R_Z\n"),
        (
            "leaks",
            "Direct leak of 7 byte(s) in 1 object(s) allocated from:\n    #0 0x1 in f a.c:1\n",
        ),
        ("one line", "BUG: x general protection fault: "),
        ("processes", "==%== Invalid read of size 4\n==%==    at 0x1: f (a.c:1)\n"),
    ];
    for (name, line) in repeated {
        let make = |length: usize| {
            let mut text = String::from("BUG: y\n");
            let mut number = 0;
            while text.len() < length {
                text += &line.replace('%', &number.to_string());
                number += 1;
            }
            text
        };
        let time = |length: usize| {
            let text = make(length);
            let start = processor_time();
            let text = decode(text.as_bytes());
            std::hint::black_box(read(&text));
            processor_time() - start
        };
        let (short, long) = (time(40_000).max(Duration::from_millis(5)), time(320_000));
        // Eight times as long may take eight times the time; three times that is for the machine's caches.
        assert!(long < short * 24, "{name}: {short:?} and {long:?}");
    }
}
