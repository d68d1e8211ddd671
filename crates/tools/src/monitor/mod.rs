//! `aseqd monitor`: prints events as they arrive.

mod format;
mod lateness;
mod note;
mod packet;

pub(crate) use format::{HEADER, json_event, line, line_at};
pub(crate) use lateness::{Lateness, micros};

use crate::json::json_line;
use aseqd_abi::seq::{PortCaps, PortType};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Errno};
use aseqd_client::ump::Protocol;
use aseqd_client::{Client, Error, Received, SYSTEM_TIMER};
use aseqd_console::print;
use aseqd_console::say;
use aseqd_console::{DeviceArg, duration};
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::{SignalFd, SignalSet};
use format::{PACKET_HEADER, json_packet, line_among_packets, packet_line};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Print events as they arrive
///
/// Subscribes to the given ports. Without -p, it prints the events of whatever is connected to its port. SIGINT,
/// SIGTERM, --count and --timeout end it with exit status 0.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Lateness is the time from the instant at which an event was due to the instant at which this command \
had read it. It is known for events in real time, and for events in ticks if this command has seen the \
queue start. Events that went through Midi Through no longer name their queue; if exactly one queue runs, \
it is assumed. Events that were not scheduled have no lateness.

Examples:
  aseqd monitor -p 'Midi Through'
  aseqd monitor -p 0:1         # ports and connections that come and go
  aseqd monitor -p 128:0 --json --count 100 | jq .type
  aseqd monitor --ump -p 'Midi Through'
  aseqd monitor --lateness & aplaymidi -p 'aseqd monitor' song.mid")]
pub struct MonitorArgs {
    /// Ports to subscribe to, by number or by name
    #[arg(short, long, value_name = "PORT", value_delimiter = ',')]
    pub port: Vec<String>,
    /// Print one JSON object per event
    #[arg(long)]
    pub json: bool,
    /// Speak UMP and print packets, converted to MIDI 2.0, or with `--ump=1` to MIDI 1.0. Needs a sequencer with UMP
    #[arg(long, value_name = "VERSION", num_args = 0..=1, require_equals = true, default_missing_value = "2",
          value_parser = clap::value_parser!(u8).range(1..=2), conflicts_with = "lateness")]
    pub ump: Option<u8>,
    /// With --ump, print the words of each packet in hexadecimal instead of its fields
    #[arg(long, requires = "ump", conflicts_with = "json")]
    pub raw: bool,
    /// Print how late each event came, in microseconds, and a summary at the end
    #[arg(long)]
    pub lateness: bool,
    /// Print the port's address on standard error once it listens
    #[arg(short, long)]
    pub verbose: bool,
    /// Stop after N events
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Stop after this time: seconds, or with a unit (0.2, 200ms, 2s)
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds)]
    pub timeout: Option<Duration>,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Runs `aseqd monitor`.
