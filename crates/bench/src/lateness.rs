//! Scheduled lateness: how long after its instant an event is dispatched, and read by a program.

use super::device::{self, READ_SIZE, Sequencer, now_ns, numbers, scheduled, signed};
use super::process::Process;
use super::program;
use super::random::Random;
use super::row::{Line, Row, Side, Subject};
use super::setup::{Entrance, Setup};
use super::stats::{Figures, differences, percentiles};
use super::task::{Words, task, times};
use super::wake;
use aseqd_host::error::{Context as _, Fail};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::Path;
use zerocopy::IntoBytes as _;

/// Shortest and longest time between instants, in ns. Gaps are evenly distributed, so no tick can match them.
const GAP_NS: (u64, u64) = (500_000, 3_500_000);
/// Time before the first instant, in ns: all events are written by then.
const LEAD_NS: u64 = 20_000_000;
/// Time between the instants of cyclictest, in µs: the mean of ours.
const CYCLE_US: u64 = 2000;
/// Range of cyclictest's histogram, in µs.
const HISTOGRAM_US: u64 = 50_000;

/// Returns one row under the ordinary scheduler, and one under SCHED_FIFO.
pub(super) fn rows(setup: &Setup) -> Vec<Row> {
    let title = |fifo| match fifo {
        true => "scheduled lateness, SCHED_FIFO",
        false => "scheduled lateness",
    };
    let row = |fifo| {
        let title = title(fifo).to_owned();
        Row { family: "lateness", title, subjects: subjects(setup, fifo) }
    };
    [false, true].map(row).into()
}

fn subjects(setup: &Setup, fifo: bool) -> Vec<Subject> {
    let count = if setup.quick { 50 } else { 200 };
    let mut subjects = Vec::new();
    for entrance in setup.main_entrances() {
        subjects.push(through(setup, entrance, fifo, false, count));
        if entrance.door.has_server() {
            subjects.push(through(setup, entrance, fifo, true, count));
        }
    }
    for way in ["timerfd", "nanosleep", "tick"] {
        let (side, name) = match way {
            "timerfd" => (Side::Limit, "timerfd and epoll"),
            "nanosleep" => (Side::Limit, "clock_nanosleep"),
            _ => (Side::Peer, "a tick of 1 kHz"),
        };
        let mut seed = 0;
        subjects.push(Subject::new(side, name, move || {
            seed += 1;
            let answer = program::run_alone(fifo, &task(&[&"lateness", &way, &count, &seed]))?;
            let (due, woke) = (times(&answer, "due")?, times(&answer, "read")?);
            Ok(Line::only(percentiles(differences(&due, &woke))))
        }));
    }
    subjects.push(Subject::new(Side::Peer, "cyclictest", move || {
        cyclictest(fifo, count).map(Line::only)
    }));
    subjects
}

/// Returns the subject of a program that writes events for random instants and reads them when they arrive.
fn through(setup: &Setup, entrance: &Entrance, fifo: bool, precise: bool, count: usize) -> Subject {
    let with = if precise { " --precise" } else { "" };
    let name = format!("{}{with}", entrance.door.name);
    let log = setup.directory.path().join("dispatch.log");
    let mut options = vec![OsString::from("--dispatch-log"), log.clone().into_os_string()];
    options.extend(precise.then(|| OsString::from("--precise")));
    // Where it may, the server takes SCHED_FIFO by itself.
    options.extend((!fifo).then(|| OsString::from("--no-realtime")));
    let mut seed = 0;
    entrance.subject(name, move |door| {
        seed += 1;
        let answer = door.run(&options, fifo, &task(&[&"lateness", &"seq", &count, &seed]))?;
        let (mut due, read) = (times(&answer, "due")?, times(&answer, "read")?);
        let mut stamps = None;
        if door.has_server() {
            let pairs = dispatches(&log, due[0])?;
            // The server knows the instants exactly; the program's may be off by half the time of a call.
            let (exact, handled): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            stamps = Some(percentiles(differences(&exact, &handled)));
            if exact.len() == due.len() {
                due = exact;
            }
        }
        let mut figures = percentiles(differences(&due, &read));
        if let Some(cpu) = answer["server_cpu_ns"].as_f64() {
            figures.push(("server_cpu_us_per_instant".to_owned(), cpu / 1000.0 / due.len() as f64));
            let policy = if answer["server_fifo"].as_bool() == Some(true) { 1.0 } else { 0.0 };
            figures.push(("server_is_fifo".to_owned(), policy));
        }
        let read = Line { suffix: "program's read", figures: Ok(figures) };
        let stamp = stamps.map(|figures| Line { suffix: "server's stamp", figures: Ok(figures) });
        Ok(stamp.into_iter().chain([read]).collect())
    })
}

