//! Calls on their way in: from the listener, from the door itself, and from files that programs have closed.

use super::waiting::{Own, Refusal, Wanted};
use super::{FOLDERS, LISTENER, NUDGE, TIMER, Trap, TrapBuffer, TrapToken};
use crate::door::stopped::thread::Signalled;
use crate::door::{Call, CallKind, Pollable, Received, Transport};
use aseqd_engine::FileId;
use aseqd_host::seccomp::Notification;
use rustix::event::epoll::{self, EventFlags};
use rustix::time::Timespec;
use std::os::fd::{AsFd as _, BorrowedFd};

/// Maximum number of calls that are answered without the session before `receive` returns.
const MAX_ANSWERED_PER_RECEIVE: usize = 64;

/// Maximum number of sleeping calls at which all of them are checked before each call. More are checked by the
/// timer alone.
const MAX_CHECKED_EACH_TIME: usize = 8;

impl Pollable for Trap {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    fn is_end(&self, inode: u64) -> bool {
        self.by_identity.keys().any(|identity| identity.inode() == inode)
    }
}

impl Transport for Trap {
    type Buffer = TrapBuffer;

    fn receive<'b>(&mut self, buffer: &'b mut TrapBuffer) -> Received<'b, TrapToken, ()> {
        if !self.waiting.is_empty() && self.waiting.len() <= MAX_CHECKED_EACH_TIME {
            self.look_after(false);
        }
        if let Some(closed) = self.next_closed() {
            return Received::Call(closed);
        }
        let mut events = Vec::with_capacity(16);
        for _ in 0..MAX_ANSWERED_PER_RECEIVE {
            events.clear();
            let now = Some(&Timespec { tv_sec: 0, tv_nsec: 0 });
            // This only fails for a descriptor that is no epoll.
            let looked = rustix::io::retry_on_intr(|| {
                epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), now)
            });
            if looked.is_err() || events.is_empty() {
                break;
            }
            let mut waits = false;
            for event in &events {
                let flags = event.flags;
                match event.data.u64() {
                    LISTENER if flags.contains(EventFlags::IN) => waits = true,
                    // Every program behind the filter has ended.
                    LISTENER => drop(epoll::delete(&self.epoll, &self.listener)),
                    TIMER => {
                        let _rung = rustix::io::read(&self.timer, &mut [0; 8]);
                        self.look_after(true);
                        self.arm(!self.waiting.is_empty());
                    }
                    NUDGE => {}
                    FOLDERS => self.places.sweep(),
                    // The kernel reports hang-ups in their order, which is that of the closes.
                    number => self.closed.extend(u32::try_from(number).map(FileId)),
                }
            }
            // A file that was closed before a call was made must be closed when the call is handled.
            if let Some(closed) = self.next_closed() {
                return Received::Call(closed);
            }
            if let Some(own) = self.next_own() {
                return Received::Call(self.own_call(own, buffer));
            }
            if !waits {
                break;
            }
            if let Some((call, kind)) = self.take(buffer) {
                let token = TrapToken::Waiting(call.id);
                let kind = kind.with_bytes(&buffer.0);
                return Received::Call(Call { token, thread: call.thread, kind });
            }
        }
        Received::Nothing
    }

    fn is_ready(&self) -> bool {
        !self.closed.is_empty() || crate::door::is_readable(std::iter::once(self.descriptor()))
    }

    fn look_for_signals(&mut self) {
        self.look_after(true);
    }
}

impl Trap {
    /// Returns the next call of the door itself that still makes sense.
    fn next_own(&mut self) -> Option<Own> {
        loop {
            let own = self.own.pop_front()?;
            if self.own.is_empty() {
                let _emptied = rustix::io::read(&self.nudge, &mut [0; 8]);
            }
            match own {
                Own::Interrupt(id) | Own::GoOn(id) if !self.waiting.contains_key(&id) => {}
                Own::Ask(id) if !self.fetching.contains_key(&id) => {}
                own => return Some(own),
            }
        }
    }

    /// Returns the close of the next file that a program has closed.
    fn next_closed<'b>(&mut self) -> Option<Call<'b, TrapToken, ()>> {
        let file = self.closed.pop_front()?;
        self.forget(file);
        let kind = CallKind::Close { file };
        Some(Call { token: TrapToken::Nobody, thread: 0, kind })
    }

    /// Returns a call of the door itself.
    fn own_call<'b>(&mut self, own: Own, buffer: &'b mut TrapBuffer) -> Call<'b, TrapToken, ()> {
        let (token, kind) = match own {
            Own::GoOn(id) => {
                let kind = self.go_on(id, buffer).map(|kind| kind.with_bytes(&buffer.0));
                // If the call has ended meanwhile, this interrupts nothing.
                let nothing = CallKind::Interrupt { target: TrapToken::Nobody };
                (TrapToken::Waiting(id), kind.unwrap_or(nothing))
            }
            Own::Interrupt(id) => {
                (TrapToken::Nobody, CallKind::Interrupt { target: TrapToken::Waiting(id) })
            }
            Own::Close(file) => (TrapToken::Nobody, CallKind::Close { file }),
            Own::Ask(id) => {
                let fetch = &self.fetching[&id];
                (TrapToken::Fetching(id), fetch.question(&mut buffer.0))
            }
        };
        Call { token, thread: 0, kind }
    }

    /// Checks the calls that sleep, and interrupts those whose threads are gone or have `signals`.
    fn look_after(&mut self, signals: bool) {
        let mut found = Vec::new();
        for (id, waiting) in self.waiting.iter_mut().filter(|(_, call)| call.signalled.is_none()) {
            if !self.listener.is_valid(*id) {
                waiting.signalled = Some(Signalled::No);
            } else if signals && self.killable {
                match self.threads.signalled(waiting.call.thread) {
                    Signalled::No => continue,
                    signalled => waiting.signalled = Some(signalled),
                }
            } else {
                continue;
            }
            found.push(*id);
        }
        for id in found {
            self.ask(Own::Interrupt(id));
        }
    }

    /// Takes a call from the listener. Returns it if it is one for the session; others are answered here.
    fn take(&mut self, buffer: &mut TrapBuffer) -> Option<(Notification, Wanted)> {
        let call = self.listener.receive().ok()?;
        // A call whose thread is gone needs no answer.
        let _gone = match self.begin(&call, buffer) {
            Ok(Some(kind)) => return Some((call, kind)),
            Ok(None) => Ok(()),
            Err(Refusal::Native) => self.listener.let_through(call.id),
            Err(Refusal::Errno(errno)) => self.listener.answer(call.id, Err(errno.raw_os_error())),
        };
        None
    }
}
