//! Reads events as fast as they come, on a thread of its own: printing may be slow.

use super::filter::Filter;
use super::{Lateness, MonitorArgs};

use crate::complete::SENDER;
use aseqd_abi::Address;
use aseqd_abi::seq::{PortCaps, PortType};
use aseqd_client::ump::Protocol;
use aseqd_client::{Client, Error, Received, SYSTEM_TIMER};
use aseqd_console::say;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::SignalFd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// Cells of the input pool, as many as a client can have. The default of 200 is full after 2 ms at 100,000 events a
/// second, which is shorter than a thread may have to wait for a processor.
const POOL: u32 = 2000;
/// How often a printer that is behind is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// An event to print, with its lateness if that is measured.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) received: Received,
    pub(super) late: Option<Option<i64>>,
}

impl Seen {
    /// Returns how many bytes of memory the data of the event has.
    const fn bytes_of_data(&self) -> usize {
        match &self.received {
            Received::Event(_, data) => data.capacity(),
            Received::Packet(_) => 0,
        }
    }
}

/// The way to the printer.
pub(super) struct Way {
    pub(super) sender: Sender<Said>,
    /// How many bytes of memory the events have that wait to be printed.
    pub(super) waiting: Arc<AtomicUsize>,
    /// How many bytes they may have.
    pub(super) most: usize,
}

/// What the reading thread says.
pub(super) enum Said {
    /// Events, and how many bytes of memory they have.
    Events(Vec<Seen>, usize),
    /// Reading has ended, with what is known then.
    End(Result<Summary, Fail>),
}

/// What is said at the end.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// How many events were handed to the printer.
    pub(super) events: u64,
    /// How many were not, because it was too far behind.
    pub(super) dropped: u64,
    /// How many times the sequencer has dropped all that was unread.
    pub(super) overflows: u64,
    /// The summary of the lateness, if that is measured.
    pub(super) lateness: Option<String>,
}

/// A client that receives events.
#[derive(Debug)]
pub(super) struct Listener {
    client: Client,
    /// The port that others connect to.
    pub(super) port: Address,
    filter: Filter,
    /// What is known of the queues, with `--lateness`.
    lateness: Option<Lateness>,
    /// The port that receives the control events of all queues, with `--lateness`.
    control: Option<Address>,
    /// Stop after this many events.
    count: Option<u64>,
    end: Option<Instant>,
    /// Events that the printer does not have yet.
    batch: Vec<Seen>,
    summary: Summary,
}

impl Listener {
    pub(super) fn new(args: &MonitorArgs, filter: Filter) -> Result<Self, Fail> {
        let client = Client::open(&args.device.device, "aseqd monitor")?;
        match args.ump {
            None => {}
            Some(1) => client.set_protocol(Protocol::Midi1)?,
            Some(_) => client.set_protocol(Protocol::Midi2)?,
        }
        client.set_pools(0, POOL, 0)?;
        let caps = PortCaps::WRITE | PortCaps::SUBS_WRITE;
        let kind = PortType::MIDI_GENERIC | PortType::APPLICATION;
        let port = client.create_port("monitor", caps, kind)?;
        let control = if args.lateness {
            let caps = PortCaps::WRITE | PortCaps::NO_EXPORT;
            let control = client.create_port("queues", caps, PortType::empty())?;
            client.connect(SYSTEM_TIMER, control).context("queues cannot be followed")?;
            Some(control)
        } else {
            None
        };
        let mut senders = Vec::new();
        for name in args.named() {
            for port in crate::select::every_port(&client, name, SENDER)? {
                if !senders.contains(&port.address) {
                    senders.push(port.address);
                }
            }
        }
        for sender in senders {
            client.connect(sender, port).map_err(|error| {
                let why = crate::select::refusal(&error);
                Fail::new(format!("{sender} cannot be subscribed to: {why}"))
            })?;
        }
        Ok(Self {
            client,
            port,
            filter,
            lateness: args.lateness.then(Lateness::default),
            control,
            count: args.count,
            end: args.timeout.map(|timeout| Instant::now() + timeout),
            batch: Vec::new(),
            summary: Summary::default(),
        })
    }

    /// Reads until a signal, a limit or an error, and says everything to the printer.
    pub(super) fn run(mut self, signals: &SignalFd, printer: &Way) {
        // The pool is full after 20 ms at 100,000 events a second, and a busy machine lets threads wait for longer. All waits
        // are in calls. It is no error if it is not permitted.
        let _permitted = aseqd_host::realtime::schedule(true);
        let ended = self.read_all(signals, printer).map(|()| self.summary);
        // Without a printer, the process is about to end.
        let _unheard = printer.sender.send(Said::End(ended));
    }

