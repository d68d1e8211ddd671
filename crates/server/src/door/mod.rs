//! The doors, by which unmodified programs reach the sequencer. A door turns what it receives into calls of a
//! device file, and the session's answers into its own replies, and does nothing else.

pub mod collected;
pub mod cuse;
pub mod doors;
pub mod fuse;
pub mod handover;
pub mod in_process;
pub mod preload;
pub mod stopped;
pub mod trap;

use aseqd_abi::Errno;
use aseqd_abi::timer::TimerUinfo;
use aseqd_engine::{FileId, Node};
use rustix::event::{PollFd, PollFlags, poll};
use std::fmt::Debug;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};

/// The device files that doors can offer, by their names in `/dev/snd`. The card's is the last, since not every
/// server offers one: see [`nodes`].
pub const NODES: [(&str, Node); 3] =
    [("seq", Node::Sequencer), ("timer", Node::Timer), ("controlC0", Node::Control)];

/// Whether the servers of this process offer a card. It is set once, before there is a door, and is the same for all
/// doors and for the processes that a run forks.
static CARD: AtomicBool = AtomicBool::new(false);

/// Sets whether the servers of this process offer a card. Call it at most once, before there is a door.
pub fn offer_card(offer: bool) {
    CARD.store(offer, Ordering::Relaxed);
}

/// Returns whether the servers of this process offer a card.
#[must_use]
pub fn has_card() -> bool {
    CARD.load(Ordering::Relaxed)
}

/// Returns the device files that doors offer.
#[must_use]
pub fn nodes() -> &'static [(&'static str, Node)] {
    let count = if has_card() { NODES.len() } else { NODES.len() - 1 };
    &NODES[..count]
}

/// Returns whether the machine has a sound card of its own. Then ours must not be offered, since it would hide that one.
#[must_use]
pub fn machine_has_card() -> bool {
    let entries = std::fs::read_dir("/dev/snd").into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"controlC"))
        .any(|entry| cuse::standing(&entry.path()) == cuse::Standing::Kernels)
}

/// A call of a program, as every door brings it. Its bytes are in the door's buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<'a, Token, Wakeup> {
    /// Names the call for its answer.
    pub token: Token,
    /// The thread that calls, by its number for the server; 0 if the door does not know it.
    pub thread: i32,
    /// The call itself.
    pub kind: CallKind<'a, Token, Wakeup>,
}

/// What a program wants: a call of a device file, in the engine's words, or one of two things that need
/// no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallKind<'a, Token, Wakeup> {
    /// Opens a file.
    Open {
        /// Which device file.
        node: Node,
        /// `O_RDONLY`, `O_WRONLY` or `O_RDWR`.
        access: aseqd_engine::Access,
        /// The process, by its number for the server.
        pid: i32,
        /// The user on whose account the file is, with everything that it will hold.
        user: u32,
    },
    /// A call on an open file.
    File {
        /// Which file.
        file: FileId,
        /// The call.
        call: aseqd_engine::Call<'a>,
        /// For an ioctl: how many bytes the door can carry back. An ioctl with more to say succeeds
        /// without the rest.
        out_size: usize,
        /// For a poll: how to wake the program when the state changes, if it goes to sleep.
        wakeup: Option<Wakeup>,
    },
    /// The last descriptor of a file is closed. Needs no answer.
    Close {
        /// Which file.
        file: FileId,
    },
    /// A signal arrived for the thread that made a call: the call ends early if it still waits. Needs no
    /// answer itself.
    Interrupt {
        /// The call.
        target: Token,
    },
}

impl<'a, Token, Wakeup> CallKind<'a, Token, Wakeup> {
    /// Returns a call on an open file whose door carries back whatever there is, and wakes nobody.
    #[must_use]
    pub const fn on(file: FileId, call: aseqd_engine::Call<'a>) -> Self {
        Self::File { file, call, out_size: usize::MAX, wakeup: None }
    }
}

impl<Token, Wakeup> CallKind<'static, Token, Wakeup> {
    /// Returns the call with its bytes, if it is one that has any: they are in a buffer that the door
    /// was still using when it found out what the call is.
    #[must_use]
    pub fn with_bytes(self, bytes: &[u8]) -> CallKind<'_, Token, Wakeup> {
        use aseqd_engine::Call::{Ioctl, Write};
        let mut kind: CallKind<'_, Token, Wakeup> = self;
        if let CallKind::File { call: Write { data, .. } | Ioctl { arg: data, .. }, .. } = &mut kind
        {
            *data = bytes;
        }
        kind
    }
}

