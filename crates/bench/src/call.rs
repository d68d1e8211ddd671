//! Measures calls through each door, beside a round trip through a socket. No call to a server in another process
//! can be cheaper than one message there and one back.
//!
//! Everything runs on one processor. With several, the wake-up of another processor would dominate: in a virtual
//! machine it takes twenty times as long as all else, and it depends on the scheduler whether there is one.

use super::device::{READ_SIZE, Sequencer, now_ns, numbered};
use super::program;
use super::row::{Line, Row, Side, Subject};
use super::setup::{Entrance, Setup};
use super::stats::{Figures, quantile};
use super::task::{Words, task};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::seq::{CLIENT_DUMMY, ClientInfo};
use aseqd_abi::{Address, Event};
use aseqd_client::DEVICE;
use aseqd_host::error::{Context as _, Fail};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::{Value, json};
use std::os::fd::AsFd;
use std::process::{Child, Stdio};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// Calls that warm up caches and do not count.
const WARM_UP_CALLS: u32 = 50;
/// Events in the large write.
const LARGE_WRITE: u32 = 100;

/// The calls that are measured: name in a task, and title of the row.
const MEASURED_CALLS: [(&str, &str); 5] = [
    ("open", "a call: open and close"),
    ("ioctl", "a call: ioctl"),
    ("write1", "a call: write of 1 event"),
    ("write100", "a call: write of 100 events"),
    ("echo", "calls of two processes: write, poll, read, there and back"),
];

/// Returns one row for each kind of call.
pub(super) fn rows(setup: &Setup) -> Vec<Row> {
    let row = |(call, title): (&'static str, &str)| {
        let count = if setup.quick { 50 } else { 2000 };
        let words = move |way: &str| task(&[&"call", &way, &call, &count]);
        let through = |entrance: &Entrance| {
            entrance.subject(entrance.door.name, move |door| {
                let _here = OnOneProcessor::new()?;
                figures(&door.run(&[], false, &words("seq"))?)
            })
        };
        let mut subjects: Vec<_> = setup.entrances.iter().map(through).collect();
        subjects.push(Subject::new(Side::Limit, "socket round trip", move || {
            let _here = OnOneProcessor::new()?;
            figures(&program::run_alone(false, &words("socket"))?)
        }));
        Row { family: "call", title: title.to_owned(), subjects }
    };
    MEASURED_CALLS.into_iter().map(row).collect()
}

/// Keeps this process, and those that it starts meanwhile, on one processor until it is dropped.
#[derive(Debug)]
struct OnOneProcessor {
    before: CpuSet,
}

impl OnOneProcessor {
    fn new() -> Result<Self, Fail> {
        let before = sched_getaffinity(None).context("the CPU affinity cannot be read")?;
        let first = (0..CpuSet::MAX_CPU).find(|processor| before.is_set(*processor));
        let mut one = CpuSet::new();
        one.set(first.ok_or_else(|| Fail::new("this process has no processor"))?);
        sched_setaffinity(None, &one).context("the CPU affinity cannot be set")?;
        Ok(Self { before })
    }
}

impl Drop for OnOneProcessor {
    fn drop(&mut self) {
        // If this fails, the rest of the bench runs on one processor.
        let _back = sched_setaffinity(None, &self.before);
    }
}

fn figures(answer: &Value) -> Result<Vec<Line>, Fail> {
    let figures: Figures = ["us_p50", "us_p99"]
        .map(|name| (name.to_owned(), answer[name].as_f64().unwrap_or(f64::NAN)))
        .into();
    Ok(Line::only(figures))
}

/// Runs the task `call WAY CALL COUNT`.
pub(super) fn worker(words: &mut Words) -> Result<Value, Fail> {
    let (way, call, count) = (words.word()?, words.word()?, words.number()?);
    match (way.as_str(), call.as_str()) {
        ("seq", "open") => time(count, || {
            let flags = OFlags::RDWR | OFlags::CLOEXEC;
            openat(CWD, DEVICE, flags, Mode::empty()).map(drop).context(DEVICE)
        }),
        ("seq", "ioctl") => {
            let sequencer = Sequencer::open("aseqd bench: caller")?;
            let mut info =
                ClientInfo { client: sequencer.client().id().into(), ..ClientInfo::default() };
            let request = aseqd_abi::ioctl::sequencer::GET_CLIENT_INFO;
            time(count, || {
                sequencer.client().ioctl(request, &mut info).map(drop).context("an ioctl")
            })
        }
        ("seq", "write1") => writes(count, 1),
        ("seq", "write100") => writes(count, LARGE_WRITE),
        ("seq", "echo") => echo(count),
        ("seq", "answer") => answer_events(count),
        ("socket", "answer") => answer_messages(count, false),
        ("polled", "answer") => answer_messages(count, true),
        ("socket", "echo") => socket_echo(count, true, 1),
        ("socket", "write100") => socket_echo(count, false, LARGE_WRITE),
        ("socket", _) => socket_echo(count, false, 1),
        (way, call) => Err(Fail::new(format!("the bench has no call {call} by {way}"))),
    }
}

