//! `aseqd clock`: sends MIDI clock and MIDI time code, and measures those of others.

mod follow;
mod intervals;
mod send;

use crate::complete::any_port;
use crate::mtc::Rate;
use crate::ready::STARTING;
use crate::time_signature::tempo_us;
use aseqd_client::Client;
use aseqd_console::{DeviceArg, duration};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{SignalFd, SignalSet};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Send MIDI clock and time code, or measure them
///
/// Sends 24 clock messages a quarter note to the ports, and before them a start, or the song position and a continue. At the
/// end, it sends a stop. With --mtc, it also sends MIDI time code (MTC): four quarter frames a frame. Without PORT, whatever
/// is connected to its own port receives them.
///
/// With --follow, it measures the clock and the time code that ports send: tempo, position, and jitter, which is the
/// standard deviation of the time between two messages.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A message is stamped when the sequencer delivers it, so it does not matter how late this command reads it. The jitter is that of \
the sender and of the sequencer.

SIGINT (Ctrl-C), SIGTERM and --timeout end it with exit status 0. It fails when the last of the named ports goes.

Examples:
  aseqd clock TR-8 --tempo 128
  aseqd clock --mtc 25 --from 10min Ardour
  aseqd clock --follow TR-8
  aseqd clock --follow TR-8 --timeout 10s --json | jq .tempo")]
pub struct ClockArgs {
    /// Ports, given as for `aseqd connect`. A name means all ports that it fits best
    #[arg(value_name = "PORT", add = any_port())]
    pub ports: Vec<String>,
    /// Measure what the ports send, instead of sending
    #[arg(short, long)]
    pub follow: bool,
    /// Quarter notes a minute [default: 120]
    #[arg(short, long, value_name = "TEMPO", value_parser = tempo, conflicts_with = "follow", help_heading = "Sending")]
    pub tempo: Option<u32>,
    /// Send MIDI time code of this many frames a second, too: 24, 25, 29.97 (drop frame) or 30
    #[arg(long, value_name = "FRAMES", conflicts_with = "follow", help_heading = "Sending")]
    mtc: Option<Rate>,
    /// Send no MIDI clock, but the time code alone
    #[arg(long, requires = "mtc", conflicts_with = "tempo", help_heading = "Sending")]
    pub no_clock: bool,
    /// Begin at this time of the song: seconds, or with a unit (90, 1.5min)
    #[arg(long, value_name = "TIME", value_parser = duration::seconds, conflicts_with = "follow", help_heading = "Sending")]
    pub from: Option<Duration>,
    /// Stop after this time: seconds, or with a unit (0.2, 200ms, 2s)
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds)]
    pub timeout: Option<Duration>,
    /// Time between two lines of a measurement
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration::seconds, requires = "follow", help_heading = "Measuring")]
    pub interval: Duration,
    /// Print one JSON object for each line
    #[arg(long, requires = "follow", help_heading = "Measuring")]
    pub json: bool,
    /// Print nothing but errors and measurements
    #[arg(short, long)]
    pub quiet: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Runs `aseqd clock`.
///
/// # Errors
/// A message if the device cannot be opened, a port cannot be connected, the sequencer ends, or standard output cannot be
/// written.
pub fn main(args: &ClockArgs) -> Result<ExitCode, Fail> {
    let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
    signals.block().context("signals cannot be received")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    // The name comes last: a script that waits for it finds everything ready.
    let client = Client::open(&args.device.device, STARTING)?;
    if args.follow {
        let mut follower = follow::Follower::new(client, args)?;
        until_end(args, &signals, &mut follower)?;
        return follower.finish().map(|()| ExitCode::SUCCESS);
    }
    let mut sender = send::Sender::new(client, args)?;
    until_end(args, &signals, &mut sender)?;
    sender.stop().map(|()| ExitCode::SUCCESS)
}

/// What this command does whenever something has arrived.
trait Turn {
    fn client(&self) -> &Client;

    /// Takes in what has arrived.
    fn turn(&mut self) -> Result<(), Fail>;
}

/// Takes turns until a signal comes or the time is over. It wakes for nothing else.
fn until_end(args: &ClockArgs, signals: &SignalFd, turn: &mut impl Turn) -> Result<(), Fail> {
    let end = args.timeout.map(|timeout| Instant::now() + timeout);
    loop {
        turn.turn()?;
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let signal = signals.take().context("signals cannot be received")?;
        if signal.is_some() || left.is_some_and(|left| left.is_zero()) {
            return Ok(());
        }
        let timeout = left.map(Timespec::try_from).transpose().context("the timeout")?;
        let mut ready =
            [PollFd::new(turn.client(), PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut ready, timeout.as_ref())).context("cannot wait")?;
        if ready[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
            return Err(Fail::ended());
        }
    }
}

/// Parses quarter notes a minute.
fn tempo(text: &str) -> Result<u32, String> {
    tempo_us(text).ok_or_else(|| "quarter notes a minute, 4 to 6000".to_owned())
}
