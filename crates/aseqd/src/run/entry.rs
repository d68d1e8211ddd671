//! Makes a door, opens the sequencer through it, and executes CMD, in the process that becomes the command.

use super::STATUS_FAILED;
use super::link::Link;
use super::namespace::{self, Ids};
use super::time::control;
use crate::cli::RunArgs;
use aseqd_client::Errno;
use aseqd_console::say;
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::{SignalSet, exit_now};
use aseqd_server::door::stopped::{self, Filter};
use aseqd_wire::preload::{CARD_VARIABLE, SECRET_VARIABLE, SOCKET_VARIABLE};
use rustix::process::{Pid, Signal};
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// The exit status if CMD exists and cannot be executed.
const STATUS_NOT_EXECUTABLE: i32 = 126;

/// What the process does to make its door.
#[derive(Debug)]
pub(super) enum Entrance {
    /// Enters a namespace, and mounts the device or the folder of another server in it.
    Mount,
    /// Installs a seccomp filter that stops calls.
    Filter(Filter),
    /// Sets these environment variables, which make programs load the library.
    Library(Vec<(&'static str, OsString)>),
}

/// What the keeper gives to the process.
pub(super) struct Entry<'a> {
    pub(super) entrance: Entrance,
    pub(super) args: &'a RunArgs,
    pub(super) keeper: Pid,
    pub(super) ids: Ids,
    pub(super) link: Link,
    pub(super) mask: &'a SignalSet,
    /// The name of the control socket, for a clock of its own.
    pub(super) control: Option<String>,
}

/// Becomes the command. Runs in the child of the keeper.
pub(super) fn become_command(entry: Entry<'_>) -> ! {
    // If the keeper dies, there is no sequencer any more, and the kernel ends the command.
    let _unsupported = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if rustix::process::getppid() != Some(entry.keeper) {
        exit_now(STATUS_FAILED.into());
    }
    let how = match enter(&entry) {
        Ok(how) => how,
        Err(error) => {
            entry.link.refused(&error.to_string());
            exit_now(STATUS_FAILED.into());
        }
    };
    if entry.args.verbose {
        say(&format_args!("door: {how}"));
    }
    entry.link.passed();
    if entry.control.is_some() && !entry.link.may_go_on() {
        exit_now(STATUS_FAILED.into());
    }
    drop(entry.link);
    if let Err(error) = entry.mask.restore() {
        say(&format_args!("the signal mask cannot be restored: {}", reason(&error)));
        exit_now(STATUS_FAILED.into());
    }
    let (program, arguments) = entry.args.command.split_first().unwrap_or_else(|| exit_now(2));
    let mut command = Command::new(program);
    // The library of an outer run would lead to the sequencer of that run.
    for variable in [SOCKET_VARIABLE, SECRET_VARIABLE, CARD_VARIABLE] {
        command.env_remove(variable);
    }
    if let Entrance::Library(variables) = entry.entrance {
        command.envs(variables);
    }
    command.env_remove(control::VARIABLE);
    if let Some(name) = entry.control {
        command.env(control::VARIABLE, name);
    }
    if let Some(options) = entry.args.time.options()
        && let Err(error) = vtime::start::prepare(&options)
    {
        say(&error);
        exit_now(STATUS_FAILED.into());
    }
    let error = command.args(arguments).exec();
    say(&format_args!("{}: {}", program.to_string_lossy(), why(program, &error)));
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    exit_now(if missing { STATUS_FAILED.into() } else { STATUS_NOT_EXECUTABLE })
}

/// Makes the door, and opens the sequencer through it. Returns a description of the door.
///
/// # Errors
/// The reason why the door does not lead to the sequencer.
fn enter(entry: &Entry<'_>) -> Result<String, Fail> {
    match &entry.entrance {
        Entrance::Mount => {
            let joined = entry.args.join.as_deref();
            let how = namespace::enter(entry.ids, &entry.link, joined)?;
            probe_past_libraries().map(|()| how)
        }
        Entrance::Filter(filter) => {
            filter.has_room(entry.link.as_fd())?;
            let listener = stopped::install(filter)?;
            entry.link.door(Some(listener.as_fd()))?;
            drop(listener);
            probe_past_libraries()?;
            Ok(match filter {
                Filter::Handover(_) => {
                    "hand-over of FUSE files, to opens that seccomp stops".to_owned()
                }
                Filter::Trap(range) => format!(
                    "trap: seccomp stops opens, and all calls on descriptors {} to {}",
                    range.start,
                    range.end - 1
                ),
            })
        }
        Entrance::Library(variables) => {
            entry.link.door(None)?;
            probe_by_library(variables)?;
            let libraries = variables.first().map(|(_, value)| value.to_string_lossy());
            Ok(format!("preload: the library {}", libraries.unwrap_or_default()))
        }
    }
}

/// Opens the sequencer. Inside the preload door of another run, this process has the library of that run loaded and
/// would reach its sequencer. Then another process, without that library, opens it.
fn probe_past_libraries() -> Result<(), Fail> {
    if std::env::var_os(SOCKET_VARIABLE).is_none() {
        return probe();
    }
    let mut other = Command::new(own_program()?);
    other.env_remove(SOCKET_VARIABLE).env_remove(SECRET_VARIABLE);
    probe_by(other)
}

/// Has another process open the sequencer with the library loaded. If this program is statically linked, it does as the
/// library would.
fn probe_by_library(variables: &[(&'static str, OsString)]) -> Result<(), Fail> {
    let mut other = Command::new(own_program()?);
    other.envs(variables.iter().map(|(name, value)| (name, value)));
    probe_by(other)
}

fn own_program() -> Result<PathBuf, Fail> {
    std::env::current_exe().context("the path of this program is not known")
}

/// Runs this program as `aseqd probe`.
///
/// # Errors
/// What it prints, if it does not reach the sequencer.
fn probe_by(mut own: Command) -> Result<(), Fail> {
    // By this name a program that carries this library knows that it is started as aseqd.
    own.arg0("aseqd").arg("probe").stdin(Stdio::null());
    let output = own.output().context("the probe cannot be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    match output.status.success() {
        true => Ok(()),
        false => Err(Fail::new(said.strip_prefix("aseqd: ").unwrap_or(said).to_owned())),
    }
}

/// Runs `aseqd probe`.
///
/// # Errors
/// A message if `/dev/snd/seq` cannot be opened or is no sequencer.
pub fn probe_main() -> Result<ExitCode, Fail> {
    probe().map(|()| ExitCode::SUCCESS)
}

/// Opens the sequencer, as the command would. A run waits for this, so it makes no more requests than it needs.
fn probe() -> Result<(), Fail> {
    use aseqd_client::Error;
    let device = aseqd_client::DEVICE;
    let number = |errno: Errno| std::io::Error::from_raw_os_error(errno.0.into());
    match aseqd_client::OpenOptions::new().check(device) {
        Ok(()) => Ok(()),
        Err(Error::Open { errno, .. }) => {
            Err(number(errno)).with_context(|| format!("{device} cannot be opened through it"))
        }
        Err(Error::WrongDevice { errno, .. }) => {
            Err(number(errno)).with_context(|| format!("{device} is no sequencer through it"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns why a program cannot be executed, and what to write instead if the mistake is a common one.
fn why(program: &OsStr, error: &std::io::Error) -> String {
    if error.kind() != std::io::ErrorKind::NotFound {
        return reason(error);
    }
    let name = program.to_string_lossy();
    let advice = if name.contains(char::is_whitespace) {
        "; do not quote the command and its arguments as one word, or use `sh -c 'LINE'`"
    } else if name.contains('=') {
        "; to set a variable, use `env NAME=VALUE CMD`"
    } else {
        ""
    };
    format!("command not found{advice}")
}