/// Returns due time and dispatch of each event from `first_due` on, in ns of `CLOCK_MONOTONIC`.
fn dispatches(log: &Path, first_due: u64) -> Result<Vec<(u64, u64)>, Fail> {
    let bytes = std::fs::read(log).with_context(|| log.display().to_string())?;
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let pairs = bytes.chunks_exact(16).map(|pair| (number(&pair[..8]), number(&pair[8..])));
    // What was due long before is not part of the measurement.
    let pairs: Vec<_> = pairs.filter(|(due, _)| *due + LEAD_NS / 2 > first_due).collect();
    match pairs.is_empty() {
        true => Err(Fail::new("the server has logged no dispatch")),
        false => Ok(pairs),
    }
}

/// Runs cyclictest of rt-tests, and returns the percentiles of its histogram.
fn cyclictest(fifo: bool, count: usize) -> Result<Figures, Fail> {
    let (policy, priority) = if fifo { ("fifo", "49") } else { ("other", "0") };
    let words = [
        "cyclictest".to_owned(),
        "--quiet".to_owned(),
        "--default-system".to_owned(),
        "--threads=1".to_owned(),
        format!("--policy={policy}"),
        format!("--priority={priority}"),
        format!("--interval={CYCLE_US}"),
        format!("--loops={count}"),
        format!("--histogram={HISTOGRAM_US}"),
    ];
    let mut command = program::command(words.into_iter().map(OsString::from), false)?;
    let text =
        program::output(&mut command).map_err(|error| match program::installed("cyclictest") {
            true => error,
            false => Fail::new("cyclictest is not installed (package rt-tests)"),
        })?;
    let classes = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut fields = line.split_whitespace();
        let lateness: i64 = fields.next()?.parse().ok()?;
        let count: usize = fields.next()?.parse().ok()?;
        Some(std::iter::repeat_n(lateness * 1000, count))
    });
    let latenesses: Vec<_> = classes.flatten().collect();
    match latenesses.is_empty() {
        true => Err(Fail::new("cyclictest has printed no histogram")),
        false => Ok(percentiles(latenesses)),
    }
}

/// Runs the task `lateness WAY COUNT SEED`. It answers with the instants, and with the times of the wake-ups or reads
/// for them.
pub(super) fn worker(words: &mut Words) -> Result<Value, Fail> {
    let way = words.word()?;
    let offsets = offsets(words.number()?, words.number()?);
    let instants = |offsets: &[u64]| {
        let start = now_ns() + LEAD_NS;
        offsets.iter().map(|offset| start + offset).collect::<Vec<_>>()
    };
    let (due, woke) = match way.as_str() {
        "seq" => return sequencer(&offsets),
        "timerfd" => {
            let due = instants(&offsets);
            let woke = wake::timerfd(&due)?;
            (due, woke)
        }
        "nanosleep" => {
            let due = instants(&offsets);
            let woke = wake::nanosleep(&due)?;
            (due, woke)
        }
        _ => {
            let due = instants(&offsets);
            let woke = wake::tick(&due)?;
            (due, woke)
        }
    };
    Ok(json!({ "due": due, "read": woke }))
}

fn sequencer(offsets: &[u64]) -> Result<Value, Fail> {
    let sequencer = Sequencer::open("aseqd bench: lateness")?;
    let queue = sequencer.start_queue()?;
    let origin = sequencer.queue_origin(queue)?;
    let start = u64::try_from(signed(now_ns()) - origin).unwrap_or(0) + LEAD_NS;
    let port = sequencer.port;
    let mut bytes = Vec::new();
    for (number, offset) in (0..).zip(offsets) {
        let event = device::numbered(number, port, port);
        bytes.extend_from_slice(scheduled(event, queue, start + offset).as_bytes());
    }
    sequencer.write(&bytes)?;
    let server = Process::server();
    let before = server.map(Process::usage).transpose()?;
    let mut read = Vec::with_capacity(offsets.len());
    let mut buffer = [0; READ_SIZE];
    while read.len() < offsets.len() {
        let len = sequencer.read(&mut buffer).context("events cannot be read")?;
        let at = now_ns();
        read.extend(numbers(&buffer[..len]).map(|_| at));
    }
    let used = match (server, before) {
        (Some(server), Some(before)) => Some(server.usage()?.since(before)),
        _ => None,
    };
    let due = |offset: &u64| u64::try_from(signed(start + offset) + origin).unwrap_or(0);
    Ok(json!({
        "due": offsets.iter().map(due).collect::<Vec<_>>(),
        "read": read,
        "server_cpu_ns": used.map(|used| used.cpu_ns),
        "server_fifo": server.map(Process::is_fifo),
    }))
}

/// Returns instants with random gaps, in ns after a start.
pub(super) fn offsets(count: usize, seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed);
    let mut offset = 0;
    let next = |_| {
        offset += GAP_NS.0 + random.below(GAP_NS.1 - GAP_NS.0);
        offset
    };
    (0..count).map(next).collect()
}
