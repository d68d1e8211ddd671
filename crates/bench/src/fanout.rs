//! Fan-out: one event to many subscribers. The figure is the CPU time of server, sender and readers together.

use super::device::{READ_SIZE, Sequencer, numbered, numbers, own_cpu_ns};
use super::process::Process;
use super::program;
use super::row::{Line, Row, Side, Subject};
use super::setup::{Entrance, Setup};
use super::task::{Words, task};
use super::wake::Alarm;
use aseqd_abi::Address;
use aseqd_abi::event::ADDRESS_SUBSCRIBERS;
use aseqd_abi::seq::PortSubscribe;
use aseqd_host::error::{Context as _, Fail};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde_json::{Value, json};
use std::os::fd::OwnedFd;
use std::thread::JoinHandle;
use zerocopy::IntoBytes as _;

/// Number of subscribers, and of events that are sent to them. Linux allows 64 programs, and one of them sends.
const SIZES: [(u32, u32); 3] = [(1, 300), (8, 150), (63, 60)];
/// Time between two events in ns, enough for every reader to sleep again.
const GAP_NS: u64 = 2_000_000;

/// Returns one row for each number of subscribers.
pub(super) fn rows(setup: &Setup) -> Vec<Row> {
    let row = |(readers, events): (u32, u32)| {
        let events = if setup.quick { events / 10 } else { events };
        let words = move |way: &str| task(&[&"fanout", &way, &readers, &events]);
        let through = |entrance: &Entrance| {
            entrance.subject(entrance.door.name, move |door| {
                figures(&door.run(&[], false, &words("seq"))?)
            })
        };
        let mut subjects: Vec<_> = setup.entrances.iter().map(through).collect();
        subjects.push(Subject::new(Side::Limit, "a socket for each reader", move || {
            figures(&program::run_alone(false, &words("socket"))?)
        }));
        let title = format!("fan-out to {readers}");
        Row { family: "fanout", title, subjects }
    };
    SIZES.into_iter().map(row).collect()
}

fn figures(answer: &Value) -> Result<Vec<Line>, Fail> {
    let number = |name: &str| answer[name].as_f64().unwrap_or(0.0);
    let (delivered, cpu_ns) = (number("delivered"), number("cpu_ns"));
    if delivered < 1.0 {
        return Err(Fail::new("no event arrived"));
    }
    Ok(Line::only(vec![
        ("cpu_ns_per_delivery".to_owned(), cpu_ns / delivered),
        ("server_ns_per_delivery".to_owned(), number("server_ns") / delivered),
        ("lost".to_owned(), number("lost")),
    ]))
}

/// Runs the task `fanout WAY READERS EVENTS`. Readers are threads, each with its own file.
pub(super) fn worker(words: &mut Words) -> Result<Value, Fail> {
    let way = words.word()?;
    let (readers, events): (u32, u32) = (words.number()?, words.number()?);
    match way.as_str() {
        "seq" => subscribers(readers, events),
        _ => sockets(readers, events),
    }
}

type Reader = JoinHandle<Result<u32, Fail>>;

fn subscribers(readers: u32, events: u32) -> Result<Value, Fail> {
    let sender = Sequencer::open("aseqd bench: sender")?;
    let mut threads = Vec::new();
    for _ in 0..readers {
        let reader = Sequencer::open("aseqd bench: reader")?;
        let dest = reader.port;
        let subscription = PortSubscribe { sender: sender.port, dest, ..PortSubscribe::default() };
        sender.client().subscribe(&subscription)?;
        threads.push(std::thread::spawn(move || {
            let mut buffer = vec![0; READ_SIZE];
            let mut seen = 0;
            while seen < events {
                let len = reader.read(&mut buffer).context("events cannot be read")?;
                seen += u32::try_from(numbers(&buffer[..len]).count()).unwrap_or(0);
            }
            Ok(seen)
        }));
    }
    let everybody = Address::new(ADDRESS_SUBSCRIBERS, 0);
    let send = |number| sender.write(numbered(number, sender.port, everybody).as_bytes());
    measure(readers, events, threads, send)
}

fn sockets(readers: u32, events: u32) -> Result<Value, Fail> {
    let mut ends: Vec<OwnedFd> = Vec::new();
    let mut threads = Vec::new();
    for _ in 0..readers {
        let kind = SocketType::SEQPACKET;
        let pair = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None);
        let (ours, theirs) = pair.context("socketpair")?;
        ends.push(ours);
        threads.push(std::thread::spawn(move || {
            let mut buffer = vec![0; READ_SIZE];
            let mut seen = 0;
            while seen < events {
                let read = rustix::io::retry_on_intr(|| rustix::io::read(&theirs, &mut buffer));
                let len = read.context("socket")?;
                seen += u32::try_from(numbers(&buffer[..len]).count()).unwrap_or(0);
            }
            Ok(seen)
        }));
    }
    let nobody = Address::new(0, 0);
    let send = |number| {
        let event = numbered(number, nobody, nobody);
        ends.iter().try_for_each(|end| {
            rustix::io::write(end, event.as_bytes()).map(drop).context("socket")
        })
    };
    measure(readers, events, threads, send)
}

fn measure(
    readers: u32,
    events: u32,
    threads: Vec<Reader>,
    send: impl Fn(u32) -> Result<(), Fail>,
) -> Result<Value, Fail> {
    let server = Process::server();
    let alarm = Alarm::new()?;
    // By then every reader sleeps.
    let mut next = super::device::now_ns() + 10 * GAP_NS;
    alarm.sleep_until(next)?;
    let before = server.map(Process::usage).transpose()?.unwrap_or_default();
    let own_before = own_cpu_ns();
    for number in 0..events {
        next += GAP_NS;
        alarm.sleep_until(next)?;
        send(number)?;
    }
    let mut delivered = 0;
    for thread in threads {
        delivered += thread.join().map_err(|_| Fail::new("a reader has panicked"))??;
    }
    let own = own_cpu_ns() - own_before;
    let used = server.map(Process::usage).transpose()?.unwrap_or_default().since(before);
    Ok(json!({
        "delivered": delivered,
        "lost": (readers * events).saturating_sub(delivered),
        "cpu_ns": own + used.cpu_ns,
        "server_ns": used.cpu_ns,
    }))
}
