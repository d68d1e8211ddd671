//! The process in which the body of a test runs.

use super::report::Reporter;
use rustix::stdio::dup2_stdout;
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::panic::PanicHookInfo;
use std::path::Path;

thread_local! {
    /// The message of this thread's last panic.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Standard output and the report, from the start of the process until the test begins.
#[derive(Debug)]
pub(super) struct Prepared {
    reporter: Reporter,
    stdout: OwnedFd,
    null: File,
}

impl Prepared {
    /// Opens the report, and keeps standard output for the test: what the harness prints before and after it goes to
    /// `/dev/null`.
    pub(super) fn new(report: &Path) -> io::Result<Self> {
        let reporter = Reporter::open(report)?;
        let null = OpenOptions::new().write(true).open("/dev/null")?;
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        dup2_stdout(&null)?;
        Ok(Self { reporter, stdout, null })
    }

    /// Begins the test.
    pub(super) fn begin(mut self) -> Inside {
        // What the harness has printed without a newline.
        let _lost = io::stdout().flush();
        let _kept = dup2_stdout(&self.stdout);
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            LAST_PANIC.set(Some(message(info)));
            others(info);
        }));
        self.reporter.begun();
        Inside(Some(self))
    }
}

/// A test that runs. Its end is reported when this is dropped.
#[derive(Debug)]
pub struct Inside(Option<Prepared>);

impl Inside {
    /// Returns a test that nobody waits for outside.
    pub(super) const fn here() -> Self {
        Self(None)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let Some(Prepared { reporter, null, .. }) = &mut self.0 else { return };
        let _lost = io::stdout().flush();
        let _kept = dup2_stdout(null);
        if std::thread::panicking() {
            let message = LAST_PANIC.take();
            // `resume_unwind` calls no hook.
            reporter.panicked(message.as_deref().unwrap_or("the test panicked without a message"));
        } else {
            reporter.ended();
        }
    }
}

fn message(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("the test panicked with a value that is no text").to_owned()
}
