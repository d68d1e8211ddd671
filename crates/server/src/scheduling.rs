//! How the server's thread is scheduled: real-time where that is to be had, ordinary in traffic.

use super::pace::Pace;
use aseqd_engine::Time;
use aseqd_host::realtime;
use aseqd_host::rtkit::Rtkit;
use rustix::thread::{gettid, nanosleep};
use rustix::time::Timespec;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Long enough to be a sleep on any machine.
const REST: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000 };

/// What is known of it.
#[derive(Debug)]
pub(super) struct Scheduling {
    state: State,
    /// How long the thread may run without sleeping, in nanoseconds; 0 for as long as it likes.
    longest_run: Arc<AtomicU64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As it was started, or as rtkit has made it: what was given up could not be had again.
    Fixed,
    /// `SCHED_FIFO`.
    RealTime,
    /// `SCHED_OTHER`, for a while.
    Ordinary,
}

impl Scheduling {
    /// As this thread was started.
    pub(super) fn as_started() -> Self {
        Self { state: State::Fixed, longest_run: Arc::default() }
    }

    /// Real-time for this thread: at once if it may have that by itself, else as soon as rtkit says so,
    /// which another thread asks for; else as it was started.
    pub(super) fn real_time() -> Self {
        let mut scheduling = Self::as_started();
        if realtime::schedule(true).is_ok() {
            scheduling.state = State::RealTime;
            // A limit that somebody has set for us, such as a service manager.
            if let Some(limit) = realtime::run_limit()
                && realtime::outlive_run_limit().is_ok()
            {
                let limit = realtime::limit_run(limit).unwrap_or(limit);
                scheduling.longest_run.store(nanoseconds(limit), Ordering::Relaxed);
            }
        } else if realtime::outlive_run_limit().is_ok() {
            let thread = gettid().as_raw_nonzero().get().unsigned_abs().into();
            let longest_run = Arc::clone(&scheduling.longest_run);
            // Without an rtkit, or a thread to ask it, all goes on as it is.
            let asking = std::thread::Builder::new().name("rtkit".into());
            let _thread = asking.spawn(move || ask_rtkit(thread, &longest_run));
        }
        scheduling
    }

    /// Real-time at rest, ordinary in traffic.
    pub(super) fn follow(&mut self, busy: bool) {
        let wanted = if busy { State::Ordinary } else { State::RealTime };
        if self.state == State::Fixed || self.state == wanted {
            return;
        }
        self.state = match realtime::schedule(!busy) {
            Ok(()) => wanted,
            // The privilege is gone: it will not come back.
            Err(_) => State::Fixed,
        };
    }

    /// Sleeps for a moment, if the thread has run for so long that it would lose its priority.
    pub(super) fn rest_if_due(&self, now: Time, pace: &mut Pace) {
        let longest_run = self.longest_run.load(Ordering::Relaxed);
        if longest_run == 0 || !pace.must_rest(now, longest_run, realtime::sleeps) {
            return;
        }
        // A sleep that a signal ends was one.
        let _interrupted = nanosleep(&REST);
    }
}

/// Before the thread is a real-time one, it knows how long it may run.
fn ask_rtkit(thread: u64, longest_run: &AtomicU64) -> io::Result<()> {
    let mut rtkit = Rtkit::connect()?;
    let limit = realtime::limit_run(rtkit.longest_run()?)?;
    longest_run.store(nanoseconds(limit), Ordering::Relaxed);
    let made = rtkit.make_real_time(thread, realtime::PRIORITY.into());
    if made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        longest_run.store(0, Ordering::Relaxed);
    }
    made
}

/// At least 1, since 0 is no limit.
fn nanoseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX).max(1)
}
