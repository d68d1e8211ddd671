//! What the programs of a run wait for, beside one another: the sequencer, and what drives the run.

use super::control::{Present, Requests};
use crate::run::forward::forward;
use crate::run::hotplug::Hotplug;
use aseqd_console::say;
use aseqd_engine::Time;
use aseqd_server::door::doors::Doors;
use aseqd_server::door::handover::Activity;
use aseqd_server::stepped::Stepped;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use vtime::{Control, World};

/// How long to wait for a request of the thread that hands files over, before looking at it again.
const OPENER_LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000 };

/// The server of a run, and what drives the run.
#[derive(Debug)]
pub(super) struct RunWorld<'a> {
    pub(super) server: Box<Stepped<Doors>>,
    pub(super) front: &'a OwnedFd,
    pub(super) hotplug: Option<Hotplug>,
    /// Tells whether the thread is at work that opens files for programs.
    pub(super) opener: Option<Activity>,
    /// The command's process, until it has ended.
    pub(super) command: Option<Pid>,
    pub(super) requests: Requests,
    /// Virtual `CLOCK_REALTIME` at the beginning, in ns.
    pub(super) epoch: i64,
    /// The present, as far as it is known.
    pub(super) now: u64,
    pub(super) front_has_died: bool,
}

impl RunWorld<'_> {
    const fn present(&self) -> Present {
        Present { now: self.now, epoch: self.epoch }
    }

    fn move_to(&mut self, now: u64) {
        self.now = self.now.max(now);
    }
}

impl World for RunWorld<'_> {
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let mut all: Vec<_> = self.server.door().descriptors().collect();
        all.push(self.front.as_fd());
        all.extend(self.hotplug.as_ref().map(|hotplug| hotplug.as_fd()));
        all.extend(self.requests.descriptors());
        all
    }

    fn collect(&mut self) -> io::Result<usize> {
        loop {
            let calls = self.server.collect()?;
            // A request of `aseqd ctl` counts too: its program sleeps, and time must not pass before it is heard.
            if calls == 0 && self.requests.are_there() {
                self.requests.attend(self.present());
            }
            if calls > 0 || !self.opener.as_ref().is_some_and(Activity::is_busy) {
                return Ok(calls);
            }
            // The thread ends its work, or asks the server for a file.
            let mut ready: Vec<_> = self
                .server
                .door()
                .descriptors()
                .map(|door| PollFd::from_borrowed_fd(door, PollFlags::IN))
                .collect();
            let _looked = poll(&mut ready, Some(&OPENER_LOOK));
        }
    }

    fn serve(&mut self, now: u64, rank: &dyn Fn(i32) -> u64) -> io::Result<()> {
        self.move_to(now);
        self.server.serve(Time(now), rank)
    }

    fn deadline(&self) -> Option<u64> {
        let due = self.server.deadline().map(|due| due.0);
        [due, self.requests.first_target()].into_iter().flatten().min()
    }

    fn advance(&mut self, now: u64) -> io::Result<()> {
        self.move_to(now);
        if self.server.deadline().is_some_and(|due| due.0 <= now) {
            // A request is answered when programs have done what this causes.
            return self.server.advance(Time(now));
        }
        self.requests.reached(self.present());
        Ok(())
    }

    fn attend(&mut self, control: &mut Control) -> io::Result<()> {
        self.move_to(control.now());
        if is_readable(self.front.as_fd()) && !forward(self.front, self.command) {
            self.front_has_died = true;
            // Nobody is left to see the status.
            control.end(0);
        }
        if let Some(hotplug) = self.hotplug.as_ref().filter(|hotplug| is_readable(hotplug.as_fd()))
        {
            // If no process can be started, new devices are not seen. Everything else goes on.
            let _as_before = hotplug.follow();
        }
        Ok(())
    }

    fn ended(&mut self, process: i32) {
        self.command = self.command.filter(|command| command.as_raw_pid() != process);
    }

    fn limit(&self) -> Option<u64> {
        self.requests.last_target()
    }

    fn is_asked_by(&self, thread: i32) -> bool {
        self.server.is_asking(thread)
    }

    fn notice(&mut self, text: &str) {
        say(&text);
    }
}

fn is_readable(descriptor: BorrowedFd<'_>) -> bool {
    let mut ready = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::io::retry_on_intr(|| poll(&mut ready, Some(&now))).is_ok_and(|ready| ready > 0)
}
