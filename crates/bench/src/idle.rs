//! Idle: what a server costs with little to do, by due events a second.

use super::device::{self, POOL, Sequencer, now_ns, own_cpu_ns, scheduled, signed};
use super::process::Process;
use super::program;
use super::row::{Line, Row, Side, Subject};
use super::setup::{Entrance, Setup};
use super::task::{Words, task};
use super::wake::{self, Alarm};
use aseqd_abi::Address;
use aseqd_abi::seq::CLIENT_DUMMY;
use aseqd_host::error::Fail;
use serde_json::{Value, json};
use zerocopy::IntoBytes as _;

/// Due events a second. 48 is a MIDI clock at 120 beats per minute.
const RATES: [u64; 4] = [0, 48, 1000, 10_000];
/// How long a server is watched, in ns. It is less if the pool has no room for the events of this time.
const WATCHED_NS: u64 = 500_000_000;
/// Time from the start to the first instant, in ns: the events are written by then.
const LEAD_NS: u64 = 20_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// Returns one row for each rate.
pub(super) fn rows(setup: &Setup) -> Vec<Row> {
    let row = |rate: u64| {
        let ours = setup.main_entrances().filter(|entrance| entrance.door.has_server());
        let through = |entrance: &Entrance| {
            entrance.subject(entrance.door.name, move |door| {
                figures(&door.run(&[], false, &task(&[&"idle", &"seq", &rate]))?)
            })
        };
        let mut subjects: Vec<_> = ours.map(through).collect();
        subjects.push(Subject::new(Side::Limit, "timerfd and epoll", move || {
            figures(&program::run_alone(false, &task(&[&"idle", &"timerfd", &rate]))?)
        }));
        let title = format!("a server with {rate} due events a second");
        Row { family: "idle", title, subjects }
    };
    RATES.into_iter().map(row).collect()
}

fn figures(answer: &Value) -> Result<Vec<Line>, Fail> {
    let number = |name: &str| answer[name].as_f64().unwrap_or(0.0);
    let seconds = number("took_ns") / 1e9;
    if seconds <= 0.0 {
        return Err(Fail::new("nothing was measured"));
    }
    let mut figures = vec![
        ("wakeups_per_s".to_owned(), number("wakeups") / seconds),
        ("cpu_us_per_s".to_owned(), number("cpu_ns") / 1000.0 / seconds),
    ];
    let instants = number("instants");
    if instants > 0.0 {
        figures.push(("wakeups_per_instant".to_owned(), number("wakeups") / instants));
    }
    Ok(Line::only(figures))
}

/// Runs the task `idle WAY RATE`.
pub(super) fn worker(words: &mut Words) -> Result<Value, Fail> {
    let way = words.word()?;
    let rate: u64 = words.number()?;
    let instants = (WATCHED_NS * rate / SECOND_NS).min(POOL.into());
    let gap = SECOND_NS.checked_div(rate).unwrap_or(WATCHED_NS);
    let offsets: Vec<u64> = (0..instants).map(|number| LEAD_NS + number * gap).collect();
    let watched = instants.max(1) * gap;
    match way.as_str() {
        "seq" => sequencer(&offsets, watched),
        _ => bare(&offsets, watched),
    }
}

/// Measures the server while events for a port without subscribers fall due.
fn sequencer(offsets: &[u64], watched: u64) -> Result<Value, Fail> {
    let server = Process::server().ok_or_else(|| Fail::new("there is no server to watch"))?;
    let sequencer = Sequencer::open("aseqd bench: idle")?;
    let queue = sequencer.start_queue()?;
    let origin = sequencer.queue_origin(queue)?;
    let start = now_ns();
    let position = u64::try_from(signed(start) - origin).unwrap_or(0);
    let through = Address::new(CLIENT_DUMMY, 0);
    let mut bytes = Vec::new();
    for (number, offset) in (0..).zip(offsets) {
        let event = device::numbered(number, sequencer.port, through);
        bytes.extend_from_slice(scheduled(event, queue, position + offset).as_bytes());
    }
    sequencer.write(&bytes)?;
    let alarm = Alarm::new()?;
    // The server has finished with the write by now, and nothing is due yet.
    let begin = alarm.sleep_until(start + LEAD_NS / 2)?;
    let before = server.usage()?;
    let end = alarm.sleep_until(start + LEAD_NS + watched)?;
    let used = server.usage()?.since(before);
    let instants = offsets.len();
    Ok(json!({
        "instants": instants,
        "wakeups": used.wakeups,
        "cpu_ns": used.cpu_ns,
        "took_ns": end - begin,
    }))
}

/// Measures a thread that only wakes at each instant.
fn bare(offsets: &[u64], watched: u64) -> Result<Value, Fail> {
    let own = Process(std::process::id());
    let alarm = Alarm::new()?;
    // By then the other thread of this process, which guards against hanging, is asleep.
    let start = alarm.sleep_until(now_ns() + LEAD_NS / 2)?;
    let instants: Vec<u64> = offsets.iter().map(|offset| start + offset).collect();
    let (before, cpu_before) = (own.usage()?, own_cpu_ns());
    wake::timerfd(&instants)?;
    let cpu_ns = own_cpu_ns() - cpu_before;
    let end = if instants.is_empty() { alarm.sleep_until(start + watched)? } else { now_ns() };
    let used = own.usage()?.since(before);
    // Without instants, the one sleep is that of the measurement itself.
    let watching = u64::from(instants.is_empty());
    Ok(json!({
        "instants": instants.len(),
        "wakeups": used.wakeups.saturating_sub(watching),
        "cpu_ns": cpu_ns,
        "took_ns": end - start,
    }))
}
