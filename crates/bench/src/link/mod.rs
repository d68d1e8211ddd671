//! Messages from one process to another, through a sequencer or something else. The tasks `send` and `receive` measure
//! all links: `send` starts `receive`, which tells it what arrived when.

mod ends;
mod eventfd;
mod jack;
mod notes;
mod records;
mod sequencer;
mod sndio;
mod socket;
mod zeromq;

use super::device::now_ns;
use super::process::Process;
use super::program;
use super::stats::{Figures, percentiles};
use super::task::{Words, task};
use super::wake::Alarm;
use aseqd_console::print;
use aseqd_host::error::{Context as _, Fail};
use ends::{Receiver, Sender};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Time without a new message after which the rest counts as lost.
const SILENCE: Duration = Duration::from_millis(400);
/// Timeout for the first message, which waits until programs have started.
const FIRST_MESSAGE: Duration = Duration::from_secs(10);
/// Time between two checks for silence.
const LOOK_INTERVAL: Duration = Duration::from_millis(40);
/// What carries the messages. Tasks name it by [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Sequencer,
    /// A sequencer, with a sender that does not wait for the receiver.
    Reckless,
    Eventfd,
    Stream,
    SeqPacket,
    Sndio,
    Jack,
    ZeroMq,
}

const NAMES: [(&str, Link); 8] = [
    ("seq", Link::Sequencer),
    ("reckless", Link::Reckless),
    ("eventfd", Link::Eventfd),
    ("stream", Link::Stream),
    ("seqpacket", Link::SeqPacket),
    ("sndio", Link::Sndio),
    ("jack", Link::Jack),
    ("zeromq", Link::ZeroMq),
];

impl Link {
    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, link)| *link == self).map_or("", |(name, _)| *name)
    }

    fn named(wanted: &str) -> Result<Self, Fail> {
        let found = NAMES.iter().find(|(name, _)| *name == wanted);
        found
            .map(|(_, link)| *link)
            .ok_or_else(|| Fail::new(format!("the bench has no link {wanted}")))
    }

    /// Returns two connected descriptors, the sender's and the receiver's.
    fn ends(self) -> Result<(OwnedFd, OwnedFd), Fail> {
        match self {
            Self::Stream | Self::SeqPacket => socket::pair(self == Self::SeqPacket),
            // A sequencer's receiver acknowledges through the eventfd; the other links do not use it.
            _ => eventfd::pair(),
        }
    }

    fn sender(self, end: OwnedFd, address: &str) -> Result<Box<dyn Sender>, Fail> {
        Ok(match self {
            Self::Sequencer => Box::new(sequencer::Writer::new(address, Some(end))?),
            Self::Reckless => Box::new(sequencer::Writer::new(address, None)?),
            Self::Eventfd => Box::new(eventfd::Writer(end)),
            Self::Stream | Self::SeqPacket => Box::new(socket::Writer(end)),
            Self::Sndio => Box::new(sndio::Writer::new()?),
            Self::Jack => Box::new(jack::Writer::new(address)?),
            Self::ZeroMq => Box::new(zeromq::Writer::new(address)?),
        })
    }

    fn receiver(self, end: OwnedFd) -> Result<(Box<dyn Receiver>, String), Fail> {
        let nowhere = String::new;
        Ok(match self {
            Self::Sequencer | Self::Reckless => {
                let acknowledge = (self == Self::Sequencer).then_some(end);
                let reader = sequencer::Reader::new(acknowledge)?;
                let address = reader.address();
                (Box::new(reader), address)
            }
            Self::Eventfd => (Box::new(eventfd::Reader::new(end)), nowhere()),
            Self::Stream | Self::SeqPacket => (Box::new(socket::Reader::new(end)), nowhere()),
            Self::Sndio => (Box::new(sndio::Reader::new()?), nowhere()),
            Self::Jack => {
                let reader = jack::Reader::new()?;
                (Box::new(reader), jack::RECEIVER.to_owned())
            }
            Self::ZeroMq => {
                let (reader, address) = zeromq::Reader::new()?;
                (Box::new(reader), address)
            }
        })
    }
}

/// Returns two connected sockets for a stream.
pub(super) fn stream() -> Result<(OwnedFd, OwnedFd), Fail> {
    socket::pair(false)
}

