//! Starts the command with the library, forwards signals, and waits.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc;
use std::time::Duration;

use kreport::list::words;
use lockdep::session::{Session, VARIABLE};
use rustix::fs::MemfdFlags;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::cli::Cli;
use crate::findings::{Findings, Reader};

/// The name of the library.
const LIBRARY_NAME: &str = "liblockdep_preload.so";
/// The library that is loaded into commands, as bytes.
pub static LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/liblockdep_preload.so"));
/// How often reports are looked for while the command runs. A shorter time would only cost.
const PERIOD: Duration = Duration::from_millis(100);

/// Why a command was not run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The command could not be started.
    Start(OsString, io::Error),
    /// Something else failed, as the sentence says.
    Other(String),
}

/// What became of a command.
#[derive(Debug)]
pub struct Outcome {
    /// How the command ended.
    pub status: ExitStatus,
    /// Whether processes of the command still run.
    pub outlived: bool,
    /// What was found.
    pub findings: Findings,
}

impl Outcome {
    /// Returns the exit status that a shell would see.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let signal = || self.status.signal().map(|signal| 128 + signal);
        let code = self.status.code().or_else(signal).unwrap_or(1);
        u8::try_from(code).unwrap_or(u8::MAX)
    }
}

/// Runs the command. `each` gets each new report while the command runs.
///
/// # Errors
///
/// Returns why the command could not be run.
pub fn run(cli: &Cli, mut each: impl FnMut(&str)) -> Result<Outcome, Failure> {
    let other = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| Failure::Other(format!("{what}: {}", words(&error)))
    };
    let library = Library::of(cli).map_err(Failure::Other)?;
    let (session, path) = session(cli.max_findings).map_err(other("cannot make a session"))?;
    // Processes whose parents end become children of this one, so that it learns whether some still run.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let [program, arguments @ ..] = &cli.command[..] else {
        return Err(Failure::Other("there is no command".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(arguments).env(VARIABLE, &path).env("LD_PRELOAD", preload(&library.path));
    if let Some(threads) = &cli.threads {
        command.env("LOCKDEP_ATOMIC_THREADS", threads);
    }
    // What the environment says has been read already.
    command.env_remove("LOCKDEP_FUNCTIONS");
    if !cli.functions.is_empty() {
        command.env("LOCKDEP_FUNCTIONS", cli.functions.join(","));
    }
    if let Some(graph) = &cli.graph {
        command.env("LOCKDEP_GRAPH", graph);
    }
    if cli.abort {
        command.env("LOCKDEP_ABORT", "1");
    }
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2])
        .map_err(other("cannot catch signals"))?;
    let child = command.spawn().map_err(|error| Failure::Start(program.clone(), error))?;
    let target = Target::of(&child);
    let (ended, has_ended) = mpsc::channel();
    wait_for(child, ended);
    let mut reader = Reader::new(session);
    let unreadable = other("cannot read the session");
    let status = loop {
        let ended = has_ended.recv_timeout(PERIOD);
        signals.pending().for_each(|signal| forward(signal, &target));
        reader.read(&mut each).map_err(&unreadable)?;
        match ended {
            Ok(status) => break status.map_err(other("cannot wait for the command"))?,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Failure::Other("cannot wait for the command".to_owned()));
            }
        }
    };
    let outlived = loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            // The command has ended, so a signal is about this wait.
            Ok(None) if cli.wait && signals.pending().next().is_none() => {
                std::thread::sleep(PERIOD);
                reader.read(&mut each).map_err(&unreadable)?;
            }
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    reader.read_last(&mut each).map_err(&unreadable)?;
    let findings = reader.end().map_err(&unreadable)?;
    Ok(Outcome { status, outlived, findings })
}

/// Returns the names in a list, which are separated by commas. The library does the same.
pub fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').filter(|name| !name.is_empty())
}

/// The library as a file, which is there as long as this value.
struct Library {
    path: PathBuf,
    _file: Option<File>,
}

impl Library {
    /// Returns the library that the command line names, or puts the one that this program carries into memory.
    fn of(cli: &Cli) -> Result<Self, String> {
        if let Some(library) = &cli.library {
            let found = std::path::absolute(library).ok().filter(|path| path.is_file());
            let path = found.ok_or_else(|| format!("there is no library {}", library.display()))?;
            return Ok(Self { path, _file: None });
        }
        Self::in_memory()
            .map_err(|error| format!("cannot put the library into memory: {}", words(&error)))
    }

    fn in_memory() -> io::Result<Self> {
        let (mut file, path) = in_memory(LIBRARY_NAME)?;
        file.write_all(LIBRARY)?;
        Ok(Self { path: path.into(), _file: Some(file) })
    }
}

/// Makes a file in memory. Returns the path by which the command's processes open it.
fn in_memory(name: &str) -> io::Result<(File, String)> {
    let file = File::from(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?);
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    Ok((file, path))
}

/// Makes a session in memory. Returns the path by which the command's processes open it.
fn session(limit: u16) -> io::Result<(Session, String)> {
    let (file, path) = in_memory("lockdep")?;
    Ok((Session::create(file, usize::from(limit))?, path))
}

/// Returns `LD_PRELOAD` with our library before the others.
fn preload(library: &Path) -> OsString {
    let mut list = library.as_os_str().to_owned();
    if let Some(others) = std::env::var_os("LD_PRELOAD").filter(|others| !others.is_empty()) {
        list.push(OsStr::new(":"));
        list.push(others);
    }
    list
}

/// Waits for the command in a thread.
fn wait_for(mut child: Child, ended: mpsc::Sender<io::Result<ExitStatus>>) {
    std::thread::spawn(move || {
        // If nobody listens any more, this program ends.
        let _ = ended.send(child.wait());
    });
}

/// The process that signals are passed on to.
struct Target {
    pid: Pid,
    /// A descriptor of the process, so that no signal reaches another one that gets the number later. Linux has it since
    /// 5.3.
    descriptor: Option<OwnedFd>,
}

impl Target {
    /// Returns the command. Nobody has waited for it yet.
    fn of(child: &Child) -> Self {
        let pid = Pid::from_child(child);
        let descriptor = rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok();
        Self { pid, descriptor }
    }
}

/// Passes a signal on to the command. A terminal has sent its own to the command already.
fn forward(signal: i32, target: &Target) {
    let of_terminal = [SIGINT, SIGQUIT].contains(&signal) && is_in_foreground();
    if !of_terminal && let Some(signal) = Signal::from_named_raw(signal) {
        // It may have ended meanwhile.
        let _ = match &target.descriptor {
            Some(descriptor) => rustix::process::pidfd_send_signal(descriptor, signal),
            None => rustix::process::kill_process(target.pid, signal),
        };
    }
}

fn is_in_foreground() -> bool {
    let Ok(terminal) = File::open("/dev/tty") else { return false };
    rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}
