//! Rates: what direct events from one program to another cost at a rate, one event per write. The figures are CPU time
//! of server, sender and reader together, and of the server alone.

use super::device::{POOL, READ_SIZE, Sequencer, now_ns, numbered, numbers, own_cpu_ns};
use super::link::stream;
use super::process::Process;
use super::program;
use super::row::{Line, Row, Side, Subject};
use super::setup::{Entrance, Setup};
use super::task::{Words, task};
use super::wake::Alarm;
use aseqd_abi::Address;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_host::error::{Context as _, Fail};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use zerocopy::IntoBytes as _;

/// Events a second. 48 is a MIDI clock at 120 beats per minute. The last is more than some doors carry, which then
/// show how many they do.
const RATES: [u64; 4] = [0, 48, 1000, 100_000];
/// For how long events are sent, in tenths of a second.
const TENTHS: u64 = 10;
const TENTH_NS: u64 = 100_000_000;
const SECOND_NS: u64 = 1_000_000_000;
/// Time for everybody to fall asleep, and for the last events to arrive, in ns.
const CALM_NS: u64 = 10_000_000;
/// How long the sender sleeps while the reader is behind, in ns.
const PATIENCE_NS: u64 = 100_000;
/// Most events under way. If there were more, the reader would lose some.
const WINDOW: u32 = POOL - 1;
/// The number of the last event. It ends the reader.
const END: u32 = u32::MAX;
/// Space for one read, in whole events, so that a read of a stream does not cut one.
const READ_EVENTS: usize = READ_SIZE / EVENT_SIZE * EVENT_SIZE;

/// Returns one row for each rate.
pub(super) fn rows(setup: &Setup) -> Vec<Row> {
    let row = |rate: u64| {
        let tenths = if setup.quick { 1 } else { TENTHS };
        let words = move |way: &str| task(&[&"rates", &way, &rate, &tenths]);
        let through = |entrance: &Entrance| {
            entrance.subject(entrance.door.name, move |door| {
                figures(&door.run(&[], false, &words("seq"))?)
            })
        };
        let mut subjects: Vec<_> = setup.entrances.iter().map(through).collect();
        subjects.push(Subject::new(Side::Limit, "socket, stream", move || {
            figures(&program::run_alone(false, &words("socket"))?)
        }));
        let title = format!("{rate} events a second, 1 per write");
        Row { family: "rates", title, subjects }
    };
    RATES.into_iter().map(row).collect()
}

fn figures(answer: &Value) -> Result<Vec<Line>, Fail> {
    let number = |name: &str| answer[name].as_f64().unwrap_or(0.0);
    let (seconds, events) = (number("took_ns") / 1e9, number("events"));
    if seconds <= 0.0 {
        return Err(Fail::new("nothing was measured"));
    }
    let mut figures = vec![
        ("cpu_us_per_s".to_owned(), number("cpu_ns") / 1000.0 / seconds),
        ("server_us_per_s".to_owned(), number("server_ns") / 1000.0 / seconds),
        ("server_wakeups_per_s".to_owned(), number("wakeups") / seconds),
    ];
    if events > 0.0 {
        figures.extend([
            ("events_per_s".to_owned(), events / seconds),
            ("cpu_ns_per_event".to_owned(), number("cpu_ns") / events),
            ("server_ns_per_event".to_owned(), number("server_ns") / events),
            ("lost".to_owned(), number("lost")),
        ]);
    }
    Ok(Line::only(figures))
}

/// Runs the task `rates WAY RATE TENTHS`. The reader is a thread with a file of its own.
pub(super) fn worker(words: &mut Words) -> Result<Value, Fail> {
    let way = words.word()?;
    let (rate, tenths): (u64, u64) = (words.number()?, words.number()?);
    let plan = Plan { rate, lasts: tenths * TENTH_NS };
    match way.as_str() {
        "seq" => sequencer(plan),
        _ => socket(plan),
    }
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Events a second.
    rate: u64,
    /// For how long, in ns.
    lasts: u64,
}

fn sequencer(plan: Plan) -> Result<Value, Fail> {
    let sender = Sequencer::open("aseqd bench: sender")?;
    let reader = Sequencer::open("aseqd bench: reader")?;
    let dest = reader.port;
    let reader = Reader::start(move |buffer| reader.read(buffer).context("events cannot be read"));
    let send = |number| sender.write(numbered(number, sender.port, dest).as_bytes());
    measure(plan, reader, send)
}

fn socket(plan: Plan) -> Result<Value, Fail> {
    let (ours, theirs) = stream()?;
    let reader = Reader::start(move |buffer| {
        rustix::io::retry_on_intr(|| rustix::io::read(&theirs, &mut *buffer)).context("socket")
    });
    let nobody = Address::new(0, 0);
    let send = |number| {
        let event = numbered(number, nobody, nobody);
        rustix::io::write(&ours, event.as_bytes()).map(drop).context("socket")
    };
    measure(plan, reader, send)
}

/// A thread that reads until it has read [`END`].
#[derive(Debug)]
struct Reader {
    thread: JoinHandle<Result<(), Fail>>,
    /// How many events it has read.
    seen: Arc<AtomicU32>,
}

impl Reader {
    fn start(mut read: impl FnMut(&mut [u8]) -> Result<usize, Fail> + Send + 'static) -> Self {
        let seen = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&seen);
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; READ_EVENTS];
            loop {
                let len = read(&mut buffer)?;
                if len == 0 {
                    return Err(Fail::new("the sender is gone"));
                }
                for number in numbers(&buffer[..len]) {
                    if number == END {
                        return Ok(());
                    }
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { thread, seen }
    }

    fn seen(&self) -> u32 {
        self.seen.load(Ordering::Relaxed)
    }
}

fn measure(
    plan: Plan,
    reader: Reader,
    mut send: impl FnMut(u32) -> Result<(), Fail>,
) -> Result<Value, Fail> {
    let server = Process::server();
    let usage = || server.map(Process::usage).transpose();
    let alarm = Alarm::new()?;
    let start = alarm.sleep_until(now_ns() + CALM_NS)?;
    let (before, own_before) = (usage()?.unwrap_or_default(), own_cpu_ns());
    let end = start + plan.lasts;
    let mut sent = 0;
    if let Some(gap) = SECOND_NS.checked_div(plan.rate) {
        let mut next = start + gap;
        while next <= end {
            let mut now = now_ns();
            if now < next {
                now = alarm.sleep_until(next)?;
            }
            while sent - reader.seen() >= WINDOW && !reader.thread.is_finished() {
                now = alarm.sleep_until(now_ns() + PATIENCE_NS)?;
            }
            if now >= end + gap {
                break;
            }
            send(sent)?;
            sent += 1;
            next += gap;
        }
    }
    let last = now_ns().max(end);
    if last == end {
        alarm.sleep_until(end)?;
    }
    alarm.sleep_until(now_ns() + CALM_NS)?;
    let own = own_cpu_ns() - own_before;
    let used = usage()?.unwrap_or_default().since(before);
    let seen = reader.seen();
    send(END)?;
    reader.thread.join().map_err(|_| Fail::new("the reader has panicked"))??;
    Ok(json!({
        "events": seen,
        "lost": sent.saturating_sub(seen),
        "took_ns": last - start,
        "cpu_ns": own + used.cpu_ns,
        "server_ns": used.cpu_ns,
        "wakeups": used.wakeups,
    }))
}
