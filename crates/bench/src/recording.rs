//! Recording: what `--record` costs a server that has much to do, beside the same server without it.

use super::device::{self, Sequencer, now_ns};
use super::process::Process;
use super::row::{Line, Row, Subject};
use super::setup::{Entrance, Setup};
use super::task::{Words, task};
use super::wake::Alarm;
use aseqd_abi::Event;
use aseqd_host::error::Fail;
use serde_json::{Value, json};
use std::ffi::OsString;
use zerocopy::IntoBytes as _;

/// Events a second.
const RATE: u64 = 100_000;
/// Events per write, and per read.
const BATCH: usize = 10;
/// Time between two writes, in ns.
const GAP_NS: u64 = 1_000_000_000 * BATCH as u64 / RATE;

/// Returns the row.
pub(super) fn row(setup: &Setup) -> Row {
    let seconds_10 = if setup.quick { 2 } else { 10 };
    let file = setup.directory.path().join("bench.aseq");
    let ours = setup.entrances.iter().filter(|entrance| entrance.door.has_server());
    let through = |entrance: &Entrance| -> [Subject; 2] {
        let task = move || task(&[&"recording", &seconds_10]);
        let mut option = OsString::from("--record=");
        option.push(&file);
        let name = entrance.door.name;
        [
            entrance.subject(name, move |door| figures(&door.run(&[], false, &task())?)),
            entrance.subject(format!("{name}, recorded"), move |door| {
                figures(&door.run(std::slice::from_ref(&option), false, &task())?)
            }),
        ]
    };
    let title = format!("a server with {RATE} events a second, {BATCH} per write");
    Row { family: "recording", title, subjects: ours.flat_map(through).collect() }
}

fn figures(answer: &Value) -> Result<Vec<Line>, Fail> {
    let number = |name: &str| answer[name].as_f64().unwrap_or(0.0);
    let events = number("events");
    if events <= 0.0 {
        return Err(Fail::new("nothing was measured"));
    }
    Ok(Line::only(vec![
        ("server_ns_per_event".to_owned(), number("cpu_ns") / events),
        ("events_per_s".to_owned(), events / number("took_ns") * 1e9),
    ]))
}

/// Runs the task `recording TENTHS`: writes events to itself and reads them, for so many tenths of a second.
pub(super) fn worker(words: &mut Words) -> Result<Value, Fail> {
    let tenths: u64 = words.number()?;
    let server = Process::server().ok_or_else(|| Fail::new("there is no server to watch"))?;
    let sequencer = Sequencer::open("aseqd bench: recording")?;
    let alarm = Alarm::new()?;
    let mut events = [Event::direct(aseqd_abi::EventType::NOTEON); BATCH];
    let mut buffer = vec![0; device::READ_SIZE];
    let writes = tenths * 100_000_000 / GAP_NS;
    let begin = now_ns();
    let before = server.usage()?;
    for write in 0..writes {
        // If the machine cannot keep up, the next write follows at once.
        let due = begin + write * GAP_NS;
        if now_ns() < due {
            alarm.sleep_until(due)?;
        }
        for (number, event) in (0_u64..).zip(&mut events) {
            *event = device::numbered(0, sequencer.port, sequencer.port);
            let [key, velocity, ..] = (write * BATCH as u64 + number).to_le_bytes();
            (event.event_type.0, event.data.0[1], event.data.0[2]) = (6, key & 127, velocity);
        }
        sequencer.write(events.as_bytes())?;
        let mut read = 0;
        while read < events.as_bytes().len() {
            read += sequencer.read(&mut buffer)?;
        }
    }
    let used = server.usage()?.since(before);
    Ok(json!({
        "events": writes * BATCH as u64,
        "cpu_ns": used.cpu_ns,
        "took_ns": now_ns() - begin,
    }))
}
