//! `aseqd serve --rules` and `--web`: `aseqd rules run` and `aseqd web` as children of the server. They are clients like
//! any other.

use crate::cli::ServeArgs;
use aseqd_host::error::Fail;
use std::path::Path;

#[cfg(feature = "tools")]
use {
    aseqd_console::say,
    aseqd_host::error::reason,
    aseqd_host::process::{end_with_us, with_all_signals},
    rustix::process::{Pid, Signal, kill_process},
    std::ffi::OsString,
    std::process::{Child, Command, Stdio},
    std::time::{Duration, Instant},
};

/// How long the children have to end after SIGTERM. It takes milliseconds.
#[cfg(feature = "tools")]
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// The commands that are wanted beside the server.
pub(super) struct Companions {
    /// The words of each command, without the device.
    #[cfg(feature = "tools")]
    wanted: Vec<Vec<OsString>>,
}

/// The children.
pub(super) struct Running {
    #[cfg(feature = "tools")]
    children: Vec<Child>,
}

#[cfg(not(feature = "tools"))]
impl Companions {
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
impl Companions {
    /// Returns those of the command line.
    ///
    /// # Errors
    /// A message if the files of rules have mistakes.
    pub(super) fn of(args: &ServeArgs) -> Result<Self, Fail> {
        let mut wanted = Vec::new();
        if let Some(file) = &args.rules {
            let files: Vec<_> = file.iter().cloned().collect();
            aseqd_tools::rules::verify(&files)?;
            let mut words = vec!["rules".into(), "run".into()];
            words.extend(
                files.into_iter().flat_map(|file| ["--rules".into(), file.into_os_string()]),
            );
            wanted.push(words);
        }
        #[cfg(feature = "web")]
        if let Some(address) = args.web {
            let mut words: Vec<OsString> =
                vec!["web".into(), "--listen".into(), address.to_string().into()];
            // The page changes the rules that hold.
            words.extend(
                args.rules
                    .iter()
                    .flatten()
                    .flat_map(|file| ["--rules".into(), file.clone().into_os_string()]),
            );
            if let Some(file) = &args.token_file {
                words.extend(["--token-file".into(), file.clone().into_os_string()]);
            }
            wanted.push(words);
        }
        Ok(Self { wanted })
    }

    /// Starts the children. A server without one of them is better than none.
    pub(super) fn start(&self, device: &Path) -> Running {
        let program = std::env::current_exe().unwrap_or_else(|_| "aseqd".into());
        let mut children = Vec::new();
        for words in &self.wanted {
            let mut command = Command::new(&program);
            command.args(words).arg("--device").arg(device).stdin(Stdio::null());
            // The service is the server.
            command.env_remove("NOTIFY_SOCKET");
            match end_with_us(with_all_signals(&mut command)).spawn() {
                Ok(child) => children.push(child),
                Err(error) => {
                    let name = words.first().map(|name| name.to_string_lossy().into_owned());
                    let name = name.unwrap_or_default();
                    say(&format_args!("`aseqd {name}` cannot be started: {}", reason(&error)));
                }
            }
        }
        Running { children }
    }
}

#[cfg(feature = "tools")]
impl Running {
    /// Tells the children to end. They may need the server for that, or its end.
    pub(super) fn stop(&self) {
        for child in &self.children {
            let _ended = kill_process(Pid::from_child(child), Signal::TERM);
        }
    }

    /// Waits for the end of the children, and kills them when that takes too long.
    pub(super) fn finish(self) {
        let end = Instant::now() + END_TIMEOUT;
        for mut child in self.children {
            while let Ok(None) = child.try_wait() {
                if Instant::now() > end {
                    let _ended = child.kill();
                    let _reaped = child.wait();
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}
