//! The options that `run` and `serve` share.

use aseqd_console::duration;
use aseqd_engine::limits::{DYNAMIC_CLIENTS, MOST_CLIENTS};
use aseqd_host::error::Fail;
use aseqd_server::recorder::Recording;
use aseqd_server::sequencer::SequencerOptions;
use aseqd_server::timing::{MAX_SPIN, Timing};
use clap::Args;
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The environment variable that stands for `--record`. Clap would take it as given with `--join` as well, which has
/// nothing to record, and refuse both.
const VARIABLE: &str = "ASEQD_RECORD";

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
    /// Where to record
    #[command(flatten)]
    pub record: RecordArgs,
    /// What the sequencer does differently from Linux's
    #[command(flatten)]
    pub sequencer: SequencerArgs,
}

/// Where to record what enters the sequencer.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Recording")]
pub struct RecordArgs {
    /// Record everything that programs ask of the sequencer, so that `aseqd replay` can run it again. If FILE is a
    /// folder, each run makes a file in it. `aseqd record` makes MIDI files instead [env: ASEQD_RECORD=]
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// The recording, once its file is made.
    #[arg(skip)]
    made: OnceCell<Recording>,
}

impl RecordArgs {
    /// Makes the file, if there is to be a recording. In a folder, it is named after `name`.
    ///
    /// # Errors
    /// A message if the file cannot be made.
    pub(crate) fn make(&self, name: &OsStr) -> Result<(), Fail> {
        let variable = || std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
        let Some(path) = self.record.clone().or_else(|| variable().map(PathBuf::from)) else {
            return Ok(());
        };
        let made = Recording::create(&path, &name.to_string_lossy());
        let _once = self.made.set(made.map_err(|error| Fail::new(error.to_string()))?);
        Ok(())
    }

    /// Keeps the latest part of a recording in memory, this many MiB. Files are written to this folder, or to the usual
    /// one.
    pub(crate) fn keep(&self, mebibytes: u16, folder: Option<&Path>) {
        let of_service = || std::env::var_os("STATE_DIRECTORY").map(PathBuf::from);
        let folder = folder.map(Path::to_owned).or_else(of_service);
        let folder = folder.unwrap_or_else(std::env::temp_dir);
        let _once = self.made.set(Recording::in_memory(usize::from(mebibytes) << 20, folder));
    }

    /// Begins to write what the server does.
    pub(crate) fn begin(&self) {
        if let Some(recording) = self.made.get() {
            recording.begin();
        }
    }
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
            recording: args.record.made.get().cloned(),
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
