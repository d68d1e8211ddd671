//! Why a run cannot begin or go on.

use std::ffi::OsString;
use std::{fmt, io};

/// Why a run cannot begin or go on.
#[expect(clippy::error_impl_error, reason = "callers write `vtime::Error`")]
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The system does not let this process trace others.
    Refused(io::Error),
    /// A command does not exist.
    NotFound(OsString),
    /// A command cannot be executed.
    NotExecutable(OsString, io::Error),
    /// The world failed.
    World(io::Error),
    /// A system call failed that does not fail in ordinary circumstances.
    System(&'static str, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(
                to,
                "virtual time needs ptrace, which is refused here ({}). Allow it: --cap-add SYS_PTRACE or another \
                 seccomp profile for a container, /proc/sys/kernel/yama/ptrace_scope below 3, no debugger or strace \
                 around this command",
                reason(why)
            ),
            Self::NotFound(program) => write!(to, "no such command: {}", program.display()),
            Self::NotExecutable(program, why) => {
                write!(to, "{} cannot be executed: {}", program.display(), reason(why))
            }
            Self::World(why) => write!(to, "the server failed: {}", reason(why)),
            Self::System(what, why) => write!(to, "{what}: {}", reason(why)),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(why)
            | Self::NotExecutable(_, why)
            | Self::World(why)
            | Self::System(_, why) => Some(why),
            Self::NotFound(_) => None,
        }
    }
}

/// Returns an error's text without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
