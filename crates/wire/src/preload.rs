//! What the preloaded library and the server say to each other, and how a descriptor names its file.
//!
//! Over a connection of type `SEQPACKET` go a [`Request`] and bytes to the server, a [`Reply`] and bytes
//! back. The first message is a [`kind::HELLO`]: each side shows its half of the [`Secret`]. After it a
//! connection carries one call at a time, which is answered exactly once, also when it was interrupted.
//!
//! An open file is a pair of stream sockets. The program has one end, the server the other, which is
//! bound to a [`FileName`]: `getpeername(2)` on the program's end tells what it is, in every process that
//! came to it by whatever way. A name is no secret: every user sees it in `/proc/net/unix`. What only a
//! process with the descriptor knows is the file's [`FileKey`], which the server has left in two options
//! of the program's end. A connection shows it once ([`kind::KEY`]) before its first call on a file that
//! it did not open itself.
//!
//! What a poll of the program's end finds is arranged by bytes that lie
//! unread in the pair. One byte from the server is there as long as the file is readable; the library
//! takes it away when told so by [`Reply::take`]. As long as the file is not writable, the buffer of the
//! program's end is full of what the library has put there when told so by [`Reply::stuff`].

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Of this protocol. Library and server come in one program and have the same.
pub const VERSION: u32 = 2;

/// Names the server's socket to the library: a path, or an abstract name after `@`.
pub const SOCKET_VARIABLE: &str = "ASEQD_SOCKET";

/// Beside the socket: folders and files that stand for those of `/proc/asound` where a program lists them.
pub const STAND_INS: &str = "asound";

/// Holds the [`Secret`] of the run, as [`Secret::digits`].
pub const SECRET_VARIABLE: &str = "ASEQD_SECRET";

/// Is set to anything if there is a card, whose control device is the library's too.
pub const CARD_VARIABLE: &str = "ASEQD_CARD";

/// Bytes that one message carries beside its head.
pub const MAX_DATA: usize = 64 * 1024;

/// Bytes that one call may write; a longer write is several calls.
pub const MAX_WRITE: usize = 1024 * 1024;

/// Bytes that one read may bring: all events that a client can have unread.
pub const MAX_READ: usize = 56_000;

/// What a [`Request`] is.
pub mod kind {
    /// The first message; [`super::Request::code`] is the version, and [`super::Secret::program`]
    /// follows. Answered with a [`super::Welcome`], or with [`super::REFUSED`].
    pub const HELLO: u32 = 1;
    /// Opens the file of the node whose number is in [`super::Request::code`], for the directions in
    /// [`super::Request::access`]. The answer brings the descriptor.
    pub const OPEN: u32 = 2;
    /// The ioctl with that code; its argument follows.
    pub const IOCTL: u32 = 3;
    /// Reads at most [`super::Request::len`] bytes.
    pub const READ: u32 = 4;
    /// Writes the bytes that follow.
    pub const WRITE: u32 = 5;
    /// Wants the call back that is under way: it is answered at once. Has no answer of its own.
    pub const INTERRUPT: u32 = 6;
    /// Is answered when the server knows of every descriptor that was closed before.
    pub const SYNC: u32 = 7;
    /// Shows that this process has the file: its [`super::FileKey`] follows.
    pub const KEY: u32 = 8;
}

/// The device files, as numbers in [`Request::code`].
pub mod node {
    /// `/dev/snd/seq`
    pub const SEQUENCER: u32 = 0;
    /// `/dev/snd/timer`
    pub const TIMER: u32 = 1;
    /// `/dev/snd/controlC0`
    pub const CONTROL: u32 = 2;
}

/// Directions of a file, as `open(2)` numbers them.
pub mod access {
    /// For reading.
    pub const READ: u32 = 0;
    /// For writing.
    pub const WRITE: u32 = 1;
    /// For both.
    pub const BOTH: u32 = 2;
}

/// [`Request::flags`]: the descriptor has `O_NONBLOCK`.
pub const NONBLOCK: u32 = 1;
/// [`Request::flags`]: the bytes of this write go on in the next message.
pub const MORE: u32 = 2;

/// The head of a message to the server.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct Request {
    /// One of [`kind`].
    pub kind: u32,
    /// The number of the call, to be found in the answer.
    pub serial: u32,
    /// Which server's file: [`FileName::server`].
    pub server: u64,
    /// Which file: [`FileName::key`].
    pub file: u64,
    /// The thread that calls; 0 for the first thread of its process.
    pub thread: i32,
    /// [`NONBLOCK`], [`MORE`].
    pub flags: u32,
    /// By the kind.
    pub code: u32,
    /// One of [`access`].
    pub access: u32,
    /// By the kind.
    pub len: u64,
}

/// [`Reply::kind`]: the answer to a call.
pub const ANSWER: u32 = 1;
/// [`Reply::kind`]: something to do for a file whose call goes on waiting.
pub const ORDER: u32 = 2;
/// [`Reply::kind`]: this process is not served. The connection ends with it.
pub const REFUSED: u32 = 3;
/// [`Reply::kind`]: nothing was done, because this connection has not shown the key of the file. After a
/// [`kind::KEY`] the call can be made again.
pub const KEY_WANTED: u32 = 4;

/// The head of a message from the server.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct Reply {
    /// The number of the call.
    pub serial: u32,
    /// [`ANSWER`], [`ORDER`] or [`REFUSED`].
    pub kind: u32,
    /// What the call returns; negative: an error number.
    pub value: i64,
    /// Take so many bytes from the program's end.
    pub take: u32,
    /// Not 0: fill the buffer of the program's end.
    pub stuff: u32,
}

