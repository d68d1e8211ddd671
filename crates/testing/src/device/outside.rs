//! The process that waits for a test.

use super::output;
use super::report::{Progress, Report, VARIABLE};
use super::show;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// The name under which the test program is aseqd.
#[cfg(feature = "run")]
pub(super) const ARG0: &str = "aseqd";

/// Names the program to use instead.
const PROGRAM: &str = "ASEQD";

/// How long to wait for the end of the output after the test's process has ended. A process that the test has left
/// behind may keep the output open for ever.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);

/// Runs a test in a sequencer, and returns if it has passed.
///
/// # Panics
/// With the message of the test if it has panicked; otherwise with a reason.
pub(super) fn run(name: &str, options: &str, should_panic: bool) {
    let ended = Report::new().map_err(|error| format!("no report can be made: {}", reason(&error)));
    let ended = ended.and_then(|report| {
        let status = start_and_wait(name, options, &report)?;
        let progress = report.progress();
        let progress =
            progress.map_err(|error| format!("the report cannot be read: {}", reason(&error)))?;
        Ok((status, progress))
    });
    let failure = match ended {
        // The process has printed this message.
        Ok((_, Progress::Panicked(message))) => message,
        Ok((status, progress)) => match judge(name, status, &progress, should_panic) {
            None => return,
            Some(why) => print_it(why),
        },
        Err(why) => print_it(format!("the test cannot be started in a sequencer: {why}")),
    };
    // The hook of a panic would print the message again, with a place that is not the test's.
    std::panic::resume_unwind(Box::new(failure));
}

fn print_it(failure: String) -> String {
    eprintln!("{failure}");
    failure
}

/// Returns why a test has failed; `None` if it has not.
fn judge(
    name: &str,
    status: ExitStatus,
    progress: &Progress,
    should_panic: bool,
) -> Option<String> {
    Some(match progress {
        Progress::Panicked(message) => message.clone(),
        Progress::Ended if status.success() => return None,
        // The harness says what it expected.
        Progress::Ended if should_panic => return None,
        Progress::Ended => "the test has returned an error, which is printed above".to_owned(),
        Progress::Begun => {
            format!("the process of the test ended before the test did: {}", describe(status))
        }
        Progress::NotBegun if status.success() => format!(
            "the test program knows no test named {name}. `#[aseqd_testing::test]` needs cargo's test harness, and \
             stands above attributes that rename tests"
        ),
        Progress::NotBegun => format!(
            "the test was not started in a sequencer: {}. The reason is printed above; `aseqd doctor` says what this \
             machine lacks",
            describe(status)
        ),
    })
}

/// Describes how a process under `aseqd run` has ended.
fn describe(status: ExitStatus) -> String {
    let named = |number: i32| {
        let name = match number {
            2 => " (SIGINT)",
            4 => " (SIGILL)",
            6 => " (SIGABRT)",
            7 => " (SIGBUS)",
            8 => " (SIGFPE)",
            9 => " (SIGKILL)",
            11 => " (SIGSEGV)",
            13 => " (SIGPIPE)",
            15 => " (SIGTERM)",
            _ => "",
        };
        format!("signal {number}{name}")
    };
    match (status.code(), status.signal()) {
        (_, Some(signal)) => named(signal),
        // `aseqd run` and shells say so.
        (Some(code @ 129..=192), _) => named(code - 128),
        (Some(code), _) => format!("exit status {code}"),
        (None, None) => status.to_string(),
    }
}

/// Starts the test program under aseqd, passes its output on, and waits for its end.
fn start_and_wait(name: &str, options: &str, report: &Report) -> Result<ExitStatus, String> {
    let own = std::env::current_exe();
    let own = own.map_err(|error| {
        format!("the path of the test program is not known: {}", reason(&error))
    })?;
    let (mut command, program) = aseqd(own.as_os_str());
    command.arg("run").args(options.split_whitespace()).arg("--").arg(&own);
    command.args(["--exact", name, "--include-ignored", "--nocapture", "--test-threads=1"]);
    command.env(VARIABLE, report.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        let advice = match (cfg!(feature = "run"), error.kind()) {
            (false, io::ErrorKind::NotFound) => {
                ": install aseqd, name it in ASEQD, or enable the feature `run` of aseqd-testing"
            }
            _ => "",
        };
        format!("{}: {}{advice}", show(&program), reason(&error))
    })?;
    let output = output::forward(&mut child);
    let output = output.map_err(|error| format!("no thread can be started: {}", reason(&error)))?;
    let status = child
        .wait()
        .map_err(|error| format!("its end cannot be waited for: {}", reason(&error)))?;
    if output.recv_timeout(OUTPUT_GRACE) == Err(RecvTimeoutError::Timeout) {
        eprintln!("a process that the test has left behind keeps its output open");
    }
    Ok(status)
}

/// Returns an error without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

/// Returns the command that is aseqd, and its program.
fn aseqd(own: &OsStr) -> (Command, OsString) {
    match std::env::var_os(PROGRAM).filter(|program| !program.is_empty()) {
        Some(program) => (Command::new(&program), program),
        None => unnamed(own),
    }
}

/// Returns the aseqd that the test program carries.
#[cfg(feature = "run")]
fn unnamed(own: &OsStr) -> (Command, OsString) {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(own);
    command.arg0(ARG0);
    (command, own.to_owned())
}

/// Returns the installed aseqd.
#[cfg(not(feature = "run"))]
fn unnamed(_own: &OsStr) -> (Command, OsString) {
    (Command::new("aseqd"), OsString::from("aseqd"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_what_happened() {
        let judged = |status: i32, progress, should_panic| {
            judge("a::test", ExitStatus::from_raw(status << 8), &progress, should_panic)
        };
        assert_eq!(judged(0, Progress::Ended, false), None);
        let panicked = || Progress::Panicked("no!".to_owned());
        assert_eq!(judged(101, panicked(), false).as_deref(), Some("no!"));
        // The harness inside was content, and that outside must see the same panic.
        assert_eq!(judged(0, panicked(), true).as_deref(), Some("no!"));
        // The one outside says that nothing panicked.
        assert_eq!(judged(101, Progress::Ended, true), None);
        assert!(judged(101, Progress::Ended, false).is_some_and(|why| why.contains("an error")));
        for (status, words) in [(139, "signal 11 (SIGSEGV)"), (3, "exit status 3")] {
            let why = judged(status, Progress::Begun, false).expect("a failure");
            assert!(why.ends_with(words), "{why}");
        }
        let why = judged(0, Progress::NotBegun, false).expect("a failure");
        assert!(why.contains("no test named a::test"), "{why}");
        let why = judged(127, Progress::NotBegun, false).expect("a failure");
        assert!(why.contains("exit status 127") && why.contains("aseqd doctor"), "{why}");
    }
}
