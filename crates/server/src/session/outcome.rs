//! What comes of a call, before a door is told.

use super::files::Parked;
use crate::door::{Door, Readiness};
use aseqd_abi::Errno;
use aseqd_describe::{Caller, find, text};
use aseqd_engine::{Error, FileId, READABLE, Time, WRITABLE};

/// What came of a call on a file, or of the file itself.
pub(super) enum Outcome<Token> {
    /// The call is answered.
    Answered(Token, Result<Done, Failure>),
    /// The call sleeps until its file is ready.
    Sleeps(Parked<Token>),
    /// The call goes on after the others had their turn.
    Unfinished(Parked<Token>),
    /// Something came to the file, and all calls that could go on have done so.
    Ready,
}

/// What a call has done. Bytes that go back are the first ones of the session's output buffer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Done {
    Read(usize),
    Written(usize),
    Ioctl(usize),
    Polled(Readiness),
}

/// Why a call has failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// What the trace calls it.
    pub(super) name: &'static str,
    /// The request with its arguments, if there is a trace and the request is known.
    pub(super) about: Option<String>,
    pub(super) is_ioctl: bool,
    pub(super) error: Error,
}

impl Failure {
    /// Of a call that is no ioctl.
    pub(super) const fn of(name: &'static str, error: Error) -> Self {
        Self { name, about: None, is_ioctl: false, error }
    }

    /// Of the ioctl with this request code.
    pub(super) fn of_ioctl(request: u32, error: Error) -> Self {
        Self { name: name_of(request), about: None, is_ioctl: true, error }
    }

    /// Of our own request for a text.
    pub(super) const fn of_text(error: Error) -> Self {
        Self { name: "our request for a text", about: None, is_ioctl: true, error }
    }

    /// Of our own request for a report.
    pub(super) const fn of_report(error: Error) -> Self {
        Self { name: "our request for a report", about: None, is_ioctl: true, error }
    }

    /// Of our own request that makes a user-driven timer of a file.
    pub(super) const fn of_user_timer(error: Error) -> Self {
        Self { name: "our request for a user-driven timer", about: None, is_ioctl: true, error }
    }

    /// Returns whether programs expect the call to fail so: it is the end of a list, or nothing is there
    /// to read yet.
    pub(super) fn is_normal(&self) -> bool {
        match self.error.errno {
            Errno::ENOENT => {
                matches!(self.name, "QUERY_NEXT_CLIENT" | "QUERY_NEXT_PORT" | "QUERY_SUBS")
            }
            Errno::EAGAIN => matches!(self.name, "read" | "our request for a report"),
            _ => false,
        }
    }
}

impl<D: Door> super::Session<D> {
    /// Tries the sleeping calls of a file again, and tells those who poll it.
    pub(super) fn ready(&mut self, now: Time, file: FileId, door: &mut D) {
        for _ in 0..self.files.parked(file) {
            let Some(parked) = self.files.unpark(file) else { break };
            self.attempt(now, file, parked, door);
        }
        let wakeup = self.files.get_mut(file).and_then(|open| open.wakeup.take());
        if let Some(wakeup) = wakeup {
            door.wake(wakeup);
        }
        self.conclude(now, file, Outcome::Ready, door);
    }
}

/// Returns what the engine's answer to a poll says.
pub(super) const fn readiness(state: usize) -> Readiness {
    Readiness { readable: state & READABLE != 0, writable: state & WRITABLE != 0 }
}

/// Returns a request and the arguments that the program gave, in words. An argument with a quote or a control character
/// of a name is escaped.
pub(super) fn in_words(request: u32, compat: bool, arg: &[u8]) -> Option<String> {
    let caller = if compat { Caller::Narrow } else { Caller::Wide };
    find(request, caller).map(|request| text::request(request, arg))
}

/// Name of a request, for people.
fn name_of(request: u32) -> &'static str {
    aseqd_engine::request(request).map_or("ioctl", |request| request.name)
}
