//! The doors through which the programs of the bench get to a sequencer, and how such a program is
//! started: `aseqd run -- aseqd bench-worker TASK ...`, as any program would be.

use super::row::Side;
use aseqd_client::{Client, DEVICE};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process;
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Set for programs that have a server of ours as their parent.
pub(super) const SERVED: &str = "ASEQD_BENCH_SERVED";

/// A way to a sequencer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) name: &'static str,
    pub(super) side: Side,
    way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `aseqd run` with these options.
    Run(&'static [&'static str]),
    /// The device file of this machine.
    Device,
}

/// The doors of `aseqd run`.
const OURS: &[Door] = &[
    Door { name: "FUSE", side: Side::Ours, way: Way::Run(&["--via=fuse"]) },
    Door { name: "hand-over", side: Side::Ours, way: Way::Run(&["--via=handover"]) },
    Door { name: "preload", side: Side::Ours, way: Way::Run(&["--via=preload"]) },
    Door { name: "trap", side: Side::Ours, way: Way::Run(&["--via=trap"]) },
];

/// The kernel's sequencer.
const KERNEL: Door = Door { name: "/dev/snd/seq", side: Side::Kernel, way: Way::Device };

impl Door {
    /// Every door that can be measured.
    pub(super) fn all(against_device: bool) -> Vec<Self> {
        let kernel = against_device.then_some(KERNEL);
        OURS.iter().copied().chain(kernel).collect()
    }

    /// Why it cannot be used on this machine, if so.
    pub(super) fn trouble(self) -> Option<String> {
        if let Way::Device = self.way {
            return Client::open(Path::new(DEVICE), "aseqd bench").err().map(|why| why.to_string());
        }
        match self.start(&[], ["true"].map(OsString::from)) {
            Ok(mut command) => output(&mut command).err().map(|why| why.to_string()),
            Err(why) => Some(why.to_string()),
        }
    }

    /// Does a program that comes in here have a server whose cost can be measured?
    pub(super) fn has_server(self) -> bool {
        matches!(self.way, Way::Run(_))
    }

    /// A command that has this sequencer.
    pub(super) fn start(
        self,
        options: &[OsString],
        words: impl IntoIterator<Item = OsString>,
    ) -> Result<Command, Fail> {
        let own = own_program()?;
        let mut all = Vec::new();
        if let Way::Run(more) = self.way {
            all.extend([own.into_os_string(), "run".into()]);
            all.extend(more.iter().map(OsString::from).chain(options.iter().cloned()));
            all.push("--".into());
        }
        all.extend(words);
        let mut command = command(all, false)?;
        if self.has_server() {
            command.env(SERVED, "1");
        }
        Ok(command)
    }

    /// What a task of the bench has found out in this sequencer, itself under SCHED_FIFO if `fifo` says so.
    pub(super) fn run(
        self,
        options: &[OsString],
        fifo: bool,
        task: &[String],
    ) -> Result<Value, Fail> {
        answer(&mut self.start(options, words(worker_words(task)?, fifo)?)?)
    }
}

/// What a task of the bench has found out without any sequencer.
pub(super) fn run_alone(fifo: bool, task: &[String]) -> Result<Value, Fail> {
    answer(&mut command(worker_words(task)?, fifo)?)
}

/// The same, with a variable in the task's environment.
pub(super) fn run_alone_with(variable: (&str, &str), task: &[String]) -> Result<Value, Fail> {
    answer(command(worker_words(task)?, false)?.env(variable.0, variable.1))
}

/// This program as a worker with this task.
pub(super) fn worker(task: &[String]) -> Result<Command, Fail> {
    let mut command = command(worker_words(task)?, false)?;
    process::end_with_us(&mut command);
    Ok(command)
}

/// A command of words, under SCHED_FIFO if `fifo` says so.
pub(super) fn command(
    words: impl IntoIterator<Item = OsString>,
    fifo: bool,
) -> Result<Command, Fail> {
    let mut words = self::words(words, fifo)?.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).stdin(Stdio::null()).env_remove(SERVED);
    Ok(command)
}

fn words(words: impl IntoIterator<Item = OsString>, fifo: bool) -> Result<Vec<OsString>, Fail> {
    let mut all: Vec<OsString> = match fifo {
        true => vec![own_program()?.into_os_string(), "bench-worker".into(), "fifo".into()],
        false => Vec::new(),
    };
    all.extend(words);
    Ok(all)
}

/// What a command prints; its failure is what it says on standard error.
pub(super) fn output(command: &mut Command) -> Result<String, Fail> {
    let name = command.get_program().display().to_string();
    let output = command.stderr(Stdio::piped()).output().with_context(|| name.clone())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        // What failed first made the rest fail: a worker of a worker says its error before.
        let ours = said.lines().find_map(|line| line.strip_prefix("aseqd: "));
        let line = ours.or_else(|| said.lines().rev().find(|line| !line.trim().is_empty()));
        return Err(Fail::new(match line {
            None => format!("{name} ended with {}", output.status),
            Some(line) => line.to_owned(),
        }));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn answer(command: &mut Command) -> Result<Value, Fail> {
    // A bench that is interrupted leaves nobody behind.
    let text = output(process::end_with_us(command))?;
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).context("a worker's answer")
}

fn worker_words(task: &[String]) -> Result<Vec<OsString>, Fail> {
    let mut words = vec![own_program()?.into_os_string(), "bench-worker".into()];
    words.extend(task.iter().map(OsString::from));
    Ok(words)
}

fn own_program() -> Result<PathBuf, Fail> {
    std::env::current_exe().context("this program has no path")
}
