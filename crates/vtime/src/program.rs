//! The program `vtime`: runs the command, and chooses the exit status.

use crate::cli::Args;
use crate::error::Error;
use crate::options::Options;
use crate::start;
use crate::sys::{self, signal_descriptor};
use crate::tracer::{Reason, Stats, Tracer};
use crate::world::{Control, NoWorld, World};
use clap::Parser as _;
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::process::ExitCode;

/// The status if the command could not be run, as of `env` and `timeout`.
const STATUS_FAILED: u8 = 127;

/// Signals that another process may send to `vtime`, and that are meant for the command. Those of a terminal reach the
/// command by themselves.
const FORWARDED: &[i32] = &[
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    // If the terminal stopped vtime too, it could not let the command stop.
    libc::SIGTSTP,
];

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            say(&error);
            let status = if let Error::NotExecutable(..) = error { 126 } else { STATUS_FAILED };
            ExitCode::from(status)
        }
    }
}

fn run(args: &Args) -> Result<u8, Error> {
    let options = Options {
        pace: args.time.pace,
        epoch: args.time.epoch,
        seed: args.seed.0,
        cpus: args.cpus,
        outside: !args.no_outside,
        time_limit: args.time_limit,
        ..Options::default()
    };
    let mut tracer = Tracer::new(&options)?;
    let child = start::spawn(&options, &args.command)?;
    let process = child.process();
    tracer.seize(process)?;
    let signals = signal_descriptor(FORWARDED)
        .map_err(|why| Error::System("signals cannot be received", why))?;
    let running = child.go().map_err(|why| Error::System("the command was killed", why))?;
    let ended = tracer.run(&mut Outside { process: Some(process), signals })?;
    match ended.reason {
        Reason::Deadlock => {
            say(
                &"all threads sleep, nothing is due, and nothing may come from outside (--no-outside)",
            );
            ended.waits.iter().for_each(|line| anstream::eprintln!("{line}"));
        }
        Reason::TimeLimit => say(&"the time limit is over (--time-limit)"),
        _ => {}
    }
    if args.stats {
        let Stats { stops, looks, timeouts, real, .. } = ended.stats;
        let elapsed = ended.elapsed.as_secs_f64();
        say(&format_args!(
            "{elapsed:.3} s of virtual time in {:.3} s; stops: {stops}, timeouts: {timeouts}, looks at all threads: \
             {looks}",
            real.as_secs_f64()
        ));
    }
    match running.failure() {
        Some(failure) => Err(failure),
        None => Ok(ended.status),
    }
}

fn say(what: &dyn std::fmt::Display) {
    anstream::eprintln!("vtime: {what}");
}

/// What is outside of a run: the terminal, and processes that send signals.
struct Outside {
    /// The command's process, until it has ended: then its number may be given to a stranger.
    process: Option<i32>,
    signals: OwnedFd,
}

impl World for Outside {
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        vec![self.signals.as_fd()]
    }

    fn attend(&mut self, _: &mut Control) -> io::Result<()> {
        while let Some((number, from_process)) = sys::take_signal(&self.signals) {
            if let Some(pid) = self.process.and_then(Pid::from_raw)
                && let Some(signal) = Signal::from_named_raw(number)
                && from_process
            {
                let _gone = kill_process(pid, signal);
            }
        }
        Ok(())
    }

    fn ended(&mut self, process: i32) {
        self.process = self.process.filter(|command| *command != process);
    }

    fn stopped(&mut self) {
        // So that the shell notices. It goes on when the shell says so, as the command does.
        let _stopped = kill_process(rustix::process::getpid(), Signal::STOP);
    }

    fn notice(&mut self, text: &str) {
        say(&text);
    }

    fn collect(&mut self) -> io::Result<usize> {
        NoWorld.collect()
    }

    fn serve(&mut self, now: u64, rank: &dyn Fn(i32) -> u64) -> io::Result<()> {
        NoWorld.serve(now, rank)
    }

    fn deadline(&self) -> Option<u64> {
        None
    }

    fn advance(&mut self, now: u64) -> io::Result<()> {
        NoWorld.advance(now)
    }
}
