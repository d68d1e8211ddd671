//! What the tracer does when a thread has stopped.

use super::{Tracer, signals};
use crate::arch::{Call, Regs};
use crate::calls;
use crate::error::Error;
use crate::state::{Cx, Doing, Entered, Thread, Wait, is_interrupted};
use crate::sys::{self, Change, Go};
use crate::world::World;
use std::io;

/// How often the tracer lets a thread run whose wait it has ended, before it looks after others. Each time takes some
/// microseconds.
const MAX_WAITS: usize = 1000;

impl Tracer {
    /// Handles a change, and lets the thread go on.
    pub(super) fn handle(
        &mut self,
        thread: i32,
        change: Change,
        world: &mut dyn World,
    ) -> io::Result<()> {
        if let Change::Ended(status) = change {
            self.thread_ended(thread, status, world);
            return Ok(());
        }
        if !self.state.threads.contains_key(&thread) {
            // A new thread may stop before its maker says that it has made it.
            let process = signals::process_of(thread).unwrap_or(thread);
            self.state.add(thread, process);
            self.unannounced.insert(thread);
        }
        let result = match change {
            Change::Call => self.call(thread),
            Change::Return => self.returned(thread),
            Change::Signal(signal) => self.signal(thread, signal),
            Change::Made(event) => self.made(thread, event),
            Change::VforkDone => {
                self.know(thread, |known| known.vforking = false);
                self.go(thread, Go::On, 0)
            }
            Change::Exec => self.executed(thread),
            Change::Group => self.group_stop(thread),
            Change::Trap | Change::Ended(_) => self.trapped(thread),
        };
        match result {
            // It has been killed meanwhile, and its end will be told.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            result => result,
        }
    }

    /// Changes what is known about a thread.
    pub(super) fn know(&mut self, thread: i32, change: impl FnOnce(&mut Thread)) {
        if let Some(known) = self.state.threads.get_mut(&thread) {
            change(known);
        }
    }

    /// Lets a stopped thread go on.
    pub(super) fn go(&mut self, thread: i32, go: Go, signal: i32) -> io::Result<()> {
        self.know(thread, |known| {
            known.doing = Doing::Going;
            known.looks.goes_on();
        });
        self.resumed = true;
        sys::resume(thread, go, signal)
    }

    fn thread_ended(&mut self, thread: i32, status: i32, world: &mut dyn World) {
        let Some(known) = self.state.remove(thread) else {
            return world.reaped(thread, status);
        };
        if thread == self.root {
            self.status = Some(status);
        }
        if known.process == thread {
            self.state.timers.process_ended(thread);
            world.ended(thread);
        }
    }

    /// A thread has made another one.
    fn made(&mut self, thread: i32, event: i32) -> io::Result<()> {
        let new = sys::event_message(thread)?;
        let own = self.state.threads.get(&thread).map_or(thread, |known| known.process);
        let process = if event == libc::PTRACE_EVENT_CLONE {
            signals::process_of(new).unwrap_or(own)
        } else {
            new
        };
        // It may have stopped before, and even have ended: then its number may be that of another process by now.
        if !self.unannounced.remove(&new) && signals::is_traced(new) {
            self.state.add(new, process);
        }
        if event == libc::PTRACE_EVENT_VFORK {
            self.know(thread, |known| known.vforking = true);
        }
        self.go(thread, Go::On, 0)
    }

    /// A call is on its way in.
    fn call(&mut self, thread: i32) -> io::Result<()> {
        let mut regs = sys::registers(thread)?;
        if regs.is_foreign() {
            return self.refuse_foreign(thread);
        }
        let call = regs.call();
        self.know(thread, |known| {
            known.ended_by_signal = false;
            known.interruptible = signals::NOT_RESTARTED.contains(&call.number).then_some(regs);
            known.uninterrupted = None;
        });
        // The kernel restarts a call that was interrupted: it goes on to wait for the same time.
        let interrupted = self.state.threads.get_mut(&thread).and_then(|t| t.interrupted.take());
        if let Some(wait) = interrupted.filter(|wait| wait.asked == call) {
            return self.begin(thread, regs, wait);
        }
        let Some(row) = calls::row(call.number) else { return self.go(thread, Go::On, 0) };
        match (row.entered)(&mut Cx { state: &mut self.state, thread }, &call) {
            Entered::Pass => self.go(thread, Go::On, 0),
            Entered::Answer(result) => {
                regs.set_call(&Call { number: Call::NONE, ..call });
                regs.set_result(result);
                sys::set_call_number(thread, Call::NONE)?;
                sys::set_registers(thread, &regs)?;
                self.go(thread, Go::On, 0)
            }
            Entered::Wait(wait) => self.begin(thread, regs, wait),
        }
    }

