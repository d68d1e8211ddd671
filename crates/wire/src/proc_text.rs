//! The ioctl request by which our own programs read the texts that Linux shows below `/proc/asound`.
//!
//! A server in user space cannot add files to procfs, so the texts come through the device files. No Linux
//! driver has this request code: its type letter is not in `Documentation/userspace-api/ioctl/ioctl-number.rst`,
//! and Linux's `/dev/snd/seq` and `/dev/snd/timer` answer it with `ENOTTY`.
//!
//! A request code has 14 bits for the size of its argument, so a long text needs several requests. The
//! request for offset 0 takes a snapshot of the text; the next requests of the same open file return
//! pieces of that snapshot. The whole text therefore describes one instant, as on Linux.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Size of [`Piece::bytes`]: with the fields before it, a piece is one page.
pub const PIECE_SIZE: usize = 4096 - 16;

/// The request code, valid on both device files. The argument is a [`Piece`].
pub const PROC_TEXT: u32 = 0xd000_59a5;

/// The argument of the request: a question going in, a piece of text coming out.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct Piece {
    /// In: the [`ProcText::number`] of the text.
    pub text: u32,
    /// In: the offset of the piece in the text, in bytes. 0 takes a new snapshot.
    pub offset: u32,
    /// Out: size of the whole text, in bytes.
    pub total: u32,
    /// Out: size of this piece, in bytes. 0 at and after the end of the text.
    pub len: u32,
    /// Out: the piece. The text is UTF-8, but a piece may end within a character.
    pub bytes: [u8; PIECE_SIZE],
}

impl Piece {
    /// Returns the question for the piece at `offset` of the text with this number.
    #[must_use]
    pub const fn question(text: u32, offset: u32) -> Self {
        Self { text, offset, total: 0, len: 0, bytes: [0; PIECE_SIZE] }
    }
}

/// A text below `/proc/asound`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcText {
    /// Clients, ports and connections.
    Clients,
    /// The queues of the sequencer.
    Queues,
    /// The timers that the queues use.
    QueueTimers,
    /// All timers, and the programs that use them.
    Timers,
    /// The Linux release whose behaviour the server has. It is read by request only: programs do not see a file
    /// `/proc/asound/version`.
    Version,
}

impl ProcText {
    /// Every text that programs see as a file, in the order of the numbers.
    pub const ALL: [Self; 4] = [Self::Clients, Self::Queues, Self::QueueTimers, Self::Timers];

    /// Returns the number of the text in a request.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// Returns the text with this number.
    #[must_use]
    pub fn numbered(number: u32) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Version]).find(|text| text.number() == number)
    }

    /// Returns the path of the text below `/proc/asound`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clients => "seq/clients",
            Self::Queues => "seq/queues",
            Self::QueueTimers => "seq/timer",
            Self::Timers => "timers",
            Self::Version => "version",
        }
    }
}
