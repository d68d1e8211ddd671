//! The messages between the preloaded library and the server, and how a file descriptor names its file.
//!
//! A connection is a socket of type `SOCK_SEQPACKET`. Each message to the server is a [`Request`] followed by
//! bytes; each message back is a [`Reply`] followed by bytes. The first request is [`kind::HELLO`], by
//! which each side shows its half of the [`Secret`]. Then a connection carries one call at a time. Every
//! call is answered exactly once, even if it was interrupted.
//!
//! An open file is a pair of stream sockets. The program has one end. The server has the other end, which
//! is bound to a [`FileName`], so `getpeername(2)` on the program's end tells which file it is, in any
//! process that has got the descriptor. A name is not secret: every user can see it in `/proc/net/unix`.
//! The [`FileKey`] is secret: the server stores it in two socket options of the program's end, where only
//! a process with the descriptor can read it. A connection shows the key once ([`kind::KEY`]) before its
//! first call on a file that it did not open itself.
//!
//! Unread bytes in the pair make `poll(2)` on the program's end report the state of the file. While the file
//! is readable, one byte from the server waits there; the library removes it when [`Reply::take`] says so.
//! While the file is not writable, the send buffer of the program's end is full; the library fills it
//! when [`Reply::stuff`] says so.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The version of this protocol. Library and server are built together, so theirs is the same.
pub const VERSION: u32 = 3;

/// The environment variable with the name of the server's socket: a path, or an abstract name after `@`.
pub const SOCKET_VARIABLE: &str = "ASEQD_SOCKET";

/// The folder beside the socket whose files a program sees when it lists `/proc/asound`.
pub const STAND_INS: &str = "asound";

/// The environment variable with the [`Secret`] of the run, written as [`Secret::digits`].
pub const SECRET_VARIABLE: &str = "ASEQD_SECRET";

/// The environment variable that is set, to any value, if the run has a card. The library then serves the
/// card's control device as well.
pub const CARD_VARIABLE: &str = "ASEQD_CARD";

/// Maximum number of bytes in a message after its head.
pub const MAX_DATA: usize = 64 * 1024;

/// Maximum number of bytes that one call writes. The library splits a longer write into several calls.
pub const MAX_WRITE: usize = 1024 * 1024;

/// Maximum number of bytes that one read returns: all events that a client can have unread.
pub const MAX_READ: usize = 56_000;

/// Values of [`Request::kind`](super::preload::Request::kind).
pub mod kind {
    /// The first message. [`super::Request::code`] is the version, and [`super::Secret::program`] follows.
    /// The answer is a [`super::Welcome`], or [`super::REFUSED`].
    pub const HELLO: u32 = 1;
    /// Opens the device file whose [`super::node`] is in [`super::Request::code`], for the directions in
    /// [`super::Request::access`]. The descriptor comes with the answer.
    pub const OPEN: u32 = 2;
    /// Makes the ioctl whose code is in [`super::Request::code`]. Its argument follows. If it creates a
    /// user-driven timer, the descriptor comes with the answer.
    pub const IOCTL: u32 = 3;
    /// Reads at most [`super::Request::len`] bytes.
    pub const READ: u32 = 4;
    /// Writes the bytes that follow.
    pub const WRITE: u32 = 5;
    /// Interrupts the call that is waiting, which is then answered at once. Has no answer of its own.
    pub const INTERRUPT: u32 = 6;
    /// Asks for an answer once the server has noticed every descriptor that was closed before, and that this connection's threads
    /// have done what they were told.
    pub const SYNC: u32 = 7;
    /// Proves that this process has the file. The [`super::FileKey`] follows.
    pub const KEY: u32 = 8;
}

/// The device files, as numbers in [`Request::code`](super::preload::Request::code) of an open.
pub mod node {
    /// `/dev/snd/seq`
    pub const SEQUENCER: u32 = 0;
    /// `/dev/snd/timer`
    pub const TIMER: u32 = 1;
    /// `/dev/snd/controlC0`
    pub const CONTROL: u32 = 2;
    /// A user-driven timer. Programs do not open it: `CREATE` of `/dev/snd/timer` makes it.
    pub const USER_TIMER: u32 = 3;
}

/// The directions in which a file is open, as `open(2)` numbers them.
pub mod access {
    /// For reading.
    pub const READ: u32 = 0;
    /// For writing.
    pub const WRITE: u32 = 1;
    /// For both.
    pub const BOTH: u32 = 2;
}

/// Flag in [`Request::flags`]: the descriptor has `O_NONBLOCK`.
pub const NONBLOCK: u32 = 1;
/// Flag in [`Request::flags`]: the next message continues the bytes of this write.
pub const MORE: u32 = 2;

