//! What can go wrong: what was tried, and the error number of the device.

use aseqd_abi::Errno;
use aseqd_selector::{Ambiguous, BadSelector, Port, nearest, printable};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Numbers that say that nobody serves an open device file any more, from `errno.h`: `ENODEV` (a kernel module
/// was unloaded), `ENOTCONN` and `ECONNABORTED` (a server in user space has ended).
const GONE: [Errno; 3] = [Errno::ENODEV, Errno(107), Errno(103)];

/// The result of a call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call of this crate failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::error_impl_error,
    reason = "the crate's only error: users write `aseqd_client::Error`"
)]
pub enum Error {
    /// The device file cannot be opened.
    #[non_exhaustive]
    Open {
        /// What was expected there.
        device: Device,
        /// The file.
        path: PathBuf,
        /// `ENOENT` or `ENODEV` if there is no such device, `EACCES` if this user may not open it, `ENOMEM` if
        /// all client numbers are taken.
        errno: Errno,
    },
    /// The file is open, but it is not such a device.
    #[non_exhaustive]
    WrongDevice {
        /// What was expected there.
        device: Device,
        /// The file.
        path: PathBuf,
        /// What the file answered: mostly `ENOTTY`.
        errno: Errno,
    },
    /// The device refused a call.
    #[non_exhaustive]
    Call {
        /// What cannot be done, as the beginning of a sentence: `ports cannot be listed`.
        what: &'static str,
        /// The device's answer.
        errno: Errno,
    },
    /// The device does not offer this: the kernel is too old, or was built without it.
    #[non_exhaustive]
    Unsupported {
        /// What cannot be done, as the beginning of a sentence.
        what: &'static str,
        /// What it takes.
        needs: &'static str,
    },
    /// A text of `/proc/asound` cannot be read: a container, for example, may have the kernel's devices without it.
    #[non_exhaustive]
    ProcText {
        /// The file.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
    /// All events that were unread are lost, because the input pool of this client was too small for the next one. The
    /// next read returns what arrives from here on.
    EventsLost,
    /// The next thing to read is a UMP packet, which is no event: [`Client::receive`](crate::Client::receive) returns it.
    IsPacket,
    /// The device has ended: its server, or the kernel's module, is gone.
    #[non_exhaustive]
    Ended {
        /// Which device it was.
        device: Device,
    },
    /// No port has this name or number.
    #[non_exhaustive]
    NoPort {
        /// What was looked for.
        wanted: String,
        /// The ports that exist.
        ports: Vec<Port>,
    },
    /// The name means several ports.
    #[non_exhaustive]
    AmbiguousPort {
        /// What was looked for.
        wanted: String,
        /// The ports that it may mean.
        ports: Vec<Port>,
    },
    /// The text is no [`Selector`](crate::Selector): a regular expression or a class in it is wrong.
    #[non_exhaustive]
    BadSelector {
        /// The text.
        wanted: String,
        /// What is wrong with it.
        why: String,
    },
}

/// A device file of this interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// `/dev/snd/seq`
    Sequencer,
    /// `/dev/snd/timer`
    Timer,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sequencer => "sequencer",
            Self::Timer => "timer device",
        })
    }
}

impl From<BadSelector> for Error {
    fn from(BadSelector { wanted, why }: BadSelector) -> Self {
        Self::BadSelector { wanted, why }
    }
}

impl From<Ambiguous> for Error {
    fn from(Ambiguous { wanted, ports }: Ambiguous) -> Self {
        Self::AmbiguousPort { wanted, ports }
    }
}

impl Error {
    /// Returns the error of a call, for a [`DeviceFile`](crate::DeviceFile) of your own.
    #[must_use]
    pub const fn new(what: &'static str, errno: Errno) -> Self {
        Self::Call { what, errno }
    }

    /// An error of a call, for [`Result::map_err`].
    pub(crate) fn of(what: &'static str) -> impl FnOnce(Errno) -> Self {
        move |errno| Self::Call { what, errno }
    }

