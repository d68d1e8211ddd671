//! Signals on their way to a program.

use super::Tracer;
use crate::state::{Action, Again, Cx, Doing, errno};
use crate::sys::{self, Go};
use std::{fs, io};

/// Signals that a process ignores if it says nothing about them.
const IGNORED: &[i32] = &[libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH];

/// Calls that a signal ends with `EINTR` even if it has no handler.
pub(super) const NOT_RESTARTED: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_msgrcv,
    libc::SYS_msgsnd,
    libc::SYS_io_getevents,
    libc::SYS_rt_sigtimedwait,
];

impl Tracer {
    /// A signal is about to be delivered.
    pub(super) fn signal(&mut self, thread: i32, signal: i32) -> io::Result<()> {
        let process = self.state.threads.get(&thread).map_or(thread, |known| known.process);
        let timers = &mut self.state.timers;
        sys::change_signal_info(thread, |info| timers.delivered(process, info))?;
        let action = action(thread, signal);
        self.interrupt_after_all(thread, action)?;
        self.disturb_socket(thread, action)?;
        let interrupted =
            self.state.threads.get(&thread).and_then(|known| known.interrupted.clone());
        let again = match interrupted {
            Some(wait) if action != Action::Ignore => {
                wait.family.disturbed(&mut Cx { state: &mut self.state, thread }, &wait)
            }
            _ => Again::SameDeadline,
        };
        let on_entry = self.state.threads.get(&thread).and_then(|known| known.interruptible);
        if action != Action::Ignore {
            self.know(thread, |known| known.interruptible = None);
        }
        let by_signal = self.state.threads.get(&thread).is_some_and(|known| known.ended_by_signal);
        match action {
            // The kernel ends the call with EINTR, or restarts it after the handler. Then it is a new wait.
            Action::Handler => self.know(thread, |known| known.interrupted = None),
            // SIGCONT after a stop, which has ended the call.
            Action::Ignore if by_signal => {
                self.know(thread, |known| known.ended_by_signal = false);
            }
            // Without a tracer such a signal would not even have woken the thread.
            Action::Ignore => {
                let mut regs = sys::registers(thread)?;
                if regs.result() == errno(libc::EINTR)
                    && NOT_RESTARTED.contains(&regs.call().number)
                    && regs.undo_interruption(on_entry.as_ref())
                {
                    sys::set_registers(thread, &regs)?;
                    self.know(thread, |known| known.uninterrupted = Some(regs));
                }
            }
            Action::Default => self.know(thread, |known| {
                known.ended_by_signal = true;
                if again == Again::Anew {
                    known.interrupted = None;
                }
            }),
        }
        self.go(thread, Go::On, signal)
    }

    /// Another signal comes before a thread has made its call again: that one ends it with `EINTR`.
    fn interrupt_after_all(&mut self, thread: i32, action: Action) -> io::Result<()> {
        let Some(known) = self.state.threads.get_mut(&thread) else { return Ok(()) };
        if action == Action::Ignore || known.uninterrupted.is_none() {
            return Ok(());
        }
        let mut regs = sys::registers(thread)?;
        if known.uninterrupted.take() == Some(regs) {
            regs.end_call(errno(libc::EINTR));
            sys::set_registers(thread, &regs)?;
        }
        Ok(())
    }

    /// The whole process is stopped, until SIGCONT.
    pub(super) fn group_stop(&mut self, thread: i32) -> io::Result<()> {
        self.know(thread, |known| {
            known.doing = Doing::Stopped;
            known.looks.goes_on();
        });
        sys::listen(thread)
    }
}

/// Returns what the process of a thread does with a signal.
fn action(thread: i32, signal: i32) -> Action {
    let Ok(status) = fs::read_to_string(format!("/proc/{thread}/status")) else {
        return Action::Handler;
    };
    let has = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let mask = line.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
        mask.unwrap_or_default() >> (signal - 1) & 1 == 1
    };
    if has("SigCgt:") {
        Action::Handler
    } else if has("SigIgn:") || IGNORED.contains(&signal) {
        Action::Ignore
    } else {
        Action::Default
    }
}

/// Returns the process of a thread.
pub(super) fn process_of(thread: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()
}

/// Returns whether this thread traces a thread.
pub(super) fn is_traced(thread: i32) -> bool {
    let own = rustix::thread::gettid().as_raw_nonzero().get();
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.and_then(|tracer| tracer.trim().parse().ok()) == Some(own)
}

/// Sends a signal to a process, if this thread traces it. The number may be that of a stranger, since processes end at any
/// time and numbers are given again: so the process is held first, and then looked at.
pub(super) fn kill(process: i32, signal: i32) {
    use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
    let Some((pid, signal)) = Pid::from_raw(process).zip(Signal::from_named_raw(signal)) else {
        return;
    };
    let held = pidfd_open(pid, PidfdFlags::empty());
    if !is_traced(process) {
        return;
    }
    let _gone = match held {
        Ok(held) => pidfd_send_signal(held, signal),
        // No descriptor is free, or the system does not let us have one.
        Err(_) => kill_process(pid, signal),
    };
}
