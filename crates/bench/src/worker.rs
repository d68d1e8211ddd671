//! The command `aseqd bench-worker`, which the bench starts with one task. It is not for people. The last line that
//! a worker prints is its answer, in JSON.

use super::task::Words;
use super::{call, fanout, idle, lateness, link, playing, rates, recording, timer};
use aseqd_console::print;
use aseqd_host::error::{Fail, reason};
use serde_json::Value;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Time after which a worker gives up, so that a task that hangs does not stop the bench. The longest takes a few
/// seconds.
const TASK_TIMEOUT: Duration = Duration::from_secs(30);
/// Priority of tasks under SCHED_FIFO: below the kernel's interrupt threads, which have 50.
const FIFO_PRIORITY: i32 = 49;

/// A program of the bench
#[derive(clap::Args, Debug)]
pub struct WorkerArgs {
    /// Task and its parameters
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub task: Vec<String>,
}

/// Runs one task and prints its answer.
///
/// # Errors
///
/// If the task is unknown or fails. The bench shows the message instead of figures.
pub fn main(args: &WorkerArgs) -> Result<ExitCode, Fail> {
    let mut words = Words::new(&args.task);
    let task = words.word()?;
    if task == "fifo" {
        return Err(under_fifo(&words.rest()));
    }
    std::thread::spawn(|| {
        std::thread::sleep(TASK_TIMEOUT);
        eprintln!("aseqd: a bench worker did not end within {TASK_TIMEOUT:?}");
        std::process::exit(1);
    });
    let answer: Value = match task.as_str() {
        "lateness" => lateness::worker(&mut words)?,
        "timer" => timer::worker(&mut words)?,
        "send" => link::send(&mut words)?,
        "receive" => link::receive(&mut words)?,
        "call" => call::worker(&mut words)?,
        "fanout" => fanout::worker(&mut words)?,
        "rates" => rates::worker(&mut words)?,
        "idle" => idle::worker(&mut words)?,
        "recording" => recording::worker(&mut words)?,
        "play" => playing::worker(&mut words)?,
        other => return Err(Fail::new(format!("the bench has no task {other}"))),
    };
    print(&format!("{answer}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Replaces this process by a command under SCHED_FIFO. It returns only if that fails.
fn under_fifo(words: &[String]) -> Fail {
    if let Err(error) = aseqd_host::realtime::schedule_descendants(FIFO_PRIORITY) {
        return Fail::new(format!("SCHED_FIFO is not permitted: {}", reason(&error)));
    }
    let [program, arguments @ ..] = words else { return Fail::new("no command") };
    Fail::new(format!("{program}: {}", Command::new(program).args(arguments).exec()))
}
