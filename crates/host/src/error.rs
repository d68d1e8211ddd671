//! Errors of the program: a sentence for people, grown on the way up.

use std::any::Any;
use std::fmt;
use std::io;

/// Numbers by which a FUSE mount says that nobody serves it any more, from `errno.h`.
const GONE: [i32; 2] = [libc::ENOTCONN, libc::ECONNABORTED];

/// What to do where the sequencer was lost.
const ENDED: &str =
    "the sequencer has ended; start `aseqd serve` again, or run this under `aseqd run -- CMD`";

/// Why something could not be done, in one sentence.
#[derive(Debug)]
pub struct Fail(String);

impl Fail {
    /// A failure with its sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// The server of the sequencer, or its kernel module, went away.
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

/// Says what failed, before why.
pub trait Context<T> {
    /// `what: why`.
    ///
    /// # Errors
    /// The failure, if it is one.
    fn context(self, what: &str) -> Result<T, Fail>;

    /// `what: why`, where `what` is computed.
    ///
    /// # Errors
    /// The failure, if it is one.
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

/// An error in words, whatever it is: numbers of the operating system become sentences.
pub fn reason<E: fmt::Display + 'static>(error: &E) -> String {
    let any: &dyn Any = error;
    let of_device = any.downcast_ref::<aseqd_abi::Errno>().map(|errno| i32::from(errno.0));
    // Of a sequencer that is open: through the preload door, and of a kernel module that is unloaded.
    if of_device == Some(libc::ENODEV) {
        return ENDED.to_owned();
    }
    let number = of_device
        .or_else(|| any.downcast_ref::<rustix::io::Errno>().map(|errno| errno.raw_os_error()))
        .or_else(|| any.downcast_ref::<io::Error>()?.raw_os_error());
    number.map_or_else(|| error.to_string(), of_number)
}

/// A number of `errno.h` in words.
fn of_number(number: i32) -> String {
    if GONE.contains(&number) {
        return ENDED.to_owned();
    }
    // The C library's words, without the number and the capital that Rust gives them.
    let text = io::Error::from_raw_os_error(number).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    let capital = text.chars().nth(1).is_some_and(char::is_lowercase);
    match letters.next() {
        Some(first) if capital => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

/// Replaces what a terminal would obey instead of show: names of files and of processes, which are part of
/// messages, are made by others. Only ends of lines stay.
#[must_use]
pub fn harmless(message: &str) -> String {
    message.chars().map(|c| if c.is_control() && c != '\n' { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::Errno;

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