    /// Returns what failed, without why.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::Open { path, .. } => format!("{} cannot be opened", path.display()),
            Self::WrongDevice { device, path, .. } => {
                format!("{} is not a {device}", path.display())
            }
            Self::Call { what, .. } | Self::Unsupported { what, .. } => (*what).to_owned(),
            Self::ProcText { path, .. } => format!("{} cannot be read", path.display()),
            Self::EventsLost => "events were lost".to_owned(),
            Self::IsPacket => "the next event is a UMP packet".to_owned(),
            Self::Ended { device } => format!("the {device} has ended"),
            Self::NoPort { wanted, .. } => format!("there is no port {wanted}"),
            Self::AmbiguousPort { wanted, .. } => format!("{wanted} means more than one port"),
            Self::BadSelector { wanted, .. } => format!("{wanted} is no selector of ports"),
        }
    }

    /// Returns the error number of the device, if the device gave one: `ENOSPC` for [`Error::EventsLost`].
    #[must_use]
    pub const fn errno(&self) -> Option<Errno> {
        match self {
            Self::Open { errno, .. }
            | Self::WrongDevice { errno, .. }
            | Self::ProcText { errno, .. }
            | Self::Call { errno, .. } => Some(*errno),
            Self::EventsLost => Some(Errno::ENOSPC),
            Self::Ended { .. } => Some(Errno::ENODEV),
            Self::Unsupported { .. } => Some(Errno::ENOTTY),
            Self::NoPort { .. }
            | Self::AmbiguousPort { .. }
            | Self::BadSelector { .. }
            | Self::IsPacket => None,
        }
    }

    /// Returns whether the device of an open file has ended. No later call on the file succeeds.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        match self {
            Self::Ended { .. } => true,
            Self::Call { errno, .. } => GONE.contains(errno),
            _ => false,
        }
    }

    /// Returns whether the call has to wait and must not: there is no room for an event (`EAGAIN`).
    #[must_use]
    pub fn would_block(&self) -> bool {
        matches!(self, Self::Call { errno: Errno::EAGAIN, .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what())?;
        match self {
            Self::EventsLost => f.write_str(": they came faster than they were read"),
            Self::Ended { .. } | Self::IsPacket => Ok(()),
            Self::Unsupported { needs, .. } => write!(f, ": {needs}"),
            Self::NoPort { wanted, ports } => {
                if let Some(near) = nearest(wanted, ports) {
                    write!(f, " (did you mean {}?)", printable(near))?;
                }
                write!(f, "; {}", list(ports))
            }
            Self::AmbiguousPort { ports, .. } => write!(f, "; {}", list(ports)),
            Self::BadSelector { why, .. } => write!(f, ": {why}"),
            Self::Open { errno, .. }
            | Self::WrongDevice { errno, .. }
            | Self::ProcText { errno, .. }
            | Self::Call { errno, .. } => write!(f, ": {}", describe(*errno)),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    /// An error of the kind of the error number, with this error inside.
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::EventsLost | Error::IsPacket => io::ErrorKind::Other,
            Error::Unsupported { .. } => io::ErrorKind::Unsupported,
            Error::NoPort { .. } => io::ErrorKind::NotFound,
            Error::AmbiguousPort { .. } | Error::BadSelector { .. } => io::ErrorKind::InvalidInput,
            error => {
                let errno = error.errno().unwrap_or(Errno::EIO);
                Self::from_raw_os_error(errno.0.into()).kind()
            }
        };
        Self::new(kind, error)
    }
}

/// Returns the C library's words for an error number: `no such file or directory`.
#[must_use]
pub fn describe(errno: Errno) -> String {
    // Without the number and the capital that Rust gives them.
    let text = io::Error::from_raw_os_error(errno.0.into()).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    let capital = text.chars().nth(1).is_some_and(char::is_lowercase);
    match letters.next() {
        Some(first) if capital => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

/// Returns a sentence that names ports.
pub(crate) fn list(ports: &[Port]) -> String {
    match ports {
        [] => "no port exists".to_owned(),
        ports => {
            let names: Vec<_> = ports.iter().map(Port::to_string).collect();
            format!("there are {}", names.join(", "))
        }
    }
}

/// Returns the number of an error of the operating system.
pub(crate) fn errno(error: rustix::io::Errno) -> Errno {
    Errno(u16::try_from(error.raw_os_error()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_failed_and_why() {
        let path = PathBuf::from("/dev/snd/seq");
        let open = Error::Open { device: Device::Sequencer, path, errno: Errno::EACCES };
        assert_eq!(open.to_string(), "/dev/snd/seq cannot be opened: permission denied");
        let call = Error::Call { what: "ports cannot be listed", errno: Errno::EIO };
        assert_eq!(call.to_string(), "ports cannot be listed: input/output error");
        assert_eq!(call.what(), "ports cannot be listed");
        let unsupported =
            Error::Unsupported { what: "packets cannot be sent", needs: "it takes X" };
        assert_eq!(unsupported.to_string(), "packets cannot be sent: it takes X");
        let none = Error::NoPort { wanted: "x".to_owned(), ports: Vec::new() };
        assert_eq!(none.to_string(), "there is no port x; no port exists");
        assert_eq!(none.errno(), None);
    }

    #[test]
    fn an_error_keeps_its_kind_and_itself_in_one_of_io() {
        let call = Error::Call { what: "an event cannot be sent", errno: Errno::EAGAIN };
        assert!(call.would_block() && !call.is_ended());
        let io = io::Error::from(call.clone());
        assert_eq!(io.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(io.get_ref().and_then(|inner| inner.downcast_ref()), Some(&call));
        assert_eq!(io::Error::from(Error::EventsLost).kind(), io::ErrorKind::Other);
    }

    #[test]
    fn a_device_that_is_gone_is_told_from_one_that_refuses() {
        for number in [19, 103, 107] {
            let gone = Error::Call { what: "events cannot be read", errno: Errno(number) };
            assert!(gone.is_ended(), "{gone}");
        }
        let path = PathBuf::from("/dev/snd/seq");
        let none = Error::Open { device: Device::Sequencer, path, errno: Errno::ENODEV };
        assert!(!none.is_ended(), "it never was there");
    }
}
