//! `aseqd report`: gets what the flight recorder of a server has.

use aseqd_client::{Access, Errno, Error, OpenOptions};
use aseqd_console::{DeviceArg, print};
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_recording::Header;
use aseqd_replay::replayer::Replayer;
use aseqd_replay::rewrite::Rewriter;
use aseqd_replay::scrub::Scrubber;
use aseqd_replay::step::Step;
use std::fs::{File, OpenOptions as Options, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How many reports of one process id a folder may have.
const MOST_OF_ONE_NAME: u32 = 10_000;

/// Get what the flight recorder of a server has
///
/// Writes what `aseqd serve --flight-recorder` has kept to a file that only its owner can read: a recording, which
/// `aseqd replay` runs again. The server goes on. Only root and the user of the server get it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0, 1 if there is no report or it cannot be written, 2 for wrong usage.

Examples:
  sudo aseqd report
  aseqd report --device ~/seq/seq bug.aseq && aseqd replay --check bug.aseq
  aseqd report --scrub - | gzip > bug.aseq.gz")]
pub struct ReportArgs {
    /// Write it to FILE, to a new file in it if it is a folder, or to standard output if it is - [default: a new file in
    /// the folder for temporary files, whose path is printed]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Take out names, the data of System Exclusive messages and the time of day. The music stays. It fails once the
    /// flight recorder is full: what it keeps begins with the state of the sequencer then, which has names
    #[arg(long)]
    pub scrub: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Runs `aseqd report`.
///
/// # Errors
/// A message if there is no report for this user, or it cannot be scrubbed or written.
pub fn main(args: &ReportArgs) -> Result<ExitCode, Fail> {
    let path = &args.device.device;
    let device = OpenOptions::new().access(Access::Write).open_file(path)?;
    let report = aseqd_client::report(device.as_fd());
    let mut report = report.map_err(|error| Fail::new(refused(path, &error)))?;
    // Programs see its client no longer than necessary.
    drop(device);
    if args.scrub {
        report = scrubbed(&report)?;
    }
    write(args.file.as_deref(), &report)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns why there is no report.
fn refused(device: &Path, error: &Error) -> String {
    let device = device.display();
    match error.errno() {
        Some(Errno::ENOTTY) => {
            format!("{device} has no flight recorder: it is not served by this version of aseqd")
        }
        Some(Errno::ENODATA) => {
            format!("{device} has no flight recorder: start `aseqd serve` with --flight-recorder")
        }
        Some(Errno::EPERM) => {
            format!("only root and the user that serves {device} get a report")
        }
        Some(Errno::EBUSY) => format!("another program gets a report of {device} now"),
        Some(Errno::EIO) => format!("the flight recorder of {device} has ended: the log says why"),
        _ => format!("{device}: {error}"),
    }
}

/// Returns a recording without what is private.
fn scrubbed(report: &[u8]) -> Result<Vec<u8>, Fail> {
    let failed = |why: &str| Fail::new(format!("the report cannot be scrubbed: {why}"));
    let mut replayer = Replayer::new(report).map_err(|error| failed(&error.to_string()))?;
    if replayer.state().is_some() {
        return Err(failed(
            "it begins with the state of a server that ran already, which has names; \
             `aseqd serve --record FILE` records from the start",
        ));
    }
    // Without the time of day.
    let header = Header::new(replayer.header().config);
    let mut rewriter = Rewriter::new(Vec::new(), &header, replayer.engine().clone(), None)
        .context("the report cannot be scrubbed")?;
    let mut scrubber = Scrubber::new();
    while let Some(played) = replayer.step().map_err(|error| failed(&error.to_string()))? {
        let mut step = Step { at: played.at, action: played.action.clone() };
        scrubber.scrub(&mut step.action);
        rewriter.push(&step).context("the report cannot be scrubbed")?;
    }
    rewriter.finish().context("the report cannot be scrubbed")
}

/// Writes a report where it is asked for, and prints the path of a new file.
fn write(to: Option<&Path>, report: &[u8]) -> Result<(), Fail> {
    if to.is_some_and(|to| to.as_os_str() == "-") {
        let mut out = io::stdout().lock();
        return match out.write_all(report).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Fail::new(format!("standard output cannot be written: {}", reason(&error))))
            }
            _ => Ok(()),
        };
    }
    let temporary = std::env::temp_dir();
    let to = to.unwrap_or(&temporary);
    let cannot = |path: &Path| format!("{} cannot be written", path.display());
    if to.is_dir() {
        let (mut file, path) = create_in(to).with_context(|| cannot(to))?;
        file.write_all(report).with_context(|| cannot(&path))?;
        return print(&format!("{}\n", path.display()));
    }
    let written = || -> io::Result<()> {
        let mut file = options().create(true).truncate(true).open(to)?;
        // One that was there may be readable for others.
        if file.metadata()?.is_file() {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        file.write_all(report)
    };
    written().with_context(|| cannot(to))
}

/// Makes a new file in a folder. Returns its path as well.
fn create_in(folder: &Path) -> io::Result<(File, PathBuf)> {
    let process = std::process::id();
    for number in 1..MOST_OF_ONE_NAME {
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("aseqd-report-{process}{number}.aseq"));
        match options().create_new(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return Ok((made?, path)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn options() -> Options {
    let mut options = File::options();
    options.write(true).mode(0o600);
    options
}
