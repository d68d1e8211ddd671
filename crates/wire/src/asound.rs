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

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of text in one answer: with what stands before them, one page.
pub const PIECE: usize = 4096 - 16;

/// The request, on both device files; the argument is a [`Piece`].
pub const TEXT: u32 = 0xd000_59a5;

/// What is asked, and the answer.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct Piece {
    /// In: which text: `seq/clients`, `seq/queues`, `seq/timer`, `timers`, from 0.
    pub text: u32,
    /// In: the byte of the text at which the piece begins; 0 takes the text anew.
    pub offset: u32,
    /// Out: bytes of the whole text.
    pub total: u32,
    /// Out: bytes of this piece; 0 at and behind the end.
    pub len: u32,
    /// Out: the piece, UTF-8 that may be cut within a character.
    pub bytes: [u8; PIECE],
}

impl Piece {
    /// The question for a piece of the text with that number.
    #[must_use]
    pub const fn question(text: u32, offset: u32) -> Self {
        Self { text, offset, total: 0, len: 0, bytes: [0; PIECE] }
    }
}

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
