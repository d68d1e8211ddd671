//! The process that the user started. It forwards signals to the keeper, and ends with the command's exit status.

use super::{STATUS_FAILED, STAYS, tree};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{SignalFd, SignalSet, leads_session};
use aseqd_server::door::preload::library;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, WaitOptions, waitpid};
use std::os::fd::OwnedFd;

/// The front of a run.
#[derive(Debug)]
pub(super) struct Front {
    keeper_end: OwnedFd,
    keeper: Pid,
    signals: SignalFd,
}

impl Front {
    pub(super) fn new(keeper_end: OwnedFd, keeper: Pid, signals: &SignalSet) -> Result<Self, Fail> {
        let signals = SignalFd::new(signals).context("signals cannot be received")?;
        Ok(Self { keeper_end, keeper, signals })
    }

    /// Forwards signals until the keeper tells how the command ended. Returns the exit status.
    pub(super) fn run(self) -> Result<u8, Fail> {
        loop {
            let mut ready = [
                PollFd::new(&self.keeper_end, PollFlags::IN),
                PollFd::new(&self.signals, PollFlags::IN),
            ];
            match poll(&mut ready, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error).context("cannot wait"),
            }
            let answered = !ready[0].revents().is_empty();
            while let Some(signal) = self.signals.take().context("signals cannot be read")? {
                // A signal of the terminal reaches the command too, with one exception: if the terminal goes away,
                // the kernel sends SIGHUP to the leader of the session only.
                let hangup = signal.number == Signal::HUP.as_raw() && leads_session();
                if (signal.from_process || hangup)
                    && let Ok(number) = u8::try_from(signal.number)
                {
                    // If the keeper has died, the other descriptor shows it.
                    let _gone = rustix::io::write(&self.keeper_end, &[number]);
                }
            }
            if answered {
                return self.finish();
            }
        }
    }

    fn finish(self) -> Result<u8, Fail> {
        let mut status = [STATUS_FAILED, 0];
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&self.keeper_end, &mut status));
        let said = read.is_ok_and(|read| read > 0);
        if said && status[1] == STAYS {
            return Ok(status[0]);
        }
        let _reaped = waitpid(Some(self.keeper), WaitOptions::empty());
        if said {
            return Ok(status[0]);
        }
        // The processes that it has started have no server any more.
        tree::kill_all();
        library::remove_all_abandoned();
        Err(Fail::new("the process that serves the sequencer has died"))
    }
}
