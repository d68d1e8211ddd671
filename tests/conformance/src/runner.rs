//! Runs cases, each in a process of its own.

use crate::case::{Case, Skip};
use crate::cases;
use crate::release::Release;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The fact holds.
    Pass,
    /// The fact does not hold. The text is what was seen.
    Fail(String),
    /// The case cannot be checked here, for this reason.
    Skip(String),
    /// The case is known to fail, for this reason.
    Known(String),
}

/// Exit status of a process whose case was skipped.
const STATUS_SKIPPED: u8 = 77;

/// Runs a case in this process.
pub(crate) fn run_one(name: &str) -> ExitCode {
    let Some(case) = cases::all().find(|case| case.full_name() == name) else {
        eprintln!("no case {name}");
        return ExitCode::from(2);
    };
    match catch_unwind(case.check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(payload) => match payload.downcast_ref::<Skip>() {
            Some(Skip(reason)) => {
                println!("{reason}");
                ExitCode::from(STATUS_SKIPPED)
            }
            // The panic has been printed.
            None => ExitCode::FAILURE,
        },
    }
}

/// Runs a case in a process of its own, which is killed at the deadline, unless the release has another behaviour.
/// The devices are those of the sequencer and of the timer.
pub(crate) fn run(
    case: &Case,
    release: Release,
    deadline: Duration,
    [device, timer]: [&str; 2],
) -> Outcome {
    if !(case.since..case.until).contains(&release) {
        return Outcome::Skip(format!("not the behaviour of Linux {release}"));
    }
    let program = std::env::current_exe().unwrap_or_else(|_| "conformance".into());
    let child = Command::new(program)
        .args(["--device", device, "--timer", timer, "--exact", &case.full_name()])
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return Outcome::Fail(format!("cannot start: {error}")),
    };
    let end = Instant::now() + deadline;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_micros(500)),
            _ => {
                let _gone = child.kill();
                // Waiting could take for ever: a process that hangs in the kernel cannot be killed.
                let _reaped = child.try_wait();
                break None;
            }
        }
    };
    let Some(status) = status else {
        return Outcome::Fail(format!("no end within {deadline:?}"));
    };
    let text = |stream: Option<&mut dyn std::io::Read>| {
        let mut bytes = Vec::new();
        if let Some(stream) = stream {
            // A grandchild may hold the stream open: reads what is there, and no more.
            let _partial = stream.take(64 * 1024).read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).trim().to_owned()
    };
    match status.code() {
        Some(0) => Outcome::Pass,
        Some(code) if code == i32::from(STATUS_SKIPPED) => {
            Outcome::Skip(text(child.stdout.as_mut().map(|s| s as &mut dyn std::io::Read)))
        }
        _ => Outcome::Fail(text(child.stderr.as_mut().map(|s| s as &mut dyn std::io::Read))),
    }
}

/// Cases that are known to fail, with reasons.
#[derive(Debug, Default)]
pub(crate) struct Known(BTreeMap<String, String>);

impl Known {
    /// Returns the outcome with regard to the list: a known failure does not count as one, and a case that is listed and
    /// passes fails.
    pub(crate) fn judge(&self, case: &Case, outcome: Outcome) -> Outcome {
        match (self.0.get(&case.full_name()), outcome) {
            (Some(reason), Outcome::Fail(_)) => Outcome::Known(reason.clone()),
            (Some(_), Outcome::Pass) => {
                Outcome::Fail("is listed as known to fail, and passes".into())
            }
            (_, outcome) => outcome,
        }
    }

    /// Returns the names in the list that are no cases.
    pub(crate) fn strangers(&self) -> Vec<&str> {
        let known = |name: &&String| !cases::all().any(|case| case.full_name() == **name);
        self.0.keys().filter(known).map(String::as_str).collect()
    }
}

/// Reads a list of known failures.
pub(crate) fn read_known(path: &Path) -> Result<Known, String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let entries = lines.map(|line| match line.split_once(' ') {
        Some((name, reason)) if !reason.trim().is_empty() => {
            Ok((name.to_owned(), reason.trim().to_owned()))
        }
        _ => Err(format!("{}: no reason: {line}", path.display())),
    });
    entries.collect::<Result<_, _>>().map(Known)
}