/// The parameters of the tasks `send` and `receive`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) link: Link,
    /// Number of messages.
    pub(super) count: u32,
    /// Messages per call.
    pub(super) batch: u32,
    /// Time between calls in ns; 0 is as fast as possible.
    pub(super) gap_ns: u64,
}

impl Plan {
    /// Returns the words of the task `send`.
    pub(super) fn task(self) -> Vec<String> {
        let Self { link, count, batch, gap_ns } = self;
        task(&[&"send", &link.name(), &count, &batch, &gap_ns])
    }

    fn parse(words: &mut Words) -> Result<Self, Fail> {
        let link = Link::named(&words.word()?)?;
        Ok(Self {
            link,
            count: words.number()?,
            batch: words.number::<u32>()?.max(1),
            gap_ns: words.number()?,
        })
    }
}

/// Returns percentiles of the one-way latency from an answer of `send`.
pub(super) fn latency(answer: &Value) -> Result<Figures, Fail> {
    let times = answer["latencies_ns"].as_array().map(Vec::as_slice).unwrap_or_default();
    match times.is_empty() {
        true => Err(Fail::new("no message arrived")),
        false => {
            let mut figures = percentiles(times.iter().filter_map(Value::as_i64));
            figures.extend(server_cost(answer));
            Ok(figures)
        }
    }
}

/// Returns the CPU time of the sequencer's server, if there is one.
fn server_cost(answer: &Value) -> Option<(String, f64)> {
    let cost = answer["server_ns_per_event"].as_f64()?;
    Some(("server_ns_per_event".to_owned(), cost))
}

/// Returns messages a second and lost messages from an answer of `send`.
pub(super) fn throughput(answer: &Value) -> Result<Figures, Fail> {
    let number = |name: &str| answer[name].as_f64().unwrap_or(0.0);
    let (received, took) = (number("received"), number("took_ns"));
    if received < 1.0 || took < 1.0 {
        return Err(Fail::new("no message arrived"));
    }
    let mut figures = vec![
        ("events_per_s".to_owned(), received / took * 1e9),
        ("lost".to_owned(), number("lost")),
    ];
    figures.extend(server_cost(answer));
    Ok(figures)
}

/// Runs the task `send LINK COUNT BATCH GAP_NS`.
pub(super) fn send(words: &mut Words) -> Result<Value, Fail> {
    let plan = Plan::parse(words)?;
    let (ours, theirs) = plan.link.ends()?;
    let parameters = task(&[&"receive", &plan.link.name(), &plan.count, &plan.batch, &plan.gap_ns]);
    let mut command = program::worker_command(&parameters)?;
    command.stdin(Stdio::from(theirs)).stdout(Stdio::piped());
    let mut receiver = command.spawn().context("a second process cannot be started")?;
    // Closes our copy of the child's end, so that we notice if the child is gone.
    drop(command);
    let out =
        receiver.stdout.take().ok_or_else(|| Fail::new("the receiver has no standard output"))?;
    let mut lines = BufReader::new(out).lines();
    let mut line = || match lines.next() {
        Some(line) => line.context("the receiver's answer cannot be read"),
        None => Err(Fail::new("the receiver has failed")),
    };
    let address = line()?;
    let mut sender = plan.link.sender(ours, &address)?;
    let server = Process::server();
    let before = server.map(Process::usage).transpose()?;
    let sent = messages(plan, sender.as_mut())?;
    let heard: Value =
        serde_json::from_str(&line()?).context("the receiver's answer cannot be read")?;
    let used = match (server, before) {
        (Some(server), Some(before)) => Some(server.usage()?.since(before)),
        _ => None,
    };
    receiver.wait().context("the receiver cannot be waited for")?;
    let received = heard["received"].as_u64().unwrap_or(0);
    let last = heard["last_ns"].as_u64().unwrap_or(0);
    let arrivals = heard["arrivals"].as_array().map(Vec::as_slice).unwrap_or_default();
    let latencies: Vec<u64> = arrivals
        .iter()
        .zip(&sent)
        .filter_map(|(arrival, sent)| arrival.as_u64()?.checked_sub(*sent))
        .collect();
    Ok(json!({
        "received": received,
        "lost": u64::from(plan.count).saturating_sub(received),
        "told_losses": heard["told_losses"],
        "took_ns": last.saturating_sub(sent.first().copied().unwrap_or(0)),
        "latencies_ns": latencies,
        "server_ns_per_event": used.map(|used| used.cpu_ns as f64 / f64::from(plan.count)),
    }))
}

