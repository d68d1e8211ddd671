//! Options of all servers, as the command line has them.

use aseqd_console::duration;
use aseqd_engine::seq::client::{DYNAMIC_CLIENTS, MOST_CLIENTS};
use aseqd_server::sequencer::SequencerOptions;
use aseqd_server::timing::{MAX_SPIN, Timing};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Options of all servers.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Timing")]
pub struct TimingArgs {
    /// Deliver to the microsecond: spin for this long before an event is due, at most 100. Each deadline
    /// costs that much CPU time. No effect on a machine with one CPU
    #[arg(
        long,
        value_name = "MICROSECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "100",
        value_parser = microseconds,
    )]
    pub precise: Option<Duration>,
    /// After a call, spin for this long before sleeping, at most 100: programs that call often get their
    /// answers sooner. No effect on a machine with one CPU
    #[arg(
        long,
        value_name = "MICROSECONDS",
        require_equals = true,
        default_value = "0",
        value_parser = microseconds,
    )]
    pub spin: Duration,
    /// Move queues in the steps of their timer, 1 ms by default, as Linux does. Without it, every event is
    /// delivered at its own instant
    #[arg(long)]
    pub quantise: bool,
    /// Do not ask for real-time scheduling or resident memory
    #[arg(long)]
    pub no_realtime: bool,
    /// For benchmarks: at the end, write there for each instant when it was due and when the server
    /// handled it, as pairs of nanoseconds (u64, little endian, `CLOCK_MONOTONIC`)
    #[arg(long, value_name = "FILE", hide = true)]
    pub dispatch_log: Option<PathBuf>,
    /// What the sequencer does that Linux's does not
    #[command(flatten)]
    pub sequencer: SequencerArgs,
}

impl From<&TimingArgs> for Timing {
    fn from(args: &TimingArgs) -> Self {
        let SequencerArgs { clients, notes_off, card } = args.sequencer;
        Self {
            precise: args.precise,
            spin: args.spin,
            quantise: args.quantise,
            no_realtime: args.no_realtime,
            dispatch_log: args.dispatch_log.clone(),
            sequencer: SequencerOptions { clients, notes_off, card },
        }
    }
}

/// Options of all servers.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Sequencer")]
pub struct SequencerArgs {
    /// Most clients at a time, 1 to 190. Linux takes 64, with the numbers from 128 to 191; those beyond
    /// get the numbers below 128, from 127 down. Where none is free an open fails with ENOMEM, and
    /// --trace says who has them
    #[arg(
        long,
        value_name = "N",
        default_value_t = DYNAMIC_CLIENTS,
        value_parser = clap::value_parser!(u8).range(1..=i64::from(MOST_CLIENTS)),
    )]
    pub clients: u8,
    /// When a client ends or is killed, end the notes and lift the pedals that it leaves behind at
    /// others. Linux leaves them
    #[arg(long)]
    pub notes_off: bool,
    /// Offer a sound card without anything in it, /dev/snd/controlC0, if the machine has no card:
    /// some programs look for one before they look at the sequencer
    #[arg(long)]
    pub card: bool,
}

impl Default for SequencerArgs {
    fn default() -> Self {
        Self { clients: DYNAMIC_CLIENTS, notes_off: false, card: false }
    }
}

fn microseconds(text: &str) -> Result<Duration, String> {
    let spin = duration::microseconds(text)?;
    if spin > MAX_SPIN {
        return Err(format!("at most {} microseconds", MAX_SPIN.as_micros()));
    }
    Ok(spin)
}
