//! The request by which our own programs, and the preloaded library, ask for the texts that Linux shows
//! below `/proc/asound`. It is no part of the kernel's interface: no driver of Linux has this code.

use crate::ioctl::{READ, WRITE, ioc};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of text in one answer: with what stands before them, one page.
pub const PIECE: usize = 4096 - 16;

/// The request, on both device files; the argument is a [`Piece`].
pub const TEXT: u32 = ioc(READ | WRITE, b'Y', 0xa5, size_of::<Piece>());

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
