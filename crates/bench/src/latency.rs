//! One-way latency: from a write in one process to the return of a read in another, 1000 times a second.

use super::link::{self, Link, Plan};
use super::peer::server::{self, Shared};
use super::program;
use super::row::{Line, Row, Side, Subject};
use super::setup::{Entrance, Setup};
use aseqd_host::error::Fail;
use serde_json::Value;
use std::ffi::OsString;

/// Time between messages in ns.
const GAP_NS: u64 = 1_000_000;

/// Options of `aseqd run` that are measured too. With the first the server is an ordinary process, as its peers
/// are; else it runs under SCHED_FIFO where that is permitted.
const VARIANTS: [&str; 2] = ["--no-realtime", "--spin=50"];

/// Returns the row.
pub(super) fn row(setup: &Setup) -> Row {
    let count = if setup.quick { 50 } else { 250 };
    let plan = move |link| Plan { link, count, batch: 1, gap_ns: GAP_NS };
    let figures = |answer: &Value| link::latency(answer).map(Line::only);
    let mut subjects = doors(setup, plan(Link::Sequencer), "", figures);
    subjects.extend(variants(setup, plan(Link::Sequencer), figures));
    for (side, name, link) in [
        (Side::Limit, "eventfd", Link::Eventfd),
        (Side::Limit, "socket, packets", Link::SeqPacket),
        (Side::Limit, "socket, stream", Link::Stream),
        (Side::Peer, "ZeroMQ ipc", Link::ZeroMq),
    ] {
        subjects.push(without_server(side, name, plan(link), figures));
    }
    subjects.push(sndio(&setup.sndiod(), plan(Link::Sndio), "", figures));
    subjects.push(jack(&setup.jack(), plan(Link::Jack), "", figures));
    Row { family: "latency", title: "one-way latency, 1000 a second".to_owned(), subjects }
}

/// Turns an answer of the task `send` into lines.
type Read = fn(&Value) -> Result<Vec<Line>, Fail>;

/// Returns a subject for each door.
pub(super) fn doors(setup: &Setup, plan: Plan, suffix: &str, read: Read) -> Vec<Subject> {
    let through = |entrance: &Entrance| {
        entrance.subject(format!("{}{suffix}", entrance.door.name), move |door| {
            read(&door.run(&[], false, &plan.task())?)
        })
    };
    setup.entrances.iter().map(through).collect()
}

/// Returns a subject for each of [`VARIANTS`] through our first door.
pub(super) fn variants(setup: &Setup, plan: Plan, read: Read) -> Vec<Subject> {
    let works = |entrance: &&Entrance| entrance.door.has_server() && entrance.trouble.is_none();
    let through = |option: &'static str| {
        setup.main_entrances().filter(works).map(move |entrance| {
            let options = [OsString::from(option)];
            entrance.subject(format!("{} {option}", entrance.door.name), move |door| {
                read(&door.run(&options, false, &plan.task())?)
            })
        })
    };
    VARIANTS.into_iter().flat_map(through).collect()
}

/// Returns a subject whose two processes need no server.
pub(super) fn without_server(
    side: Side,
    name: impl Into<String>,
    plan: Plan,
    read: Read,
) -> Subject {
    Subject::new(side, name, move || read(&program::run_alone(false, &plan.task())?))
}

/// Returns the subject sndiod.
pub(super) fn sndio(server: &Shared, plan: Plan, suffix: &str, read: Read) -> Subject {
    shared(server, format!("sndiod{suffix}"), plan, read)
}

/// Returns the subject JACK.
pub(super) fn jack(server: &Shared, plan: Plan, suffix: &str, read: Read) -> Subject {
    let name = format!("JACK, dummy, {} frames{suffix}", server::JACK_PERIOD);
    shared(server, name, plan, read)
}

fn shared(server: &Shared, name: String, plan: Plan, read: Read) -> Subject {
    // The server ends with the last subject that needs it.
    let server = Shared::clone(server);
    Subject::new(Side::Peer, name, move || {
        let server = server.as_ref().as_ref().map_err(Fail::new)?;
        let (variable, value) = &server.variable;
        read(&program::run_alone_with((variable, value), &plan.task())?)
    })
}
