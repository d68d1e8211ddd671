//! Errors of commands: a sentence for people. Each caller can put before it what failed.

use aseqd_abi::Errno;
use aseqd_client::Device;
use std::any::Any;
use std::fmt;
use std::io;

/// Error numbers of a FUSE mount whose server has ended, from `errno.h`.
const GONE: [i32; 2] = [libc::ENOTCONN, libc::ECONNABORTED];

/// What to do when the sequencer has ended.
const ENDED: &str =
    "the sequencer has ended; start `aseqd serve` again, or run this under `aseqd run -- CMD`";

/// A failure, as one sentence.
#[derive(Debug)]
pub struct Fail(String);

impl Fail {
    /// Makes a failure of its sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// Returns the failure for a sequencer whose server, or kernel module, is gone.
    #[must_use]
    pub fn ended() -> Self {
        Self::new(ENDED)
    }
}

impl fmt::Display for Fail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fail {}

/// Puts what failed before the reason.
pub trait Context<T> {
    /// Turns an error into the failure `what: why`.
    ///
    /// # Errors
    /// If this is an error.
    fn context(self, what: &str) -> Result<T, Fail>;

    /// Turns an error into the failure `what: why`, with a `what` that is only computed then.
    ///
    /// # Errors
    /// If this is an error.
    fn with_context(self, what: impl FnOnce() -> String) -> Result<T, Fail>;
}

impl<T, E: fmt::Display + 'static> Context<T> for Result<T, E> {
    fn context(self, what: &str) -> Result<T, Fail> {
        self.map_err(|error| Fail(format!("{what}: {}", reason(&error))))
    }

    fn with_context(self, what: impl FnOnce() -> String) -> Result<T, Fail> {
        self.map_err(|error| Fail(format!("{}: {}", what(), reason(&error))))
    }
}

impl From<aseqd_client::Error> for Fail {
    /// Makes a failure of the same sentence, and of what to do where that is known.
    fn from(error: aseqd_client::Error) -> Self {
        use aseqd_client::Error as Of;
        match error {
            Of::Ended { .. } => Self::ended(),
            Of::EventsLost
            | Of::IsPacket
            | Of::Unsupported { .. }
            | Of::NoPort { .. }
            | Of::AmbiguousPort { .. }
            | Of::BadSelector { .. } => Self(error.to_string()),
            error => Self(format!("{}: {}", error.what(), of_client(&error))),
        }
    }
}

/// Returns an error in words, whatever its type: numbers of the operating system become sentences.
pub fn reason<E: fmt::Display + 'static>(error: &E) -> String {
    let any: &dyn Any = error;
    if let Some(error) = any.downcast_ref::<aseqd_client::Error>() {
        return of_client(error);
    }
    if let Some(errno) = any.downcast_ref::<Errno>() {
        return of_device(*errno);
    }
    let number = any
        .downcast_ref::<rustix::io::Errno>()
        .map(|errno| errno.raw_os_error())
        .or_else(|| any.downcast_ref::<io::Error>()?.raw_os_error());
    number.map_or_else(|| error.to_string(), of_number)
}

/// Returns why a call of a client failed, without what was tried.
fn of_client(error: &aseqd_client::Error) -> String {
    let Some(errno) = error.errno() else { return error.to_string() };
    match error {
        aseqd_client::Error::Open { device, .. } => match errno {
            Errno::ENOENT | Errno::ENODEV | Errno::ENXIO => format!(
                "there is no {device}; run this under `aseqd run -- CMD`, or start `aseqd serve`"
            ),
            Errno::EACCES => {
                "permission denied; join the group that may open it, often `audio`".to_owned()
            }
            Errno::ENOMEM if *device == Device::Sequencer => {
                "all client numbers are taken".to_owned()
            }
            errno => of_number(errno.0.into()),
        },
        aseqd_client::Error::Unsupported { needs, .. } => (*needs).to_owned(),
        _ => of_device(errno),
    }
}

/// Returns an error number of an open device in words.
fn of_device(errno: Errno) -> String {
    // Through the preload door, and of a kernel module that is unloaded.
    if errno == Errno::ENODEV {
        return ENDED.to_owned();
    }
    of_number(errno.0.into())
}

/// Returns a number of `errno.h` in words.
fn of_number(number: i32) -> String {
    if GONE.contains(&number) {
        return ENDED.to_owned();
    }
    u16::try_from(number).map_or_else(
        |_| io::Error::from_raw_os_error(number).to_string(),
        |number| aseqd_client::describe(Errno(number)),
    )
}

/// Replaces control characters but line ends, which a terminal would obey. Other users choose the names of files and
/// processes that are part of messages.
#[must_use]
pub fn harmless(message: &str) -> String {
    message.chars().map(|c| if c.is_control() && c != '\n' { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_sentence_whoever_gives_it() {
        for number in [libc::EPERM, libc::ENOENT, libc::ENOTCONN, libc::EIO, libc::ENOSPC, 4095] {
            let ours = Errno(u16::try_from(number).unwrap());
            let expected = reason(&ours);
            assert_eq!(reason(&rustix::io::Errno::from_raw_os_error(number)), expected);
            assert_eq!(reason(&io::Error::from_raw_os_error(number)), expected);
            assert!(!expected.contains("os error") && !expected.starts_with("errno"), "{expected}");
        }
        assert_eq!(reason(&Errno::ENOENT), "no such file or directory");
        assert_eq!(reason(&io::Error::other("Its Own")), "Its Own");
        // The module of a static node, such as /dev/fuse, is missing: no sequencer has ended.
        assert_eq!(reason(&rustix::io::Errno::NODEV), "no such device");
    }

    #[test]
    fn a_name_in_a_message_gives_a_terminal_no_orders() {
        let name = "\u{1b}]0;title\u{7}\u{9b}31m\r.mid";
        assert_eq!(harmless(name), "?]0;title??31m?.mid");
        assert_eq!(harmless("two\nlines: \u{e9} \u{266a}"), "two\nlines: \u{e9} \u{266a}");
    }

    #[test]
    fn a_server_that_is_gone_says_what_to_do() {
        for number in [libc::ENOTCONN, libc::ECONNABORTED, libc::ENODEV] {
            let failed: Result<(), Errno> = Err(Errno(u16::try_from(number).unwrap()));
            let said = failed.context("events cannot be sent").unwrap_err().to_string();
            assert!(said.starts_with("events cannot be sent: the sequencer has ended"), "{said}");
            assert!(said.contains("aseqd serve") && said.contains("aseqd run"), "{said}");
        }
    }
}
