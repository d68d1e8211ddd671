//! Runs the commands that build reproducers, and the reproducers: each has a time limit.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a command has done.
#[derive(Clone, Debug)]
pub(super) struct Output {
    /// How it ended; nothing if its time was over.
    pub(super) status: Option<ExitStatus>,
    /// All that it printed.
    pub(super) text: String,
}

impl Output {
    /// Returns whether it ended with success.
    pub(super) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// Maximum time for what builds a reproducer: a busy machine compiles the engine in minutes.
pub(super) const BUILD: Duration = Duration::from_secs(900);
/// Maximum time for a reproducer that is run, and has no library but libc. It waits a second at most.
pub(super) const RUN: Duration = Duration::from_secs(60);

/// Runs a command, in a group of processes of its own that is killed when the time is over.
///
/// # Errors
/// A message for people if it cannot be started.
pub(super) fn output(command: &mut Command, time: Duration) -> Result<Output, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let wrong = |error: std::io::Error| format!("{name}: {error}");
    // A file takes whatever is printed, also by a process that outlives the command.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("seqfuzz-out-{}-{number}", std::process::id()));
    let file =
        fs::File::create_new(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let more = file.try_clone().map_err(wrong)?;
    command.stdin(Stdio::null()).stdout(file).stderr(more).process_group(0);
    let child = command.spawn();
    let status = child.map_err(wrong).and_then(|mut child| wait(&mut child, time).map_err(wrong));
    let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
    let _gone = fs::remove_file(&path);
    Ok(Output { status: status?, text })
}

/// The next number of a file for what a command prints.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Waits for the end of a process; kills it and its children when the time is over.
fn wait(child: &mut Child, time: Duration) -> std::io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() > time {
            let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
            if let Some(group) = group {
                let _gone_perhaps =
                    rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            // A process that sleeps in the kernel for ever stays; nobody waits for it.
            let killed = Instant::now();
            while killed.elapsed() < Duration::from_secs(2) && child.try_wait()?.is_none() {
                std::thread::sleep(Duration::from_millis(20));
            }
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::output;
    use std::process::Command;
    use std::time::{Duration, Instant};

    #[test]
    fn a_command_and_its_children_end_with_their_time() {
        let began = Instant::now();
        let mut command = Command::new("sh");
        command.args(["-c", "echo told; sleep 600 & sleep 600"]);
        let ran = output(&mut command, Duration::from_secs(1)).expect("it starts");
        assert_eq!((ran.status, ran.text.as_str()), (None, "told\n"));
        assert!(began.elapsed() < Duration::from_secs(300));
        let failed = output(
            Command::new("sh").args(["-c", "echo why >&2; exit 3"]),
            Duration::from_secs(300),
        );
        let failed = failed.expect("it starts");
        assert_eq!(
            (failed.status.and_then(|status| status.code()), failed.text.as_str()),
            (Some(3), "why\n")
        );
        assert!(output(&mut Command::new("/nowhere/cc"), Duration::from_secs(1)).is_err());
    }
}
