//! How the server trades processor time for latency.

use super::sequencer::SequencerArgs;
use crate::cli::duration;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Longest that the server spins, before a deadline or for another call.
pub const MAX_SPIN: Duration = Duration::from_micros(100);

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

impl TimingArgs {
    /// What of it is the engine's.
    #[must_use]
    pub fn engine(&self) -> aseqd_engine::Config {
        let SequencerArgs { clients, notes_off, .. } = self.sequencer;
        aseqd_engine::Config {
            quantise: self.quantise,
            clients,
            notes_off,
            ..aseqd_engine::Config::default()
        }
    }
}

fn microseconds(text: &str) -> Result<Duration, String> {
    let spin = duration::microseconds(text)?;
    if spin > MAX_SPIN {
        return Err(format!("at most {} microseconds", MAX_SPIN.as_micros()));
    }
    Ok(spin)
}
