//! All doors of a server, side by side. Programs that come through different doors meet in one sequencer.

use super::fuse::FuseDoor;
use super::preload::{self, PreloadDoor};
use super::trap::{Trap, TrapToken};
use super::{Answer, Call, CallKind, Door, Pollable as _, Readiness, Received, Transport};
use aseqd_engine::FileId;
use rustix::event::{PollFd, PollFlags, poll};
use std::os::fd::BorrowedFd;

/// A door of any kind.
#[derive(Debug)]
pub enum Way {
    /// The files of a FUSE mount, or a device of CUSE.
    Device(FuseDoor),
    /// The library in programs.
    Preload(PreloadDoor),
    /// The trap, which gets the calls that the kernel stops.
    Trap(Trap),
}

/// Holds the bytes of a call, for a door of each kind.
#[derive(Debug)]
enum Bytes {
    Device(<FuseDoor as Transport>::Buffer),
    Preload(<PreloadDoor as Transport>::Buffer),
    Trap(<Trap as Transport>::Buffer),
}

/// Holds a call of each door. [`Doors`] fill it with buffers when the first call comes.
#[derive(Debug, Default)]
pub struct Buffers(Vec<Bytes>);

/// Names a call: the number of its door, and the door's own name for the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Token {
    /// A call of a device.
    Device(usize, chardev::Token),
    /// A call of the library.
    Preload(usize, preload::Token),
    /// A call of the trap.
    Trap(usize, TrapToken),
}

/// Names a program that sleeps in a poll: the number of its door, and the door's own name for the program.
#[derive(Clone, Copy, Debug)]
pub enum Wakeup {
    /// A program that polls a device.
    Device(usize, chardev::PollHandle),
    /// No program, for doors whose polls do not reach the server.
    Nobody,
}

/// The doors of a server.
#[derive(Debug)]
pub struct Doors {
    ways: Vec<Way>,
    /// The door to look at first next time, so that none keeps the others waiting.
    first: usize,
}

/// Evaluates `$body` with the door behind `$way`, of whichever kind.
macro_rules! each {
    ($way:expr, $door:ident => $body:expr) => {
        match $way {
            Way::Device($door) => $body,
            Way::Preload($door) => $body,
            Way::Trap($door) => $body,
        }
    };
}

impl Doors {
    /// Returns the doors as one.
    #[must_use]
    pub const fn new(ways: Vec<Way>) -> Self {
        Self { ways, first: 0 }
    }

    /// Returns a descriptor for each door, which is readable when the door has a call.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.ways.iter().map(|way| each!(way, door => door.descriptor()))
    }

    /// Returns whether this is the inode of a descriptor that a door has made for a program's open file.
    #[must_use]
    pub fn is_end(&self, inode: u64) -> bool {
        self.ways.iter().any(|way| each!(way, door => door.is_end(inode)))
    }

    /// Returns the number of the next door in turn that has a call.
    fn ready(&mut self) -> Option<usize> {
        let count = self.ways.len();
        if count == 1 {
            return Some(0);
        }
        let mut polled: Vec<_> =
            self.descriptors().map(|door| PollFd::from_borrowed_fd(door, PollFlags::IN)).collect();
        let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
        let asked = rustix::io::retry_on_intr(|| poll(&mut polled, Some(&now)));
        // If poll fails for lack of memory, the next door in turn is tried.
        let has = |at: &usize| asked.is_err() || !polled[*at].revents().is_empty();
        let ready = (0..count).map(|step| (self.first + step) % count).find(has);
        if let Some(at) = ready {
            self.first = (at + 1) % count;
        }
        ready
    }
}

