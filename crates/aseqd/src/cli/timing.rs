//! The options that `run` and `serve` share.

use aseqd_console::duration;
use aseqd_engine::limits::{DYNAMIC_CLIENTS, MOST_CLIENTS};
use aseqd_server::sequencer::SequencerOptions;
use aseqd_server::timing::{MAX_SPIN, Timing};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// The options of a server: how it keeps time, and what its sequencer does.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Timing")]
pub struct TimingArgs {
    /// Deliver events within microseconds: spin for this long before each is due, at most 100. Every deadline
    /// costs this much CPU time. No effect on a machine with one CPU
    #[arg(
        long,
        value_name = "MICROSECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "100",
        value_parser = microseconds,
    )]
    pub precise: Option<Duration>,
    /// Spin for this long after a call before sleeping, at most 100. Programs that call often get their
    /// answers sooner. No effect on a machine with one CPU
    #[arg(
        long,
        value_name = "MICROSECONDS",
        require_equals = true,
        default_value = "0",
        value_parser = microseconds,
    )]
    pub spin: Duration,
    /// Advance queues in steps of their timer, 1 ms by default, as Linux does. Without this, each event is
    /// delivered at its own instant
    #[arg(long)]
    pub quantise: bool,
    /// Do not ask for real-time scheduling or resident memory
    #[arg(long)]
    pub no_realtime: bool,
    /// At the end, write for each deadline when it was due and when the server handled it, for benchmarks: pairs of
    /// nanoseconds (u64, little endian, `CLOCK_MONOTONIC`)
    #[arg(long, value_name = "FILE", hide = true)]
    pub dispatch_log: Option<PathBuf>,
    /// What the sequencer does differently from Linux's
    #[command(flatten)]
    pub sequencer: SequencerArgs,
}

impl From<&TimingArgs> for Timing {
    fn from(args: &TimingArgs) -> Self {
        let SequencerArgs { clients, notes_off, card, ump } = args.sequencer;
        Self {
            precise: args.precise,
            spin: args.spin,
            quantise: args.quantise,
            no_realtime: args.no_realtime,
            dispatch_log: args.dispatch_log.clone(),
            sequencer: SequencerOptions { clients, notes_off, card, ump: ump == Switch::On },
        }
    }
}

/// How the sequencer differs from that of Debian's Linux.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Sequencer")]
pub struct SequencerArgs {
    /// Allow at most N clients at a time, 1 to 190. Linux allows 64, numbered from 128 to 191; further ones get
    /// numbers from 127 down. If none is free, an open fails with ENOMEM, and --trace lists the programs that
    /// have them
    #[arg(
        long,
        value_name = "N",
        default_value_t = DYNAMIC_CLIENTS,
        value_parser = clap::value_parser!(u8).range(1..=i64::from(MOST_CLIENTS)),
    )]
    pub clients: u8,
    /// When a client ends or is killed, end the notes and release the pedals that it has left on at other
    /// clients. Linux leaves them on
    #[arg(long)]
    pub notes_off: bool,
    /// Offer an empty sound card, /dev/snd/controlC0, if the machine has no card. Some programs do not open
    /// the sequencer without one
    #[arg(long)]
    pub card: bool,
    /// Let programs use UMP (MIDI 2.0), as on kernels that are built with it. Programs that do not ask for it keep
    /// MIDI 1.0, and events are converted on their way
    #[arg(long, value_name = "on|off", default_value = "off", hide_possible_values = true)]
    pub ump: Switch,
}

/// Whether an option is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Switch {
    On,
    Off,
}

impl Default for SequencerArgs {
    fn default() -> Self {
        Self { clients: DYNAMIC_CLIENTS, notes_off: false, card: false, ump: Switch::Off }
    }
}

/// Parses a time to spin.
fn microseconds(text: &str) -> Result<Duration, String> {
    let spin = duration::microseconds(text)?;
    if spin > MAX_SPIN {
        return Err(format!("at most {} microseconds", MAX_SPIN.as_micros()));
    }
    Ok(spin)
}