/// What a call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer<'a> {
    /// The file is open.
    Opened {
        /// Its number.
        file: FileId,
        /// What a poll of it finds.
        state: Readiness,
    },
    /// The ioctl `CREATE` has made a user-driven timer, whose file is open. Only for doors that
    /// [give descriptors](Door::gives_descriptors).
    Created {
        /// The number of the timer's file.
        file: FileId,
        /// What a poll of it finds.
        state: Readiness,
        /// The struct to copy back. The door writes the program's descriptor into its field `fd`.
        info: TimerUinfo,
    },
    /// A read has these bytes.
    Read(&'a [u8]),
    /// A write took this many bytes.
    Written(usize),
    /// An ioctl succeeded with these bytes to copy back, or failed.
    Ioctl(Result<&'a [u8], Errno>),
    /// A poll finds this.
    Polled(Readiness),
    /// A call failed that is no ioctl, or was taken back.
    Failed(Errno),
}

/// The way back to the programs. Nothing here can fail as far as the session is concerned: whatever
/// becomes of an answer is between a door and one program, so a door deals with it (an error in place of
/// the answer, an end of that connection, a line in the log). The loss of a door itself is told by
/// [`Transport::receive`] alone.
pub trait Door {
    /// Names a call that waits for an answer.
    type Token: Copy + Eq + Ord + Debug;
    /// Names a program that sleeps in a poll.
    type Wakeup: Copy + Debug;

    /// Answers a call. Returns whether somebody took the answer. The session wants to know that of
    /// [`Answer::Opened`] and [`Answer::Created`] only: a file that nobody took will not be closed by a program
    /// either.
    fn answer(&mut self, token: Self::Token, answer: Answer<'_>) -> bool;

    /// Returns whether the answer to an ioctl can give the program a descriptor.
    fn gives_descriptors(&self, _token: Self::Token) -> bool {
        false
    }

    /// Lets a program that sleeps in a poll ask again.
    fn wake(&mut self, wakeup: Self::Wakeup);

    /// Returns whether the door itself shows if this file is ready, because its programs poll without a
    /// call that would reach the server.
    fn shows(&self, _file: FileId) -> bool {
        false
    }

    /// Shows what polls of a file find from now on, where the door [shows](Door::shows) that. The
    /// session tells it with each call on the file, before the answer, and whenever it may have changed:
    /// often nothing has. With `fresh`, something came to the file, which may have been ready before.
    fn show(&mut self, _file: FileId, _state: Readiness, _fresh: bool) {}
}

/// What polls of a file find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Whether a read would return something at once.
    pub readable: bool,
    /// Whether a write would have room.
    pub writable: bool,
}

/// A door that brings calls.
pub trait Transport: Door {
    /// Holds the bytes of one call.
    type Buffer: Debug + Default;

    /// Returns the next call, if one is there. What goes wrong with one program, message or descriptor is
    /// dealt with here, and not told.
    fn receive<'b>(
        &mut self,
        buffer: &'b mut Self::Buffer,
    ) -> Received<'b, Self::Token, Self::Wakeup>;

    /// Returns whether [`Transport::receive`] has something to do: a call is there, or something else that the door
    /// deals with itself.
    fn is_ready(&self) -> bool;

    /// Looks at once whether signals have come for threads whose calls wait, if the kernel does not announce that. A
    /// door that has to look does so by itself from time to time.
    fn look_for_signals(&mut self) {}
}

/// A door whose calls come over descriptors, so that a server can sleep until one comes.
pub trait Pollable: Transport {
    /// Returns a descriptor that is readable when a call is there: an epoll of the door's own where it has
    /// several.
    fn descriptor(&self) -> BorrowedFd<'_>;

    /// Returns whether this is the inode of what programs have for an open file. Only a door that has made
    /// it knows.
    fn is_end(&self, _inode: u64) -> bool {
        false
    }
}

/// Returns whether one of these descriptors is readable. If the kernel cannot say, it counts as readable.
fn is_readable<'a>(descriptors: impl Iterator<Item = BorrowedFd<'a>>) -> bool {
    let mut polled: Vec<_> =
        descriptors.map(|door| PollFd::from_borrowed_fd(door, PollFlags::IN)).collect();
    let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::io::retry_on_intr(|| poll(&mut polled, Some(&now))) != Ok(0)
}

/// What was received.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received<'b, Token, Wakeup> {
    /// A call.
    Call(Call<'b, Token, Wakeup>),
    /// No call for now.
    Nothing,
    /// No program will come through this door any more.
    Disconnected,
    /// The door itself has failed and cannot be used any more.
    Broken(io::Error),
}
