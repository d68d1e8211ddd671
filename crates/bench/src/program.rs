//! Starts programs: workers, which are this program with a task, and peers.

use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process;
use serde_json::Value;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Environment variable that tells a worker that its parent is a server of ours.
pub(super) const SERVED: &str = "ASEQD_BENCH_SERVED";

/// Runs a task without a sequencer, under SCHED_FIFO if `fifo` is set, and returns its answer.
pub(super) fn run_alone(fifo: bool, task: &[String]) -> Result<Value, Fail> {
    answer_of(&mut command(worker_words(task)?, fifo)?)
}

/// Runs a task without a sequencer, with one more environment variable, and returns its answer.
pub(super) fn run_alone_with(variable: (&str, &str), task: &[String]) -> Result<Value, Fail> {
    answer_of(command(worker_words(task)?, false)?.env(variable.0, variable.1))
}

/// Returns the command for a worker with this task. The kernel kills it when this process ends.
pub(super) fn worker_command(task: &[String]) -> Result<Command, Fail> {
    let mut command = command(worker_words(task)?, false)?;
    process::end_with_us(&mut command);
    Ok(command)
}

/// Returns a command of words, under SCHED_FIFO if `fifo` is set.
pub(super) fn command(
    words: impl IntoIterator<Item = OsString>,
    fifo: bool,
) -> Result<Command, Fail> {
    let mut words = with_policy(words, fifo)?.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).stdin(Stdio::null()).env_remove(SERVED);
    Ok(command)
}

/// Returns the words of a command, under SCHED_FIFO if `fifo` is set.
pub(super) fn with_policy(
    words: impl IntoIterator<Item = OsString>,
    fifo: bool,
) -> Result<Vec<OsString>, Fail> {
    let mut all: Vec<OsString> = match fifo {
        true => vec![own_program()?.into_os_string(), "bench-worker".into(), "fifo".into()],
        false => Vec::new(),
    };
    all.extend(words);
    Ok(all)
}

/// Runs a command and returns what it prints. If it fails, the error is what it says on standard error.
pub(super) fn output(command: &mut Command) -> Result<String, Fail> {
    let name = command.get_program().display().to_string();
    let output = command.stderr(Stdio::piped()).output().with_context(|| name.clone())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        // A worker of a worker fails first, and its message explains the others.
        let ours = said.lines().find_map(|line| line.strip_prefix("aseqd: "));
        let line = ours.or_else(|| said.lines().rev().find(|line| !line.trim().is_empty()));
        return Err(Fail::new(match line {
            None => format!("{name} ended with {}", output.status),
            Some(line) => line.to_owned(),
        }));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a worker and returns its answer.
pub(super) fn answer_of(command: &mut Command) -> Result<Value, Fail> {
    // The command must not outlive a bench that is interrupted.
    let text = output(process::end_with_us(command))?;
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).context("the answer of a worker cannot be read")
}

/// Returns the words that start a worker with this task.
pub(super) fn worker_words(task: &[String]) -> Result<Vec<OsString>, Fail> {
    let mut words = vec![own_program()?.into_os_string(), "bench-worker".into()];
    words.extend(task.iter().map(OsString::from));
    Ok(words)
}

/// Returns the path of this program.
pub(super) fn own_program() -> Result<PathBuf, Fail> {
    std::env::current_exe().context("the path of this program cannot be found")
}

/// Returns whether `PATH` has a program of this name.
pub(super) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
