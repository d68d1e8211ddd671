//! The request by which our own programs ask for the texts that Linux shows below `/proc/asound`.
//!
//! A file system cannot add to procfs, so the texts come through the device files. No driver of Linux
//! has this code: the type letter stands in no line of `Documentation/userspace-api/ioctl/ioctl-number.rst`,
//! and `/dev/snd/seq` and `/dev/snd/timer` answer it there with `ENOTTY`.
//!
//! A text is longer than one answer can be, whose size has 14 bits in a code. The first piece, at
//! offset 0, takes the text as it is at that moment; the pieces that the same open file asks for next
//! are of that text. So what is put together was true at one instant, as what Linux prints into an
//! open file of procfs.

pub use aseqd_abi::text::{PIECE, Piece, TEXT};

/// A text below `/proc/asound`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Clients, ports and connections.
    Clients,
    /// Queues of the sequencer.
    Queues,
    /// The timers that these queues use.
    QueueTimers,
    /// All timers, and who is bound to them.
    Timers,
}

impl Text {
    /// Every text, in the order of the numbers.
    pub const ALL: [Self; 4] = [Self::Clients, Self::Queues, Self::QueueTimers, Self::Timers];

    /// Its number in the request.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The text with that number.
    #[must_use]
    pub fn numbered(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|text| text.number() == number)
    }

    /// Its name below `/proc/asound`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clients => "seq/clients",
            Self::Queues => "seq/queues",
            Self::QueueTimers => "seq/timer",
            Self::Timers => "timers",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_says_how_large_the_argument_is_and_is_nobodys() {
        assert_eq!(aseqd_abi::ioctl::size(TEXT), 4096);
        assert_eq!(TEXT, 0xd000_59a5);
    }

    #[test]
    fn numbers_name_texts() {
        for text in Text::ALL {
            assert_eq!(Text::numbered(text.number()), Some(text));
        }
        assert_eq!(Text::numbered(4), None);
    }
}
