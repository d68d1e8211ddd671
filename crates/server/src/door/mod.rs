//! How unmodified programs get in. A door turns its own trap into the six calls of a device file and
//! the session's answers into its own replies, and does nothing else.

pub mod cuse;
pub mod doors;
pub mod fuse;
pub mod handover;
pub mod preload;
pub mod stopped;
pub mod trap;

use aseqd_engine::{FileId, Node};
use std::fmt::Debug;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};

/// The device files that doors can offer, by their names in `/dev/snd`. The card's comes last: see
/// [`nodes`].
pub const NODES: [(&str, Node); 3] =
    [("seq", Node::Sequencer), ("timer", Node::Timer), ("controlC0", Node::Control)];

/// Does this process, with its children, offer a card?
static CARD: AtomicBool = AtomicBool::new(false);

/// Offers a card from now on, or none. Once, before there is a door.
pub fn offer_card(offer: bool) {
    CARD.store(offer, Ordering::Relaxed);
}

/// Is there a card?
#[must_use]
pub fn has_card() -> bool {
    CARD.load(Ordering::Relaxed)
}

/// The device files that doors offer.
#[must_use]
pub fn nodes() -> &'static [(&'static str, Node)] {
    let count = if has_card() { NODES.len() } else { NODES.len() - 1 };
    &NODES[..count]
}

/// Does the machine have a card of its own? Programs find that one, and ours must not hide it.
#[must_use]
pub fn machine_has_card() -> bool {
    let entries = std::fs::read_dir("/dev/snd").into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"controlC"))
        .any(|entry| cuse::standing(&entry.path()) == cuse::Standing::Kernels)
}

/// One call of a program, as every door brings it; its bytes are the door's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<'a, Token, Wakeup> {
    /// What to answer to.
    pub token: Token,
    /// The thread that calls, as the server sees it; 0 if the door cannot tell.
    pub thread: i32,
    /// The call itself.
    pub kind: CallKind<'a, Token, Wakeup>,
}

/// The calls, and two that need no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallKind<'a, Token, Wakeup> {
    /// A file is opened.
    Open {
        /// The sequencer or the timer.
        node: Node,
        /// `O_RDONLY`, `O_WRONLY` or `O_RDWR`.
        access: aseqd_engine::Access,
        /// The process, as the server sees it.
        pid: i32,
        /// Whose account it is on, with all that the file will hold.
        user: u32,
    },
    /// An ioctl.
    Ioctl {
        /// On which file.
        file: FileId,
        /// The whole code.
        request: u32,
        /// From a 32-bit process.
        compat: bool,
        /// What the program passed.
        arg: &'a [u8],
        /// How many bytes the door can carry back.
        out_size: usize,
    },
    /// A read.
    Read {
        /// On which file.
        file: FileId,
        /// The size of the program's buffer.
        len: usize,
        /// Do not sleep.
        nonblock: bool,
    },
    /// A write.
    Write {
        /// On which file.
        file: FileId,
        /// The bytes.
        data: &'a [u8],
        /// Do not sleep.
        nonblock: bool,
    },
    /// A poll.
    Poll {
        /// On which file.
        file: FileId,
        /// How to wake the program when the state changes, if it goes to sleep.
        wakeup: Option<Wakeup>,
    },
    /// The last descriptor of a file is closed. Needs no answer.
    Close {
        /// Which file.
        file: FileId,
    },
    /// The program wants one of its calls back, for a signal. Needs no answer.
    Interrupt {
        /// Which call.
        target: Token,
    },
}

/// The answers. None can fail as far as the session is concerned: whatever becomes of an answer is
/// between a door and one program, so a door deals with it (an error in place of the answer, an end of
/// that connection, a line in the log). The loss of a door itself is told by [`Transport::receive`] alone.
pub trait Door {
    /// Names a call that waits for its answer.
    type Token: Copy + Eq + Ord + Debug;
    /// Names a program that sleeps in a poll.
    type Wakeup: Copy + Debug;

    /// A file is open, and polls find this. `false` if nobody took it, so that it will not be closed
    /// either.
    fn opened(&mut self, token: Self::Token, file: FileId, state: Readiness) -> bool;

    /// A read has these bytes.
    fn read(&mut self, token: Self::Token, data: &[u8]);

    /// A write took this many bytes.
    fn written(&mut self, token: Self::Token, count: usize);

    /// An ioctl succeeded.
    fn controlled(&mut self, token: Self::Token, out: &[u8]);

    /// An ioctl failed.
    fn refused(&mut self, token: Self::Token, errno: aseqd_abi::Errno);

    /// A poll finds this.
    fn polled(&mut self, token: Self::Token, state: Readiness);

    /// A call failed that is no ioctl.
    fn failed(&mut self, token: Self::Token, errno: aseqd_abi::Errno);

    /// A program that sleeps in a poll shall ask again.
    fn wake(&mut self, wakeup: Self::Wakeup);

    /// Does the door itself show whether this file is ready, because its programs poll without a call
    /// that would reach the server?
    fn shows(&self, _file: FileId) -> bool {
        false
    }

    /// What polls of a file that the door [shows](Door::shows) find from now on. Told with each call
    /// on it, before the answer, and whenever it may have changed: often with no change.
    fn show(&mut self, _file: FileId, _state: Readiness) {}

    /// Something came to a file that the door [shows](Door::shows), which may have been ready before.
    fn renew(&mut self, _file: FileId) {}
}

/// What a poll finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// A read has something to bring.
    pub readable: bool,
    /// A write has room.
    pub writable: bool,
}

/// Where the calls of a door come from.
pub trait Transport: Door {
    /// Holds the bytes of one call.
    type Buffer: Debug + Default;

    /// Readable when a call is there. An epoll of the door's own where it has many descriptors.
    fn descriptor(&self) -> BorrowedFd<'_>;

    /// Is this the inode of what programs have for an open file? Only a door that has made it knows.
    fn is_end(&self, _inode: u64) -> bool {
        false
    }

    /// The next call, if one is there. What goes wrong with one program, message or descriptor is
    /// dealt with here, and is no answer of this.
    fn receive<'b>(
        &mut self,
        buffer: &'b mut Self::Buffer,
    ) -> Received<'b, Self::Token, Self::Wakeup>;
}

/// What there was to receive.
#[derive(Debug)]
pub enum Received<'b, Token, Wakeup> {
    /// A call.
    Call(Call<'b, Token, Wakeup>),
    /// No call for now.
    Nothing,
    /// Nobody will come through this door any more.
    Disconnected,
    /// The door itself has failed, and is of no more use.
    Broken(io::Error),
}