/// Returns what was received, with the doors' names for calls and programs instead of the one door's.
fn renamed<OwnToken, OwnWakeup>(
    received: Received<'_, OwnToken, OwnWakeup>,
    token: impl Fn(OwnToken) -> Token,
    wakeup: impl Fn(OwnWakeup) -> Wakeup,
) -> Received<'_, Token, Wakeup> {
    let call = match received {
        Received::Call(call) => call,
        Received::Nothing => return Received::Nothing,
        Received::Disconnected => return Received::Disconnected,
        Received::Broken(error) => return Received::Broken(error),
    };
    let kind = match call.kind {
        CallKind::Open { node, access, pid, user } => CallKind::Open { node, access, pid, user },
        CallKind::File { file, call, out_size, wakeup: own } => {
            CallKind::File { file, call, out_size, wakeup: own.map(wakeup) }
        }
        CallKind::Close { file } => CallKind::Close { file },
        CallKind::Interrupt { target } => CallKind::Interrupt { target: token(target) },
    };
    Received::Call(Call { token: token(call.token), thread: call.thread, kind })
}

impl Door for Doors {
    type Token = Token;
    type Wakeup = Wakeup;

    fn answer(&mut self, token: Token, answer: Answer<'_>) -> bool {
        let (Token::Device(at, _) | Token::Preload(at, _) | Token::Trap(at, _)) = token;
        match (token, self.ways.get_mut(at)) {
            (Token::Device(_, own), Some(Way::Device(door))) => door.answer(own, answer),
            (Token::Preload(_, own), Some(Way::Preload(door))) => door.answer(own, answer),
            (Token::Trap(_, own), Some(Way::Trap(door))) => door.answer(own, answer),
            // No door has such a name.
            _ => false,
        }
    }

    fn gives_descriptors(&self, token: Token) -> bool {
        let (Token::Device(at, _) | Token::Preload(at, _) | Token::Trap(at, _)) = token;
        match (token, self.ways.get(at)) {
            (Token::Preload(_, own), Some(Way::Preload(door))) => door.gives_descriptors(own),
            (Token::Trap(_, own), Some(Way::Trap(door))) => door.gives_descriptors(own),
            _ => false,
        }
    }

    fn wake(&mut self, wakeup: Wakeup) {
        match wakeup {
            Wakeup::Device(at, own) => {
                if let Some(Way::Device(door)) = self.ways.get_mut(at) {
                    door.wake(own);
                }
            }
            Wakeup::Nobody => {}
        }
    }

    fn shows(&self, file: FileId) -> bool {
        self.ways.iter().any(|way| each!(way, door => door.shows(file)))
    }

    fn show(&mut self, file: FileId, state: Readiness, fresh: bool) {
        let showing = self.ways.iter_mut().find(|way| each!(way, door => door.shows(file)));
        if let Some(way) = showing {
            each!(way, door => door.show(file, state, fresh));
        }
    }
}

impl Transport for Doors {
    type Buffer = Buffers;

    /// Returns the next call of any door, if one is there. The doors take turns.
    fn receive<'b>(&mut self, buffers: &'b mut Buffers) -> Received<'b, Token, Wakeup> {
        let Some(at) = self.ready() else { return Received::Nothing };
        let buffer = |way: &Way| match way {
            Way::Device(_) => Bytes::Device(Default::default()),
            Way::Preload(_) => Bytes::Preload(Default::default()),
            Way::Trap(_) => Bytes::Trap(Default::default()),
        };
        if buffers.0.len() != self.ways.len() {
            buffers.0 = self.ways.iter().map(buffer).collect();
        }
        match (&mut self.ways[at], &mut buffers.0[at]) {
            (Way::Device(door), Bytes::Device(buffer)) => {
                let received = door.receive(buffer);
                let token = |own| Token::Device(at, own);
                renamed(received, token, |own| Wakeup::Device(at, own))
            }
            (Way::Preload(door), Bytes::Preload(buffer)) => {
                let received = door.receive(buffer);
                renamed(received, |own| Token::Preload(at, own), |never| match never {})
            }
            (Way::Trap(door), Bytes::Trap(buffer)) => {
                let received = door.receive(buffer);
                renamed(received, |own| Token::Trap(at, own), |()| Wakeup::Nobody)
            }
            // The buffers are of other doors.
            _ => Received::Nothing,
        }
    }

    fn is_ready(&self) -> bool {
        self.ways.iter().any(|way| each!(way, door => door.is_ready()))
    }

    fn look_for_signals(&mut self) {
        for way in &mut self.ways {
            each!(way, door => door.look_for_signals());
        }
    }
}