/// The error of a reply whose error number Linux cannot have: `EIO`.
const UNKNOWN: u16 = 5;

impl Reply {
    /// Returns what the call returns.
    ///
    /// # Errors
    /// The number of the error that the call fails with.
    pub fn result(&self) -> Result<u64, i32> {
        let errno = u16::try_from(self.value.unsigned_abs()).unwrap_or(UNKNOWN);
        u64::try_from(self.value).map_err(|_| i32::from(errno))
    }
}

/// Bytes of one half of a [`Secret`].
pub const SECRET_LEN: usize = 16;

/// What the programs of a run and its server know, and nobody else. It is in their environment, which
/// other users cannot read.
#[derive(Clone, Copy)]
pub struct Secret {
    /// What a program shows to the server.
    pub program: [u8; SECRET_LEN],
    /// What the server shows to a program that has shown its half.
    pub server: [u8; SECRET_LEN],
}

impl Secret {
    /// Digits of a secret in the environment.
    pub const DIGITS: usize = 4 * SECRET_LEN;

    /// From [`Secret::digits`].
    #[must_use]
    pub fn parse(digits: &[u8]) -> Option<Self> {
        if digits.len() != Self::DIGITS {
            return None;
        }
        let mut secret = Self { program: [0; SECRET_LEN], server: [0; SECRET_LEN] };
        let places = secret.program.iter_mut().chain(&mut secret.server);
        for (place, pair) in places.zip(digits.chunks_exact(2)) {
            *place = u8::try_from(number(pair)?).ok()?;
        }
        Some(secret)
    }

    /// In hexadecimal, the program's half first.
    #[must_use]
    pub fn digits(&self) -> [u8; Self::DIGITS] {
        let mut digits = [0; Self::DIGITS];
        let bytes = self.program.iter().chain(&self.server);
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            for (place, value) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *place = digit(value);
            }
        }
        digits
    }
}

/// Nothing of it: what is printed may be read by anybody.
impl core::fmt::Debug for Secret {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("Secret").finish_non_exhaustive()
    }
}

/// Compares in a time that does not depend on where the two differ.
#[must_use]
pub fn is_same_secret(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |bits, (one, other)| bits | (one ^ other));
    one.len() == other.len() && core::hint::black_box(differing) == 0
}

/// What follows the answer to a [`kind::HELLO`].
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct Welcome {
    /// [`Secret::server`]
    pub proof: [u8; SECRET_LEN],
    /// [`FileName::server`] of this server's files.
    pub server: u64,
}

/// What only a process with the descriptor of a file knows: the receive and the send timeout of the
/// program's end, in seconds, which nothing else uses. Both are random.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct FileKey {
    /// `SO_RCVTIMEO`
    pub receive: u64,
    /// `SO_SNDTIMEO`
    pub send: u64,
}

impl FileKey {
    /// Random bits of each half. The kernel keeps timeouts in ticks of at most 1,000 a second, in a
    /// signed number of 64 bits: 53 bits of seconds would be too many.
    pub const BITS: u32 = 50;
}

/// What the server's end of a file is bound to: an abstract name of readable characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileName {
    /// A number that no other server has.
    pub server: u64,
    /// The number of the file, which is never given again.
    pub key: u64,
    /// Random, so that nobody can take the name before the server does.
    pub nonce: u64,
    /// One of [`access`].
    pub access: u32,
    /// One of [`node`].
    pub node: u32,
}

/// Begins every [`FileName`], behind the zero of an abstract name.
const PREFIX: [u8; 6] = *b"aseqd/";
const DIGITS: usize = 16;

impl FileName {
    /// Bytes of a name, without the zero that begins an abstract one.
    pub const LEN: usize = PREFIX.len() + 3 * (DIGITS + 1) + 2;

    /// The characters, without the zero.
    #[must_use]
    pub fn bytes(&self) -> [u8; Self::LEN] {
        let access = match self.access {
            access::READ => b'r',
            access::WRITE => b'w',
            _ => b'b',
        };
        let node = match self.node {
            node::TIMER => b't',
            node::CONTROL => b'c',
            _ => b's',
        };
        let whole = PREFIX
            .into_iter()
            .chain(hexadecimal(self.server))
            .chain([b'/'])
            .chain(hexadecimal(self.key))
            .chain([b'/'])
            .chain(hexadecimal(self.nonce))
            .chain([b'/', access, node]);
        let mut bytes = [0; Self::LEN];
        for (place, byte) in bytes.iter_mut().zip(whole) {
            *place = byte;
        }
        bytes
    }

    /// From the characters; none if they are no name of a file.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&PREFIX)?;
        let (server, rest) = rest.split_at_checked(DIGITS)?;
        let (key, rest) = rest.strip_prefix(b"/")?.split_at_checked(DIGITS)?;
        let (nonce, rest) = rest.strip_prefix(b"/")?.split_at_checked(DIGITS)?;
        let [access, node] = rest.strip_prefix(b"/")? else { return None };
        let access = match access {
            b'r' => access::READ,
            b'w' => access::WRITE,
            b'b' => access::BOTH,
            _ => return None,
        };
        let node = match node {
            b's' => node::SEQUENCER,
            b't' => node::TIMER,
            b'c' => node::CONTROL,
            _ => return None,
        };
        let (server, key, nonce) = (number(server)?, number(key)?, number(nonce)?);
        Some(Self { server, key, nonce, access, node })
    }
}

fn hexadecimal(number: u64) -> impl Iterator<Item = u8> {
    (0..DIGITS).rev().map(move |place| {
        let value = (number >> (4 * place)) & 15;
        digit(u8::try_from(value).unwrap_or(0))
    })
}

const fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + (value - 10) }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}
