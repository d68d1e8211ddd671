//! The engine alone: events a second on one core, with no door, second process or system call.

use super::device::{numbered, scheduled};
use super::rig::{Member, Rig};
use super::row::{Line, Row, Side, Subject};
use super::setup::Setup;
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE};
use aseqd_abi::{Address, Event};
use aseqd_engine::Time;
use aseqd_host::error::Fail;
use std::collections::VecDeque;
use std::hint::black_box;
use std::time::{Duration, Instant};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// Events in one write.
const BATCH: u32 = 100;
/// Subscribers in the fan-out.
const SUBSCRIBERS: u32 = 60;
/// Duration of a round.
const ROUND: Duration = Duration::from_millis(60);
/// Duration of a round with `--quick`.
const QUICK_ROUND: Duration = Duration::from_millis(10);
/// Time between the instants of events in a queue, in ns.
const GAP_NS: u64 = 1000;

/// Returns one row for each way that an event can take.
pub(super) fn rows(setup: &Setup) -> Vec<Row> {
    let round = if setup.quick { QUICK_ROUND } else { ROUND };
    let row = |title: &str, measure: fn(Duration) -> Result<f64, Fail>| {
        let figures = |rate: f64| Line::only(vec![("events_per_s".to_owned(), rate)]);
        let subjects = vec![
            Subject::new(Side::Ours, "engine", move || measure(round).map(figures)),
            Subject::new(Side::Limit, "a copy into a ring and out", move || {
                copy(round).map(figures)
            }),
        ];
        Row { family: "engine", title: title.to_owned(), subjects }
    };
    vec![
        row("engine alone, direct", direct),
        row("engine alone, through a queue", queued),
        row("engine alone, to 60 subscribers", fan_out),
    ]
}

/// Returns events a second. `step` handles some and returns how many.
fn rate(round: Duration, mut step: impl FnMut() -> Result<usize, Fail>) -> Result<f64, Fail> {
    let mut events = 0;
    let start = Instant::now();
    while start.elapsed() < round {
        events += step()?;
    }
    match events {
        0 => Err(Fail::new("no event passed through the engine")),
        events => Ok(events as f64 / start.elapsed().as_secs_f64()),
    }
}

fn direct(round: Duration) -> Result<f64, Fail> {
    let mut rig = Rig::new();
    let (from, to) = (rig.open()?, rig.open()?);
    let bytes = batch(|number| numbered(number, from.port, to.port));
    rate(round, || {
        rig.write(from, &bytes)?;
        Ok(rig.read(to) / EVENT_SIZE)
    })
}

fn queued(round: Duration) -> Result<f64, Fail> {
    let mut rig = Rig::new();
    let (from, to) = (rig.open()?, rig.open()?);
    let queue = rig.start_queue(from)?;
    let origin = rig.now.0;
    let mut bytes = Vec::new();
    rate(round, || {
        let start = rig.now.0 - origin;
        bytes.clear();
        for number in 0..BATCH {
            let event = numbered(number, from.port, to.port);
            let at = start + GAP_NS * u64::from(number + 1);
            bytes.extend_from_slice(scheduled(event, queue, at).as_bytes());
        }
        rig.write(from, &bytes)?;
        let end = rig.now.0 + GAP_NS * u64::from(BATCH + 1);
        rig.pass(Time(end));
        Ok(rig.read(to) / EVENT_SIZE)
    })
}

fn fan_out(round: Duration) -> Result<f64, Fail> {
    let mut rig = Rig::new();
    let from = rig.open()?;
    let mut readers: Vec<Member> = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let reader = rig.open()?;
        rig.subscribe(from, reader)?;
        readers.push(reader);
    }
    let everybody = Address::new(ADDRESS_SUBSCRIBERS, 0);
    let bytes = batch(|number| numbered(number, from.port, everybody));
    rate(round, || {
        rig.write(from, &bytes)?;
        Ok(readers.iter().map(|reader| rig.read(*reader) / EVENT_SIZE).sum())
    })
}

/// Moves the same bytes without any decision.
fn copy(round: Duration) -> Result<f64, Fail> {
    let nobody = Address::new(0, 0);
    let bytes = batch(|number| numbered(number, nobody, nobody));
    let mut ring: VecDeque<Event> = VecDeque::new();
    let mut out = Vec::new();
    rate(round, || {
        let records = black_box(&bytes).chunks_exact(EVENT_SIZE);
        ring.extend(records.filter_map(|record| Event::read_from_bytes(record).ok()));
        out.clear();
        while let Some(event) = ring.pop_front() {
            out.extend_from_slice(event.as_bytes());
        }
        Ok(black_box(&out).len() / EVENT_SIZE)
    })
}

fn batch(event: impl Fn(u32) -> Event) -> Vec<u8> {
    (0..BATCH).flat_map(|number| event(number).as_bytes().to_vec()).collect()
}