/// Sends all messages, and returns when each one was sent; in a flood, only the first.
fn messages(plan: Plan, sender: &mut dyn Sender) -> Result<Vec<u64>, Fail> {
    let alarm = Alarm::new()?;
    let mut sent = Vec::new();
    let mut next = now_ns();
    let mut number = 0;
    while number < plan.count {
        if plan.gap_ns > 0 {
            next += plan.gap_ns;
            alarm.sleep_until(next)?;
        }
        if plan.gap_ns > 0 || number == 0 {
            sent.push(now_ns());
        }
        let batch = plan.batch.min(plan.count - number);
        sender.send(number, batch)?;
        number += batch;
    }
    Ok(sent)
}

/// Runs the task `receive LINK COUNT BATCH GAP_NS`, with its end of the link as standard input.
pub(super) fn receive(words: &mut Words) -> Result<Value, Fail> {
    let plan = Plan::parse(words)?;
    let end = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)
        .context("standard input cannot be duplicated")?;
    let (mut receiver, address) = plan.link.receiver(end)?;
    print(&format!("{address}\n"))?;
    // In a flood only the last arrival counts.
    let asked = if plan.gap_ns > 0 { plan.count } else { 0 };
    let progress = Arc::new(Progress::new(asked));
    let watched = Arc::clone(&progress);
    std::thread::spawn(move || end_in_silence(&watched));
    let mut arrivals = Vec::new();
    let mut received = 0;
    while received < u64::from(plan.count) {
        arrivals.clear();
        receiver.receive(&mut arrivals)?;
        received += arrivals.len() as u64;
        let last = arrivals.last().map_or(0, |(_, at)| *at);
        progress.note(&arrivals);
        progress.last_ns.fetch_max(last, Ordering::Relaxed);
        progress.told_losses.store(receiver.told_losses(), Ordering::Relaxed);
        progress.received.store(received, Ordering::Relaxed);
    }
    Ok(progress.answer())
}

/// What has arrived so far.
#[derive(Debug, Default)]
struct Progress {
    received: AtomicU64,
    last_ns: AtomicU64,
    told_losses: AtomicU64,
    /// Time of each arrival; 0 if the message has not arrived.
    arrivals: Vec<AtomicU64>,
}

impl Progress {
    fn new(asked: u32) -> Self {
        let arrivals = (0..asked).map(|_| AtomicU64::new(0)).collect();
        Self { arrivals, ..Self::default() }
    }

    fn note(&self, arrivals: &[(u32, u64)]) {
        for (number, at) in arrivals {
            if let Some(arrival) = self.arrivals.get(*number as usize) {
                arrival.store(*at, Ordering::Relaxed);
            }
        }
    }

    fn answer(&self) -> Value {
        let arrivals = self.arrivals.iter().map(|at| at.load(Ordering::Relaxed));
        json!({
            "arrivals": arrivals.collect::<Vec<_>>(),
            "received": self.received.load(Ordering::Relaxed),
            "last_ns": self.last_ns.load(Ordering::Relaxed),
            "told_losses": self.told_losses.load(Ordering::Relaxed),
        })
    }
}

/// Waits until nothing more arrives, then prints the answer and ends the process. The thread that reads would wait
/// for lost messages forever.
fn end_in_silence(progress: &Progress) {
    let mut known = 0;
    let mut silence = Duration::ZERO;
    loop {
        std::thread::sleep(LOOK_INTERVAL);
        let received = progress.received.load(Ordering::Relaxed);
        silence = if received == known { silence + LOOK_INTERVAL } else { Duration::ZERO };
        known = received;
        if silence > if received == 0 { FIRST_MESSAGE } else { SILENCE } {
            let _nobody_left = print(&format!("{}\n", progress.answer()));
            std::process::exit(0);
        }
    }
}
