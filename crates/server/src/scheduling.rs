//! Schedules the server's thread: real-time where that is allowed, ordinary while many calls come.

use aseqd_engine::Time;
use aseqd_host::realtime;
use aseqd_host::rtkit::Rtkit;
use rustix::thread::{gettid, nanosleep};
use rustix::time::Timespec;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A sleep that is long enough to be one on any machine.
const REST: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000 };

/// How often a thread that must sleep from time to time is looked at in that time. It may have slept right
/// after a look, so that it has run for two of these parts when it has to sleep.
const LOOKS: u64 = 4;

/// How the server's thread is scheduled now, and how it may be.
#[derive(Debug)]
pub(super) struct Scheduling {
    state: State,
    rest: Rest,
    /// How long the thread may run without sleeping, in nanoseconds; 0 for as long as it likes.
    longest_run: Arc<AtomicU64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As it was started, or as rtkit has made it: a priority that was given up could not be had again.
    Fixed,
    /// `SCHED_FIFO`.
    RealTime,
    /// `SCHED_OTHER`, for a while.
    Ordinary,
}

impl Scheduling {
    /// Leaves this thread as it was started.
    pub(super) fn as_started() -> Self {
        Self { state: State::Fixed, rest: Rest::default(), longest_run: Arc::default() }
    }

    /// Makes this thread a real-time one: at once if it may do that by itself, else as soon as rtkit does
    /// it, which another thread asks. If neither does, it stays as it was started.
    pub(super) fn real_time() -> Self {
        let mut scheduling = Self::as_started();
        if realtime::schedule(true).is_ok() {
            scheduling.state = State::RealTime;
            // A service manager, for example, may have set a limit.
            if let Some(limit) = realtime::run_limit()
                && realtime::outlive_run_limit().is_ok()
            {
                let limit = realtime::limit_run(limit).unwrap_or(limit);
                scheduling.longest_run.store(nanoseconds(limit), Ordering::Relaxed);
            }
        } else if realtime::outlive_run_limit().is_ok() {
            let thread = gettid().as_raw_nonzero().get().unsigned_abs().into();
            let longest_run = Arc::clone(&scheduling.longest_run);
            // Without an rtkit, or a thread to ask it, everything goes on as it is.
            let asking = std::thread::Builder::new().name("rtkit".into());
            let _thread = asking.spawn(move || ask_rtkit(thread, &longest_run));
        }
        scheduling
    }

    /// Makes the thread ordinary while it is busy, and real-time otherwise.
    pub(super) fn follow(&mut self, busy: bool) {
        let wanted = if busy { State::Ordinary } else { State::RealTime };
        if self.state == State::Fixed || self.state == wanted {
            return;
        }
        self.state = match realtime::schedule(!busy) {
            Ok(()) => wanted,
            // The privilege is gone, and will not come back.
            Err(_) => State::Fixed,
        };
    }

    /// Sleeps for a moment if the thread has run for so long that it would soon lose its priority.
    pub(super) fn rest_if_due(&mut self, now: Time) {
        let longest_run = self.longest_run.load(Ordering::Relaxed);
        if longest_run == 0 || !self.rest.is_due(now, longest_run, realtime::sleeps) {
            return;
        }
        // A sleep that a signal ends counts too.
        let _interrupted = nanosleep(&REST);
    }
}

/// Finds out when a thread must sleep for a moment.
#[derive(Debug, Default)]
struct Rest {
    /// How often the thread had slept when that was looked at.
    sleeps: u64,
    last_look: Time,
}

impl Rest {
    /// Returns whether the thread must sleep, because it may not run for longer than `longest_run`
    /// nanoseconds without: true at the latest after half of that. `sleeps` returns how often it has slept
    /// so far: what looks like a sleep by the clock may have been the machine's, not ours.
    fn is_due(&mut self, now: Time, longest_run: u64, sleeps: impl FnOnce() -> u64) -> bool {
        if now - self.last_look < longest_run / LOOKS {
            return false;
        }
        self.last_look = now;
        let before = std::mem::replace(&mut self.sleeps, sleeps());
        before == self.sleeps
    }
}

/// Asks rtkit to make a thread a real-time one. The limit is known before it is one.
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

/// Returns a limit in nanoseconds: at least 1, since 0 stands for none.
fn nanoseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROSECOND: u64 = 1000;
    const SECOND_NS: u64 = 1_000_000_000;

    #[test]
    fn a_server_that_never_sleeps_is_made_to_after_half_of_what_it_may_run() {
        const LONGEST: u64 = 100_000 * MICROSECOND;
        const STEP: u64 = 300 * MICROSECOND;
        let mut thread = Rest::default();
        let (mut now, mut slept, mut sleeps) = (Time(SECOND_NS), Time(SECOND_NS), 1);
        let mut rests = 0;
        for step in 0..100_000 {
            now.0 += STEP;
            // From time to time it does sleep, at any moment.
            if step % 1009 == 0 {
                (slept, sleeps) = (now, sleeps + 1);
            }
            if thread.is_due(now, LONGEST, || sleeps) {
                rests += 1;
                (slept, sleeps) = (now, sleeps + 1);
            }
            assert!(now - slept <= LONGEST / 2 + 2 * STEP, "{} at {now:?}", now - slept);
        }
        assert!(rests >= 300, "{rests} in 30 s");
    }

    #[test]
    fn a_server_that_sleeps_is_not_made_to() {
        let mut thread = Rest::default();
        let (mut now, mut looks) = (Time(SECOND_NS), 0_u64);
        for sleeps in 1..10_000 {
            now.0 += 10_000 * MICROSECOND;
            let rest = thread.is_due(now, 100_000 * MICROSECOND, || {
                looks += 1;
                sleeps
            });
            assert!(!rest);
        }
        assert!((3000..=4000).contains(&looks), "looks cost a system call: {looks} in 100 s");
    }
}
