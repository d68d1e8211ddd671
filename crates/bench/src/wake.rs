//! Ways to wake at an instant, in a thread with nothing else to do. A sequencer cannot do better.

use super::device::now_ns;
use aseqd_host::error::{Context as _, Fail};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::thread::{ClockId, clock_nanosleep_absolute};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::os::fd::OwnedFd;

const SECOND_NS: u64 = 1_000_000_000;
const MILLISECOND_NS: u64 = 1_000_000;

/// A timerfd in an epoll set, armed anew for each instant.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: OwnedFd,
    epoll: OwnedFd,
}

impl Alarm {
    pub(super) fn new() -> Result<Self, Fail> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags).context("timerfd")?;
        let epoll = epoll::create(CreateFlags::CLOEXEC).context("epoll")?;
        epoll::add(&epoll, &timer, EventData::new_u64(0), EventFlags::IN).context("epoll")?;
        Ok(Self { timer, epoll })
    }

    /// Sleeps until an instant, and returns when it woke.
    pub(super) fn sleep_until(&self, at: u64) -> Result<u64, Fail> {
        self.arm(at, 0)?;
        self.wait()
    }

    /// Sets the alarm to an instant, and then to every `interval` nanoseconds unless that is 0.
    fn arm(&self, at: u64, interval: u64) -> Result<(), Fail> {
        let setting = Itimerspec { it_interval: timespec(interval), it_value: timespec(at.max(1)) };
        let set = timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &setting);
        set.map(drop).context("timerfd")
    }

    fn wait(&self) -> Result<u64, Fail> {
        let mut events = Vec::with_capacity(1);
        while events.is_empty() {
            let spare = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.epoll, spare, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error).context("epoll"),
            }
        }
        let woke = now_ns();
        let mut expirations = [0; 8];
        rustix::io::read(&self.timer, &mut expirations).context("timerfd")?;
        Ok(woke)
    }
}

/// Returns when a timerfd in an epoll set woke for each instant.
pub(super) fn timerfd(instants: &[u64]) -> Result<Vec<u64>, Fail> {
    let alarm = Alarm::new()?;
    instants.iter().map(|at| alarm.sleep_until(*at)).collect()
}

/// Returns when `clock_nanosleep` woke for each instant.
pub(super) fn nanosleep(instants: &[u64]) -> Result<Vec<u64>, Fail> {
    let sleep = |at: &u64| {
        rustix::io::retry_on_intr(|| clock_nanosleep_absolute(ClockId::Monotonic, &timespec(*at)))
            .context("clock_nanosleep")?;
        Ok(now_ns())
    };
    instants.iter().map(sleep).collect()
}

/// Returns when a periodic timerfd woke a sleeping read for each period. The first period ends at `first`.
pub(super) fn periodic(first: u64, period: u64, count: usize) -> Result<Vec<u64>, Fail> {
    let timer =
        timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).context("timerfd")?;
    let setting = Itimerspec { it_interval: timespec(period), it_value: timespec(first) };
    timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &setting).context("timerfd")?;
    let mut woke = Vec::with_capacity(count);
    while woke.len() < count {
        let mut expirations = [0; 8];
        rustix::io::retry_on_intr(|| rustix::io::read(&timer, &mut expirations))
            .context("timerfd")?;
        let now = now_ns();
        // All periods that have passed were noticed now.
        let passed = usize::try_from(u64::from_ne_bytes(expirations)).unwrap_or(count);
        woke.extend(std::iter::repeat_n(now, passed.min(count - woke.len())));
    }
    Ok(woke)
}

/// Returns when a tick of 1 kHz found that each instant had passed.
pub(super) fn tick(instants: &[u64]) -> Result<Vec<u64>, Fail> {
    let alarm = Alarm::new()?;
    alarm.arm(now_ns() + MILLISECOND_NS, MILLISECOND_NS)?;
    let mut woke = 0;
    let mut found = Vec::with_capacity(instants.len());
    for at in instants {
        while woke < *at {
            woke = alarm.wait()?;
        }
        found.push(woke);
    }
    Ok(found)
}

fn timespec(nanoseconds: u64) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(nanoseconds / SECOND_NS).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(nanoseconds % SECOND_NS).unwrap_or(0),
    }
}
