//! Threads that wait for a socket with a limit of time.
//!
//! Such a call is like any other until everybody sleeps. Then the tracer looks which thread sleeps in one. It has begun
//! to do so at this very instant, since the clock stands while anybody runs.

use super::Tracer;
use crate::arch::{Call, Regs};
use crate::state::{Action, Doing, Held, State, errno};
use crate::sys::{self, Go};
use std::{fs, io};

/// `AF_UNIX` of `linux/socket.h`.
const UNIX: i32 = 1;

impl Tracer {
    /// Everybody sleeps: notes until when those sleep that wait for a socket with a limit.
    pub(super) fn look_at_sockets(&mut self) {
        if self.state.limits.is_empty() {
            return;
        }
        let mut sleepers = Vec::new();
        for (thread, known) in &mut self.state.threads {
            let since = known.looks.asleep_since();
            // Others are asleep since they were looked at last.
            if known.doing == Doing::Going
                && known.wait.is_none()
                && std::mem::replace(&mut known.looked_at, since) != since
            {
                sleepers.push(*thread);
            }
        }
        for thread in sleepers {
            let before = self.state.release(thread);
            let Some(call) = sleeping_in(thread) else { continue };
            let Some(limit) = self.state.limits.of(thread, &call) else { continue };
            let kept = before.filter(|held| held.restarts && held.call == call);
            let deadline =
                kept.map_or_else(|| self.state.clock.after(limit), |held| Some(held.deadline));
            if let Some(deadline) = deadline {
                self.state.hold(thread, Held { deadline, call, restarts: false });
            }
        }
    }

    /// A thread has stopped because the tracer wanted that, or because a group stop is over.
    pub(super) fn trapped(&mut self, thread: i32) -> io::Result<()> {
        let firing = self.state.threads.get(&thread).is_some_and(|known| known.firing);
        if firing && let Some(held) = self.state.release(thread) {
            self.know(thread, |known| known.firing = false);
            let mut regs = sys::registers(thread)?;
            if is_restarting(&regs, thread) {
                regs.end_call(over(thread, &held.call));
                sys::set_registers(thread, &regs)?;
            }
        }
        self.go(thread, Go::On, 0)
    }

    /// A signal ends a call on a socket that has a limit, whatever `SA_RESTART` says. Without a limit, which is what
    /// the kernel knows, it would be restarted.
    pub(super) fn disturb_socket(&mut self, thread: i32, action: Action) -> io::Result<()> {
        if self.state.limits.is_empty() {
            return Ok(());
        }
        let mut regs = sys::registers(thread)?;
        if !is_restarting(&regs, thread) || self.state.limits.of(thread, &regs.call()).is_none() {
            return Ok(());
        }
        if action == Action::Ignore {
            self.know(thread, |known| {
                if let Some(held) = &mut known.held {
                    held.restarts = true;
                }
            });
            return Ok(());
        }
        self.state.release(thread);
        regs.end_call(errno(libc::EINTR));
        sys::set_registers(thread, &regs)
    }
}

/// Returns whether the kernel will make a thread's call again.
fn is_restarting(regs: &Regs, thread: i32) -> bool {
    regs.restarts(|address| sys::peek(thread, address).ok())
}

/// Returns the call in which a thread sleeps.
fn sleeping_in(thread: i32) -> Option<Call> {
    let text = fs::read_to_string(format!("/proc/{thread}/syscall")).ok()?;
    let mut words = text.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut args = [0; 6];
    for arg in &mut args {
        *arg = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some(Call { number, args })
}

/// Returns the result of a call whose time is over.
fn over(thread: i32, call: &Call) -> i64 {
    let mut family = [0; 2];
    let connects = call.number == libc::SYS_connect
        && crate::memory::read_exact(thread, call.args[1], &mut family).is_ok();
    if connects && i32::from(u16::from_ne_bytes(family)) != UNIX {
        // The connection may still be made.
        errno(libc::EINPROGRESS)
    } else {
        errno(libc::EAGAIN)
    }
}

impl State {
    /// Notes until when a thread waits for a socket.
    fn hold(&mut self, thread: i32, held: Held) {
        let Some(known) = self.threads.get_mut(&thread) else { return };
        known.firing = false;
        self.due.insert((held.deadline, known.rank, thread));
        known.held = Some(held);
    }
}
