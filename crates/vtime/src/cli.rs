//! The command line of `vtime`.

use crate::options::{Cpus, Pace, Time};
use crate::parse::{self, Seed};
use clap::{CommandFactory as _, Parser};
use std::ffi::OsString;
use std::time::Duration;

/// Run a command in virtual time: sleeps and timeouts end at once
///
/// The clock stands while any thread of CMD runs, and jumps to the next deadline when all sleep. CMD and everything that
/// it starts see the same clock, and each run sees the same times. No program needs a change: system calls are stopped by
/// ptrace, so static programs and those of every language work.
///
/// Processes that outlive CMD are ended.
#[derive(Debug, Parser)]
#[command(
    name = "vtime",
    version,
    max_term_width = 100,
    after_help = "\
What virtual time cannot do: 32-bit programs, programs that read the processor's own counter (rdtsc), loops that wait \
for a change in memory without a system call, and partners outside of the run, such as a network. A tracer allows no \
other: neither gdb nor strace inside or around a run. Set-uid programs run without their rights unless root runs vtime.

Exit status: that of CMD, or 128 + n if signal n ended it; 124 if --time-limit or --no-outside ended the run; 126 if CMD \
cannot be executed; 127 if there is no such command, or ptrace is refused.

Examples:
  vtime -- sleep 300
  vtime --time virtual=2026-12-31T23:59:50Z -- ./countdown
  vtime --no-outside --time-limit 1h -- cargo test"
)]
pub struct Args {
    /// How the clock moves: virtual, or xN for N times real time. virtual=EPOCH also says when it begins: a date in UTC
    /// such as 2026-03-01T12:00:00Z, @SECONDS since 1970, or now
    #[arg(long, value_name = "virtual[=EPOCH]|xN", default_value = "virtual", value_parser = time)]
    pub time: Time,

    /// End the run when this much virtual time has passed, with status 124
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub time_limit: Option<Duration>,

    /// Where random numbers of the kernel begin; random: they differ from run to run, and addresses too
    #[arg(long, value_name = "N|random", default_value = "0")]
    pub seed: Seed,

    /// How many processors CMD may use. With 1, threads do not run at the same time
    #[arg(long, value_name = "N|all", default_value = "1")]
    pub cpus: Cpus,

    /// End the run with status 124 if all threads sleep and nothing is due, and say who waits for what. Without this
    /// option the run waits for something outside, such as a terminal
    #[arg(long)]
    pub no_outside: bool,

    /// Say at the end how many calls were stopped, how often the clock jumped, and how long it took
    #[arg(long)]
    pub stats: bool,

    /// The command and its arguments
    #[arg(
        value_name = "CMD",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_hint = clap::ValueHint::CommandWithArguments
    )]
    pub command: Vec<OsString>,
}

/// Reads a pace that needs nobody who moves the clock.
fn time(text: &str) -> Result<Time, String> {
    let time: Time = text.parse()?;
    match time.pace {
        Pace::Step => {
            Err("a clock that steps needs a server that moves it: aseqd run --time step".into())
        }
        Pace::Virtual | Pace::Scaled(_) => Ok(time),
    }
}

/// Returns the command, for help and pages.
#[must_use]
pub fn command() -> clap::Command {
    Args::command()
}