///
/// # Errors
/// A message if the device cannot be opened, a port cannot be subscribed to, the sequencer ends, or standard output
/// cannot be written.
pub fn main(args: &MonitorArgs) -> Result<ExitCode, Fail> {
    let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
    signals.block().context("signals cannot be received")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    let mut listener = Listener::new(args)?;
    let end = args.timeout.map(|timeout| Instant::now() + timeout);
    while args.count != Some(0) {
        if !listener.print_all(args)?
            || signals.take().context("signals cannot be received")?.is_some()
        {
            break;
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            break;
        }
        let timeout = left.map(Timespec::try_from).transpose().context("the timeout")?;
        let mut ready =
            [PollFd::new(&listener.client, PollFlags::IN), PollFd::new(&signals, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut ready, timeout.as_ref())).context("cannot wait")?;
        if ready[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
            return Err(Fail::ended());
        }
    }
    listener.summarise(args)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the line of a packet.
fn show_packet(args: &MonitorArgs, packet: &UmpEvent) -> String {
    if args.json { json_line(&json_packet(packet)) } else { packet_line(packet, args.raw) }
}

/// A client that prints the events that it receives.
#[derive(Debug)]
struct Listener {
    client: Client,
    /// What is known of the queues, with `--lateness`.
    lateness: Option<Lateness>,
    /// The port that receives the control events of all queues, with `--lateness`.
    control: Option<Address>,
    /// How many events were printed.
    events: u64,
    /// How many times events were lost, because the command read them too slowly.
    overflows: u64,
}

impl Listener {
    fn new(args: &MonitorArgs) -> Result<Self, Fail> {
        let client = Client::open(&args.device.device, "aseqd monitor")?;
        match args.ump {
            None => {}
            Some(1) => client.set_protocol(Protocol::Midi1)?,
            Some(_) => client.set_protocol(Protocol::Midi2)?,
        }
        let caps = PortCaps::WRITE | PortCaps::SUBS_WRITE;
        let kind = PortType::MIDI_GENERIC | PortType::APPLICATION;
        let dest = client.create_port("monitor", caps, kind)?;
        let control = if args.lateness {
            let caps = PortCaps::WRITE | PortCaps::NO_EXPORT;
            let control = client.create_port("queues", caps, PortType::empty())?;
            client.connect(SYSTEM_TIMER, control).context("queues cannot be followed")?;
            Some(control)
        } else {
            None
        };
        for name in &args.port {
            let sender = client.find_port(name)?;
            client.connect(sender, dest).map_err(|error| {
                let why = match error.errno() {
                    Some(Errno::EPERM) => "it does not allow subscriptions".to_owned(),
                    Some(Errno::EBUSY) => "another program has it exclusively".to_owned(),
                    _ => reason(&error),
                };
                Fail::new(format!("{sender} cannot be subscribed to: {why}"))
            })?;
        }
        if !args.json {
            let how = if args.port.is_empty() { "connect something to it" } else { "listening" };
            let header = if args.ump.is_some() { PACKET_HEADER } else { HEADER };
            print(&format!("port {dest}: {how}; Ctrl-C ends\n{header}\n"))?;
        }
        if args.verbose {
            eprintln!("{dest}");
        }
        let lateness = args.lateness.then(Lateness::default);
        Ok(Self { client, lateness, control, events: 0, overflows: 0 })
    }

    /// Prints the events that have arrived. Returns `false` once `--count` is reached.
    fn print_all(&mut self, args: &MonitorArgs) -> Result<bool, Fail> {
        loop {
            let reads = !self.client.has_event();
            let (event, data) = match self.client.receive() {
                Ok(Some(received)) => {
                    if let Some(lateness) = self.lateness.as_mut().filter(|_| reads) {
                        lateness.arrived();
                    }
                    match received {
                        Received::Event(event, data) => (event, data),
                        Received::Packet(packet) => {
                            if !self.count(args, &show_packet(args, &packet))? {
                                return Ok(false);
                            }
                            continue;
                        }
                    }
                }
                Ok(None) => return Ok(true),
                Err(Error::EventsLost) => {
                    self.overflows += 1;
                    if let Some(lateness) = &mut self.lateness {
                        lateness.lost();
                    }
                    say(&"events were lost: they arrived faster than this command read them");
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let late = match &mut self.lateness {
                Some(lateness) if Some(event.dest) == self.control => {
                    lateness.follow(&self.client, &event)?;
                    continue;
                }
                Some(lateness) => lateness.of(&self.client, &event)?,
                None => None,
            };
            let text = if args.json {
                json_line(&json_event(&event, &data, late))
            } else if args.ump.is_some() {
                line_among_packets(&event, &data)
            } else {
                line(&event, &data, args.lateness.then_some(late))
            };
            if !self.count(args, &text)? {
                return Ok(false);
            }
        }
    }

    /// Prints the line of an event. Returns `false` once `--count` is reached.
    fn count(&mut self, args: &MonitorArgs, line: &str) -> Result<bool, Fail> {
        print(&format!("{line}\n"))?;
        self.events += 1;
        Ok(args.count.is_none_or(|count| self.events < count))
    }

    fn summarise(&self, args: &MonitorArgs) -> Result<(), Fail> {
        let Some(lateness) = &self.lateness else { return Ok(()) };
        let lost = match self.overflows {
            0 => "none lost".to_owned(),
            times => format!("events were lost {times} times"),
        };
        let summary = format!("{} events, {lost}{}\n", self.events, lateness.summary());
        // With --json, standard output has only JSON.
        if args.json {
            let _unheard = write!(std::io::stderr(), "{summary}");
            return Ok(());
        }
        print(&summary)
    }
}