/// Makes the call `count` times, and returns percentiles of its duration in microseconds.
fn time(count: u32, mut call: impl FnMut() -> Result<(), Fail>) -> Result<Value, Fail> {
    for _ in 0..WARM_UP_CALLS {
        call()?;
    }
    let mut times = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let start = now_ns();
        call()?;
        // The conversion is exact below 2^53 ns, which is 104 days.
        times.push((now_ns() - start) as f64 / 1000.0);
    }
    times.sort_unstable_by(f64::total_cmp);
    Ok(json!({ "us_p50": quantile(&times, 0.5), "us_p99": quantile(&times, 0.99) }))
}

/// Times writes of events that nobody receives.
fn writes(count: u32, events: u32) -> Result<Value, Fail> {
    let sequencer = Sequencer::open("aseqd bench: writer")?;
    let dest = Address::new(CLIENT_DUMMY, 0);
    let bytes: Vec<u8> = (0..events)
        .flat_map(|number| numbered(number, sequencer.port, dest).as_bytes().to_vec())
        .collect();
    time(count, || sequencer.write(&bytes))
}

/// Times a message to another process and its answer. Both processes poll before they read.
fn echo(count: u32) -> Result<Value, Fail> {
    let near = Sequencer::open("aseqd bench: near")?;
    let mut answering = Answering::start("seq", count, Stdio::null())?;
    let mut buffer = vec![0; READ_SIZE];
    // The other process writes first, which tells its address.
    wait_for(near.client())?;
    let read = near.read(&mut buffer).context("events cannot be read")?;
    let source = buffer[..read]
        .chunks_exact(EVENT_SIZE)
        .last()
        .and_then(|record| Event::read_from_bytes(record).ok().map(|event| event.source));
    let far = source.ok_or_else(|| Fail::new("the other process did not write"))?;
    let question = numbered(0, near.port, far);
    let times = time(count, || {
        near.write(question.as_bytes())?;
        wait_for(near.client())?;
        near.read(&mut buffer).map(drop).context("events cannot be read")
    })?;
    answering.end()?;
    Ok(times)
}

/// Runs the task `call seq answer COUNT`: answers the client with the number before its own.
fn answer_events(count: u32) -> Result<Value, Fail> {
    let far = Sequencer::open("aseqd bench: far")?;
    let near = Address::new(far.port.client - 1, far.port.port);
    let answer = numbered(0, far.port, near);
    far.write(answer.as_bytes())?;
    let mut buffer = vec![0; READ_SIZE];
    for _ in 0..count + WARM_UP_CALLS {
        wait_for(far.client())?;
        far.read(&mut buffer).context("events cannot be read")?;
        far.write(answer.as_bytes())?;
    }
    Ok(Value::Null)
}

/// Times a message through a socket to another process and its answer. Without polling this is the least that a
/// call to a server can cost.
fn socket_echo(count: u32, polls: bool, events: u32) -> Result<Value, Fail> {
    let kind = SocketType::SEQPACKET;
    let pair = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None);
    let (near, far) = pair.context("socketpair")?;
    let way = if polls { "polled" } else { "socket" };
    let mut answering = Answering::start(way, count, Stdio::from(far))?;
    let mut buffer = vec![0; READ_SIZE];
    let question = vec![0; EVENT_SIZE * events as usize];
    let times = time(count, || {
        rustix::io::write(&near, &question).context("socket")?;
        receive(&near, polls, &mut buffer)
    })?;
    answering.end()?;
    Ok(times)
}

/// Runs the task `call socket answer COUNT` or `call polled answer COUNT` on the socket at standard input.
fn answer_messages(count: u32, polls: bool) -> Result<Value, Fail> {
    let end = std::io::stdin();
    let mut buffer = vec![0; READ_SIZE];
    for _ in 0..count + WARM_UP_CALLS {
        receive(&end, polls, &mut buffer)?;
        rustix::io::write(&end, &[0; EVENT_SIZE]).context("socket")?;
    }
    Ok(Value::Null)
}

fn receive(end: &impl AsFd, polls: bool, buffer: &mut [u8]) -> Result<(), Fail> {
    if polls {
        wait_for(end)?;
    }
    match rustix::io::retry_on_intr(|| rustix::io::read(end, &mut *buffer)).context("socket")? {
        0 => Err(Fail::new("the other process is gone")),
        _ => Ok(()),
    }
}

fn wait_for(end: &impl AsFd) -> Result<(), Fail> {
    let mut polled = [PollFd::new(end, PollFlags::IN)];
    rustix::io::retry_on_intr(|| poll(&mut polled, None)).map(drop).context("poll")
}

/// The process that answers. It is killed when this is dropped.
#[derive(Debug)]
struct Answering(Child);

impl Answering {
    fn start(way: &str, count: u32, input: Stdio) -> Result<Self, Fail> {
        let mut command = program::worker_command(&task(&[&"call", &way, &"answer", &count]))?;
        command.stdin(input).stdout(Stdio::null());
        Ok(Self(command.spawn().context("the other process cannot be started")?))
    }

    fn end(&mut self) -> Result<(), Fail> {
        match self.0.wait().context("the other process cannot be waited for")?.success() {
            true => Ok(()),
            false => Err(Fail::new("the other process has failed")),
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}
