//! `aseqd ctl`: asks a run for its time, and lets time pass in it.

use crate::run::control;
use aseqd_console::duration;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::peer;
use clap::{Args, ValueEnum};
use rustix::process::geteuid;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::ExitCode;
use std::time::Duration;

/// Ask a run for its time, or let time pass in it
///
/// It is for runs with a clock of their own: `aseqd run --time`. CMD and the programs that it starts need not say which
/// run they mean.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0, 1 if there is no such run, 2 for wrong usage.

Examples:
  aseqd run --time step -- sh -c 'sleep 1 && echo slept &
    aseqd ctl advance 999ms; echo not yet; aseqd ctl advance 1ms; wait'
  aseqd ctl --run 4711 advance 5min")]
pub struct CtlArgs {
    /// The run: the process id of `aseqd run`, or what ASEQD_CONTROL says in it
    #[arg(long, value_name = "PID", env = control::VARIABLE)]
    pub run: Option<String>,
    /// What to do: advance lets time pass, and returns when everything has happened that is due up to then and all
    /// programs sleep. time prints how much has passed since the beginning of the run, in seconds
    #[arg(value_name = "advance|time", hide_possible_values = true)]
    pub request: Request,
    /// How much time passes with advance: 500ms, 1.5s, 2min
    #[arg(
        value_name = "DURATION",
        required_if_eq("request", "advance"),
        value_parser = duration::seconds,
    )]
    pub duration: Option<Duration>,
}

/// What a run can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Request {
    /// Let time pass.
    Advance,
    /// Print how much time has passed.
    Time,
}

/// Runs `aseqd ctl`.
///
/// # Errors
/// A message if there is no such run, it belongs to another user, or it ends meanwhile.
pub fn main(args: &CtlArgs) -> Result<ExitCode, Fail> {
    let Some(run) = &args.run else {
        return Err(Fail::new(
            "this is no run with a clock of its own (`aseqd run --time`); --run says which one is meant",
        ));
    };
    let name = match (run.strip_prefix('@'), run.parse::<u32>()) {
        (Some(name), _) => name.to_owned(),
        (None, Ok(front)) => control::name_of(front),
        (None, Err(_)) => return Err(Fail::new(format!("{run} is no process id"))),
    };
    let line = match (args.request, args.duration) {
        (Request::Advance, Some(duration)) => format!("advance {}\n", duration.as_nanos()),
        _ => "time\n".to_owned(),
    };
    let elapsed = ask(&name, &line).with_context(|| format!("run {run}"))?;
    if args.request == Request::Time {
        let (seconds, rest) = (elapsed / 1_000_000_000, elapsed % 1_000_000_000);
        aseqd_console::print(&format!("{seconds}.{rest:09}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a request. Returns how much time has passed in the run then, in ns.
fn ask(name: &str, line: &str) -> std::io::Result<u64> {
    let other = |why: &str| std::io::Error::other(why.to_owned());
    let mut socket = match UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?) {
        Ok(socket) => socket,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            return Err(other("it does not exist, or has no clock of its own"));
        }
        Err(error) => return Err(error),
    };
    // Any user could have taken the name.
    if ![geteuid().as_raw(), 0].contains(&peer::of(socket.as_fd())?.uid) {
        return Err(other("it belongs to another user"));
    }
    socket.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(socket).read_line(&mut answer)?;
    if let Some(why) = answer.strip_prefix("error ") {
        return Err(other(why.trim()));
    }
    let elapsed = answer.strip_prefix("ok ").and_then(|rest| rest.split(' ').next()?.parse().ok());
    elapsed.ok_or_else(|| other("it has ended"))
}