    /// Lets the kernel carry out the call of a wait.
    fn begin(&mut self, thread: i32, regs: Regs, wait: Wait) -> io::Result<()> {
        if wait.call != wait.asked {
            let mut changed = regs;
            changed.set_call(&wait.call);
            if wait.call.number != wait.asked.number {
                sys::set_call_number(thread, wait.call.number)?;
            }
            sys::set_registers(thread, &changed)?;
        }
        let over = wait.deadline.is_some_and(|deadline| deadline <= self.now());
        self.state.enter(thread, wait);
        self.know(thread, |known| {
            known.regs = regs;
            known.firing = over;
        });
        if over {
            // The kernel looks once at what the call waits for, and does not sleep.
            sys::interrupt(thread)?;
        }
        self.go(thread, Go::ToReturn, 0)
    }

    /// A call of which the tracer wants to know the result is on its way out.
    fn returned(&mut self, thread: i32) -> io::Result<()> {
        let Some(wait) = self.state.leave(thread) else { return self.go(thread, Go::On, 0) };
        let result = sys::registers(thread)?.result();
        let firing = self.state.threads.get(&thread).is_some_and(|known| known.firing);
        let mut cx = Cx { state: &mut self.state, thread };
        if !is_interrupted(result)
            && let Some(call) = wait.family.again(&mut cx, &wait, result)
        {
            return self.go_again(thread, Wait { call, ..wait });
        }
        let result = if !is_interrupted(result) {
            wait.family.finished(&mut cx, &wait, result)
        } else if firing {
            wait.family.timed_out(&mut cx, &wait)
        } else {
            let code = wait.family.interrupted(&mut cx, &wait, result);
            self.know(thread, |known| known.interrupted = Some(wait));
            code
        };
        // The program may rely on it that a call leaves the other registers as they are.
        let Some(mut regs) = self.state.threads.get(&thread).map(|known| known.regs) else {
            return Ok(());
        };
        regs.set_result(result);
        sys::set_registers(thread, &regs)?;
        self.go(thread, Go::On, 0)
    }

    /// Lets a thread make its call once more, with other arguments.
    fn go_again(&mut self, thread: i32, wait: Wait) -> io::Result<()> {
        let Some(known) = self.state.threads.get_mut(&thread) else { return Ok(()) };
        let mut regs = known.regs;
        known.interrupted = Some(wait);
        regs.repeat_call();
        sys::set_registers(thread, &regs)?;
        self.go(thread, Go::On, 0)
    }

    /// Ends a thread's wait because its time is over.
    ///
    /// The thread may ask the world before its call returns: a poll looks at all descriptors once more, also if it was
    /// interrupted. So the world goes on meanwhile.
    pub(super) fn fire(&mut self, thread: i32, world: &mut dyn World) -> Result<(), Error> {
        let Some(known) = self.state.threads.get_mut(&thread) else { return Ok(()) };
        self.stats.timeouts += 1;
        known.firing = true;
        let held = known.held.as_ref().map(|held| held.deadline);
        if let Some(deadline) = known.wait.as_ref().and_then(|wait| wait.deadline).or(held) {
            self.state.due.remove(&(deadline, known.rank, thread));
        }
        if self.changes.iter().any(|(other, _)| *other == thread) {
            // Its call has ended by itself.
            return Ok(());
        }
        match sys::interrupt(thread) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(()),
            result => result.map_err(super::traced)?,
        }
        for _ in 0..MAX_WAITS {
            while let Some(change) = self.wait()? {
                self.changes.push_back(change);
                if change.0 == thread {
                    return Ok(());
                }
            }
            if world.collect().map_err(Error::World)? > 0 {
                self.serve(world)?;
            }
            rustix::thread::sched_yield();
        }
        // On a busy machine it has not run yet. Its stop is handled when it comes.
        Ok(())
    }

    /// A program that is not of the processor's own kind makes a call. Its numbers and structures differ from those that
    /// the tracer knows.
    pub(super) fn refuse_foreign(&mut self, thread: i32) -> io::Result<()> {
        let process = self.state.threads.get(&thread).map_or(thread, |known| known.process);
        self.state
            .notice("32-bit programs cannot run in virtual time: build the program for 64 bits");
        signals::kill(process, libc::SIGKILL);
        Ok(())
    }
}
