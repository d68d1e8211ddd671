//! `aseqd serve --rules`: `aseqd rules run` as a child of the server. It is a client like any other.

use crate::cli::ServeArgs;
use aseqd_host::error::Fail;
use std::path::Path;

#[cfg(feature = "tools")]
use {
    aseqd_console::say,
    aseqd_host::error::reason,
    aseqd_host::process::{end_with_us, with_all_signals},
    rustix::process::{Pid, Signal, kill_process},
    std::path::PathBuf,
    std::process::{Child, Command, Stdio},
    std::time::{Duration, Instant},
};

/// How long the child has to end after SIGTERM. It takes milliseconds.
#[cfg(feature = "tools")]
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// The files of rules that are wanted, if any are.
pub(super) struct Rules {
    #[cfg(feature = "tools")]
    wanted: Option<Vec<PathBuf>>,
}

/// The child.
pub(super) struct Running {
    #[cfg(feature = "tools")]
    child: Option<Child>,
}

#[cfg(not(feature = "tools"))]
impl Rules {
    pub(super) fn of(_args: &ServeArgs) -> Result<Self, Fail> {
        Ok(Self {})
    }

    pub(super) fn start(&self, _device: &Path) -> Running {
        Running {}
    }
}

#[cfg(not(feature = "tools"))]
impl Running {
    pub(super) fn stop(&self) {}

    pub(super) fn finish(self) {}
}

#[cfg(feature = "tools")]
impl Rules {
    /// Returns the rules of the command line.
    ///
    /// # Errors
    /// A message if the files have mistakes.
    pub(super) fn of(args: &ServeArgs) -> Result<Self, Fail> {
        let wanted = args.rules.as_ref().map(|file| file.iter().cloned().collect::<Vec<_>>());
        if let Some(files) = &wanted {
            aseqd_tools::rules::verify(files)?;
        }
        Ok(Self { wanted })
    }

    /// Starts the child, if rules are wanted. A server without them is better than none.
    pub(super) fn start(&self, device: &Path) -> Running {
        let Some(files) = &self.wanted else { return Running { child: None } };
        let program = std::env::current_exe().unwrap_or_else(|_| "aseqd".into());
        let mut command = Command::new(program);
        command.args(["rules", "run", "--device"]).arg(device).stdin(Stdio::null());
        // The service is the server.
        command.env_remove("NOTIFY_SOCKET");
        for file in files {
            command.arg("--rules").arg(file);
        }
        let started = end_with_us(with_all_signals(&mut command)).spawn();
        if let Err(error) = &started {
            say(&format_args!("`aseqd rules run` cannot be started: {}", reason(error)));
        }
        Running { child: started.ok() }
    }
}

#[cfg(feature = "tools")]
impl Running {
    /// Tells the child to end. It may need the server for that, or its end.
    pub(super) fn stop(&self) {
        if let Some(child) = &self.child {
            let _ended = kill_process(Pid::from_child(child), Signal::TERM);
        }
    }

    /// Waits for the end of the child, and kills it when that takes too long.
    pub(super) fn finish(self) {
        let Some(mut child) = self.child else { return };
        let end = Instant::now() + END_TIMEOUT;
        while let Ok(None) = child.try_wait() {
            if Instant::now() > end {
                let _ended = child.kill();
                let _reaped = child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
