//! Rows: read, compared, recorded.

use std::fmt;
use std::path::PathBuf;

/// All times in the programs are multiples of this, in ns.
const GRID: i64 = 10_000_000;

/// How much earlier than meant a time may seem that was measured from after the beginning of a wait, in ns.
const EARLY: i64 = 1_000_000;

/// How far from the table the time left may be in real time, in ns. A busy machine is late by milliseconds.
const LATE: i64 = 100_000_000;

/// By how much the waits of some libraries differ from what they were asked for, in ns. Python's compute deadlines in
/// floating-point seconds, and then round up to the milliseconds or microseconds of the call. Go's runtime naps for
/// microseconds while it starts and ends processes.
const ROUNDED: &[(&str, i64)] = &[
    ("asyncio.", 1_000_000),
    ("communicate/", 1_000_000),
    ("Queue/", 1_000),
    ("multiprocessing/", 1_000),
    ("CommandContext/", 1_000_000),
];

/// One line of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Result and error.
    outcome: String,
    left: Option<i64>,
    handlers: u32,
    elapsed: i64,
}

impl Row {
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split(' ').collect();
        let [name, result, error, left, handlers, elapsed] = words[..] else { return None };
        let left = match left {
            "-" => None,
            left => Some(left.parse().ok()?),
        };
        Some(Self {
            name: name.to_owned(),
            outcome: format!("{result} {error}"),
            left,
            handlers: handlers.parse().ok()?,
            elapsed: elapsed.parse().ok()?,
        })
    }

    fn is_alike(&self, wanted: &Self) -> bool {
        self.name == wanted.name
            && self.outcome == wanted.outcome
            && self.left.is_some() == wanted.left.is_some()
            && self.handlers == wanted.handlers
    }

    /// Returns whether this row of virtual time is the wanted one, to the nanosecond.
    pub(crate) fn is_exactly(&self, wanted: &Self) -> bool {
        let rounded = ROUNDED.iter().find(|(name, _)| self.name.starts_with(name));
        let off = self.elapsed - wanted.elapsed;
        self.is_alike(wanted)
            && self.left == wanted.left
            && off.abs() <= rounded.map_or(0, |(_, by)| *by)
    }

    /// Returns whether this row of real time may be what the wanted one is about: no time is earlier.
    pub(crate) fn is_about(&self, wanted: &Self) -> bool {
        let left = match (self.left, wanted.left) {
            (Some(left), Some(wanted)) => (wanted - LATE..=wanted + EARLY).contains(&left),
            _ => true,
        };
        self.is_alike(wanted) && left && self.elapsed >= wanted.elapsed - EARLY
    }

    /// Returns the row with its times as they were meant.
    fn rounded(&self) -> Self {
        // Time passes beyond what was asked for, and what is left is that much less.
        let down = |time: i64| (time + EARLY).div_euclid(GRID) * GRID;
        let up =
            |time: i64| if time < 0 { time } else { (time - EARLY).div_euclid(GRID) * GRID + GRID };
        let left = self.left.map(|left| if (0..EARLY).contains(&left) { 0 } else { up(left) });
        Self { left, elapsed: down(self.elapsed), ..self.clone() }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, outcome, left, handlers, elapsed } = self;
        let left = left.map_or_else(|| "-".to_owned(), |left| left.to_string());
        write!(f, "{name} {outcome} {left} {handlers} {elapsed}")
    }
}

/// Reads what a program has printed.
pub(crate) fn parse(text: &str) -> Vec<Row> {
    let row = |line| Row::parse(line).unwrap_or_else(|| panic!("not a row: {line}"));
    text.lines().map(row).collect()
}

/// Returns what differs, a line a row.
pub(crate) fn compare(
    program: &str,
    wanted: &[Row],
    got: &[Row],
    equal: fn(&Row, &Row) -> bool,
) -> Vec<String> {
    let mut differences = Vec::new();
    for (wanted, got) in wanted.iter().zip(got) {
        if !equal(got, wanted) {
            differences.push(format!(
                "{program}: {got}\n{:>width$}: {wanted}",
                "Linux",
                width = program.len()
            ));
        }
    }
    if wanted.len() != got.len() {
        differences.push(format!("{program}: {} rows, not {}", got.len(), wanted.len()));
    }
    differences
}

/// Returns where the rows of a program are: in a folder of this processor's if it has others, because it lacks calls.
fn file(program: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/waits/linux");
    let name = format!("{program}.txt");
    let own = folder.join(std::env::consts::ARCH).join(&name);
    if own.exists() { own } else { folder.join(name) }
}

/// Returns Linux's rows of a program.
pub(crate) fn recorded(program: &str) -> Vec<Row> {
    let file = file(program);
    let text = std::fs::read_to_string(&file);
    parse(&text.unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

/// Records Linux's rows of a program, from several runs: each row as it was most often.
pub(crate) fn record(program: &str, runs: &[Vec<Row>]) {
    let mut text = String::new();
    for at in 0..runs[0].len() {
        let lines: Vec<_> = runs.iter().map(|rows| rows[at].rounded().to_string()).collect();
        let often = |line: &&String| lines.iter().filter(|other| other == line).count();
        text += lines.iter().max_by_key(often).expect("at least one run");
        text.push('\n');
    }
    std::fs::write(file(program), text).expect("a folder to write to");
}

#[test]
fn times_are_rounded_to_what_was_meant() {
    let rounded = |line| Row::parse(line).expect("a row").rounded().to_string();
    assert_eq!(rounded("a -1 EINTR 79664876 1 40404793"), "a -1 EINTR 80000000 1 40000000");
    assert_eq!(rounded("a 0 - 0 0 127000000"), "a 0 - 0 0 120000000");
    assert_eq!(rounded("a 0 - - 0 79990000"), "a 0 - - 0 80000000");
    assert_eq!(rounded("a 0 - 80039845 0 73460"), "a 0 - 80000000 0 0");
}