    fn read_all(&mut self, signals: &SignalFd, printer: &Way) -> Result<(), Fail> {
        while self.count != Some(0) {
            let goes_on = self.read()?;
            let goes_on = self.hand_over(signals, printer)? && goes_on;
            if !goes_on || signals.take().context("signals cannot be received")?.is_some() {
                // What had arrived before a signal is shown.
                if self.count.is_none_or(|count| self.summary.events < count) {
                    self.read()?;
                    self.pass_on(printer);
                }
                break;
            }
            let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            let timeout = left.map(Timespec::try_from).transpose().context("the timeout")?;
            let mut ready =
                [PollFd::new(&self.client, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
            rustix::io::retry_on_intr(|| poll(&mut ready, timeout.as_ref()))
                .context("cannot wait")?;
            if ready[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
                return Err(Fail::ended());
            }
        }
        self.summary.lateness = self.lateness.as_ref().map(Lateness::summary);
        Ok(())
    }

    /// Reads once, and takes the events that pass the filter. Returns `false` once there are enough.
    fn read(&mut self) -> Result<bool, Fail> {
        if let Some(lateness) = &mut self.lateness
            && self.client.wait(Some(Duration::ZERO))?
        {
            lateness.arrived();
        }
        loop {
            let received = match self.client.receive() {
                Ok(Some(received)) => received,
                Ok(None) => return Ok(true),
                Err(Error::EventsLost) => {
                    self.summary.overflows += 1;
                    if let Some(lateness) = &mut self.lateness {
                        lateness.lost();
                    }
                    say(&"events were lost: they arrived faster than this command read them");
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let late = match (&received, &mut self.lateness) {
                (Received::Event(event, _), Some(lateness)) if Some(event.dest) == self.control => {
                    lateness.follow(&self.client, event)?;
                    if !self.client.has_event() {
                        return Ok(true);
                    }
                    continue;
                }
                (Received::Event(event, _), Some(lateness)) => {
                    Some(lateness.of(&self.client, event)?)
                }
                _ => None,
            };
            if self.filter.passes(&received, &self.client)? {
                self.batch.push(Seen { received, late });
                self.summary.events += 1;
                if self.count.is_some_and(|count| self.summary.events >= count) {
                    return Ok(false);
                }
            }
            // One read is one batch.
            if !self.client.has_event() {
                return Ok(true);
            }
        }
    }

    /// Gives what was read to the printer. While it is behind, reading waits. Then senders that look at our pool, and keep
    /// half of it free, wait too. Events of others would overflow the pool: once only a quarter is free, what was read is
    /// dropped and counted.
    /// Returns `false` if a signal has arrived or the printer has ended.
    fn hand_over(&mut self, signals: &SignalFd, printer: &Way) -> Result<bool, Fail> {
        if self.batch.is_empty() {
            return Ok(true);
        }
        let count = self.batch.len();
        while printer.waiting.load(Ordering::Relaxed) > printer.most {
            let mut ready = [PollFd::new(signals, PollFlags::IN)];
            let timeout = Timespec::try_from(LOOK_AGAIN).context("the pause")?;
            rustix::io::retry_on_intr(|| poll(&mut ready, Some(&timeout)))
                .context("cannot wait")?;
            if signals.take().context("signals cannot be received")?.is_some() {
                self.pass_on(printer);
                return Ok(false);
            }
            let pools = self.client.pools(self.client.id())?;
            if pools.is_some_and(|pools| pools.input_free < pools.input_pool / 4) {
                if self.summary.dropped == 0 {
                    say(&"events are left out: they arrive faster than standard output takes them");
                }
                let dropped = u64::try_from(count).unwrap_or(0);
                self.summary.dropped += dropped;
                self.summary.events -= dropped;
                self.batch.clear();
                return Ok(true);
            }
        }
        Ok(self.pass_on(printer))
    }

    /// Returns whether there is a printer.
    fn pass_on(&mut self, printer: &Way) -> bool {
        let events = std::mem::take(&mut self.batch);
        let bytes = events.capacity() * size_of::<Seen>()
            + events.iter().map(Seen::bytes_of_data).sum::<usize>();
        printer.waiting.fetch_add(bytes, Ordering::Relaxed);
        printer.sender.send(Said::Events(events, bytes)).is_ok()
    }
}
