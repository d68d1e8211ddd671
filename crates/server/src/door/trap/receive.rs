//! Calls on their way in: from the listener, from this door itself, and from files that programs have closed.

use super::waiting::{Own, Refusal, Wanted};
use super::{FOLDERS, LISTENER, NUDGE, TIMER, Trap, TrapBuffer, TrapToken};
use crate::door::stopped::thread::Signalled;
use crate::door::{Call, CallKind, Pollable, Received, Transport};
use aseqd_engine::FileId;
use aseqd_host::seccomp::Notification;
use rustix::event::epoll::{self, EventFlags};
use rustix::time::Timespec;
use std::os::fd::{AsFd as _, BorrowedFd};

/// How many calls may be let through in one look for a call of ours.
const OTHERS_PER_LOOK: usize = 64;

/// Up to so many sleeping calls are looked after before each call, more by time only.
const FEW: usize = 8;

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
        if !self.waiting.is_empty() && self.waiting.len() <= FEW {
            self.look_after(false);
        }
        if let Some(closed) = self.next_closed() {
            return Received::Call(closed);
        }
        let mut events = Vec::with_capacity(16);
        for _ in 0..OTHERS_PER_LOOK {
            events.clear();
            let now = Some(&Timespec { tv_sec: 0, tv_nsec: 0 });
            // Only a descriptor that is no epoll makes this fail, and ours is one.
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
                    // As the program has closed them: the kernel tells in the order of the hang-ups.
                    number => self.closed.extend(u32::try_from(number).map(FileId)),
                }
            }
            // What was closed before a call is closed when it is handled.
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
}

impl Trap {
    /// The next call of this door itself that still makes sense.
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

    /// The next file that was closed.
    fn next_closed<'b>(&mut self) -> Option<Call<'b, TrapToken, ()>> {
        let file = self.closed.pop_front()?;
        self.forget(file);
        let kind = CallKind::Close { file };
        Some(Call { token: TrapToken::Nobody, thread: 0, kind })
    }

    fn own_call<'b>(&mut self, own: Own, buffer: &'b mut TrapBuffer) -> Call<'b, TrapToken, ()> {
        let (token, kind) = match own {
            Own::GoOn(id) => {
                let kind = self.go_on(id, buffer).map(|kind| kind.with_bytes(&buffer.0));
                // One that has gone meanwhile: nobody is to be interrupted.
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

    /// Looks after the calls that sleep: those that are gone, and those whose threads have signals.
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

    /// Takes a call from the listener. What is not ours, or fails at once, is answered here.
    fn take(&mut self, buffer: &mut TrapBuffer) -> Option<(Notification, Wanted)> {
        let call = self.listener.receive().ok()?;
        // One that is gone needs no answer.
        let _gone = match self.begin(&call, buffer) {
            Ok(Some(kind)) => return Some((call, kind)),
            Ok(None) => Ok(()),
            Err(Refusal::Native) => self.listener.let_through(call.id),
            Err(Refusal::Errno(errno)) => self.listener.answer(call.id, Err(errno.raw_os_error())),
        };
        None
    }
}