/// The head of a message to the server.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct Request {
    /// One of [`kind`].
    pub kind: u32,
    /// The number of the call, which the answer repeats.
    pub serial: u32,
    /// The server of the file: [`FileName::server`].
    pub server: u64,
    /// The file: [`FileName::key`].
    pub file: u64,
    /// The calling thread; 0 for the first thread of its process.
    pub thread: i32,
    /// [`NONBLOCK`], [`MORE`].
    pub flags: u32,
    /// Depends on the kind: a version, a node or an ioctl code.
    pub code: u32,
    /// One of [`access`].
    pub access: u32,
    /// Depends on the kind: the size of a read or a write, in bytes.
    pub len: u64,
}

/// Value of [`Reply::kind`]: this is the answer to a call.
pub const ANSWER: u32 = 1;
/// Value of [`Reply::kind`]: the library has something to do for a file, while its call goes on waiting.
pub const ORDER: u32 = 2;
/// Value of [`Reply::kind`]: the server does not serve this process, and closes the connection.
pub const REFUSED: u32 = 3;
/// Value of [`Reply::kind`]: the server did nothing, because this connection has not shown the key of the
/// file. The library sends a [`kind::KEY`] and makes the call again.
pub const KEY_WANTED: u32 = 4;

/// The head of a message from the server.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct Reply {
    /// The number of the call.
    pub serial: u32,
    /// [`ANSWER`], [`ORDER`], [`REFUSED`] or [`KEY_WANTED`].
    pub kind: u32,
    /// What the call returns, or an error number with a minus sign.
    pub value: i64,
    /// How many bytes the library takes from the program's end.
    pub take: u32,
    /// Whether the library fills the send buffer of the program's end; 0 for no.
    pub stuff: u32,
}

/// Stands for an error number that Linux cannot have: `EIO`.
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

/// Size of one half of a [`Secret`], in bytes.
pub const SECRET_LEN: usize = 16;

/// The secret by which the programs of a run and its server know each other.
///
/// It is in their environment, which other users cannot read.
#[derive(Clone, Copy)]
pub struct Secret {
    /// The half that a program shows to the server.
    pub program: [u8; SECRET_LEN],
    /// The half that the server shows to a program which has shown its own.
    pub server: [u8; SECRET_LEN],
}

impl Secret {
    /// Number of digits of a secret in the environment.
    pub const DIGITS: usize = 4 * SECRET_LEN;

    /// Parses [`Secret::digits`]. Returns `None` if the bytes are not the digits of a secret.
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

    /// Returns the secret in hexadecimal, the program's half first.
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

/// Prints nothing of the secret, since anybody may read what is printed.
impl core::fmt::Debug for Secret {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("Secret").finish_non_exhaustive()
    }
}

/// Returns whether two secrets are the same, in a time that does not depend on where they differ.
#[must_use]
pub fn is_same_secret(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |bits, (one, other)| bits | (one ^ other));
    one.len() == other.len() && core::hint::black_box(differing) == 0
}

/// The bytes that follow the answer to a [`kind::HELLO`].
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct Welcome {
    /// [`Secret::server`], by which the program knows the server.
    pub proof: [u8; SECRET_LEN],
    /// The [`FileName::server`] of this server's files.
    pub server: u64,
}

/// Two random numbers that prove that a process has the descriptor of a file.
///
/// They are the receive and the send timeout of the program's end, in seconds. Nothing else uses these.
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
    /// Number of random bits in each timeout.
    ///
    /// The kernel keeps a timeout as a signed number of 64 bits that counts ticks, up to 1,000 a second: 53
    /// bits of seconds would be too many.
    pub const BITS: u32 = 50;
}

/// The abstract socket name, in readable characters, to which the server's end of a file is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileName {
    /// A number that no other server has.
    pub server: u64,
    /// The number of the file, which no other file of the server ever gets.
    pub key: u64,
    /// A random number, so that nobody can take the name before the server does.
    pub nonce: u64,
    /// One of [`access`].
    pub access: u32,
    /// One of [`node`].
    pub node: u32,
}

/// The first characters of every [`FileName`], after the zero byte of an abstract name.
const PREFIX: [u8; 6] = *b"aseqd/";
/// Number of hexadecimal digits of each number in a [`FileName`].
const DIGITS: usize = 16;

impl FileName {
    /// Size of a name in bytes, without the zero byte that begins an abstract name.
    pub const LEN: usize = PREFIX.len() + 3 * (DIGITS + 1) + 2;

    /// Returns the characters of the name, without the zero byte.
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
            node::USER_TIMER => b'u',
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

    /// Parses the characters of a name. Returns `None` if they are not the name of a file.
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
            b'u' => node::USER_TIMER,
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
