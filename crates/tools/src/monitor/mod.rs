//! `aseqd monitor`: prints events as they arrive.

mod fields;
mod filter;
mod format;
mod lateness;
mod listen;
mod live;
mod packet;
mod parse;
mod printer;

#[cfg(feature = "top")]
pub(crate) use format::words;
pub(crate) use format::{
    HEADER, json_event, json_packet, line, line_at, packet_line, write_hex, write_line,
};
pub use lateness::{Lateness, micros};
pub(crate) use parse::{Line, parse};

use crate::complete::senders;
use crate::select;
use aseqd_console::{DeviceArg, duration};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{SignalFd, SignalSet};
use filter::{Filter, Range, Types};
use listen::{Listener, Said, Summary, Way};
use printer::Printer;
use rustix::process::Signal;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Print events as they arrive
///
/// Subscribes to the given ports. Without one, it prints the events of whatever is connected to its port. SIGINT,
/// SIGTERM, --count and --timeout end it with exit status 0.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Lateness is the time from the instant at which an event was due to the instant at which this command \
had read it. It is known for events in real time, and for events in ticks if this command has seen the \
queue start. Events that went through Midi Through no longer name their queue; if exactly one queue runs, \
it is assumed. Events that were not scheduled have no lateness.

Reading does not wait for standard output: up to --buffer MiB of events wait in memory to be printed. Once these are full, \
`aseqd send` waits, and events of programs that do not wait are left out. Their number is told at the end.

`aseqd send` reads the text of this command, without --lateness; with --ump, that of --raw.

Examples:
  aseqd monitor 'Midi Through'
  aseqd monitor .hw --not realtime
  aseqd monitor nanoKEY --type note --note C3-B4 --channel 0
  aseqd monitor --live .hw
  aseqd monitor nanoKEY | aseqd send FLUID -     # nothing is lost
  aseqd monitor -p 0:1         # ports and connections that come and go
  aseqd monitor -p 128:0 --json --count 100 | jq .type
  aseqd monitor --ump -p 'Midi Through'
  aseqd monitor --lateness & aplaymidi -p 'aseqd monitor' song.mid")]
pub struct MonitorArgs {
    /// Ports to subscribe to, given as for `aseqd connect`. A name means all ports that it fits best
    #[arg(value_name = "PORT", add = senders())]
    pub ports: Vec<String>,
    /// The same, separated by commas
    #[arg(short, long, value_name = "PORT", value_delimiter = ',', add = senders())]
    pub port: Vec<String>,
    /// Show only events of this type: note, poly, control, program, pressure, bend, sysex, realtime, song, announcement, or
    /// a name of one type such as NOTEON. Several are separated by commas
    #[arg(short, long, value_name = "TYPE", value_delimiter = ',', value_parser = filter::types)]
    pub r#type: Vec<Types>,
    /// Show no events of this type, such as realtime
    #[arg(long, value_name = "TYPE", value_delimiter = ',', value_parser = filter::types)]
    pub not: Vec<Types>,
    /// Show only events on this channel, 0 to 15, or a range: 0-3
    #[arg(short, long, value_name = "CHANNEL", value_delimiter = ',', value_parser = filter::channels)]
    pub channel: Vec<Range>,
    /// Show only events with this note, or a range: C4, 60, C3-B3
    #[arg(short, long, value_name = "NOTE", value_delimiter = ',', value_parser = filter::notes)]
    pub note: Vec<Range>,
    /// Show only events that come from this port, given as for `aseqd connect`
    #[arg(long, value_name = "PORT", value_delimiter = ',', add = senders())]
    pub from: Vec<String>,
    /// Show at most N events a second. How many more there were is told
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: Option<u64>,
    /// Keep at most SIZE MiB of events that wait to be printed, 1 to 4096
    // About 700,000 events without SysEx: seven seconds at 100,000 a second.
    #[arg(long, value_name = "SIZE", default_value = "64", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub buffer: u16,
    /// Show the current values of each channel instead of events: on a terminal as they change, otherwise at the end
    #[arg(short, long, conflicts_with_all = ["ump", "lateness", "rate"])]
    pub live: bool,
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
    /// Stop after N events that pass the filters
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Stop after this time: seconds, or with a unit (0.2, 200ms, 2s)
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds)]
    pub timeout: Option<Duration>,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

impl MonitorArgs {
    /// Returns the ports to subscribe to, as they were named.
    fn named(&self) -> impl Iterator<Item = &String> {
        self.ports.iter().chain(&self.port)
    }

    /// Returns whether the command subscribes to anything.
    fn listens(&self) -> bool {
        self.named().next().is_some()
    }

    fn filter(&self) -> Result<Filter, Fail> {
        let from = self.from.iter().map(|text| select::selector(text));
        Ok(Filter::new(
            self.r#type.clone(),
            self.not.clone(),
            self.channel.clone(),
            self.note.clone(),
            from.collect::<Result<_, _>>()?,
        ))
    }
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
    let listener = Listener::new(args, args.filter()?)?;
    let mut printer = Printer::new(args, listener.port)?;
    if args.verbose {
        eprintln!("{}", listener.port);
    }
    let (sender, receiver) = channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let way = Way { sender, waiting: Arc::clone(&waiting), most: usize::from(args.buffer) << 20 };
    std::thread::Builder::new()
        .name("reader".to_owned())
        .spawn(move || listener.run(&signals, &way))
        .context("a thread cannot be started")?;
    loop {
        let said = match printer.rest() {
            None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(rest) => receiver.recv_timeout(rest),
        };
        match said {
            Ok(Said::Events(events, bytes)) => {
                printer.events(&events)?;
                drop(events);
                waiting.fetch_sub(bytes, Ordering::Relaxed);
            }
            Ok(Said::End(ended)) => {
                printer.finish(&ended?)?;
                return Ok(ExitCode::SUCCESS);
            }
            Err(RecvTimeoutError::Timeout) => printer.idle()?,
            // The thread says how it ends, unless it panics.
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Fail::new("the thread that reads events has ended"));
            }
        }
    }
}
