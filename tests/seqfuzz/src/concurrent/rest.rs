//! Decides when a call that sleeps on a device is not going to return by itself.
//!
//! A server answers a call after everything that the call has caused, so a call that sleeps for a while after the last
//! answer is not woken by the others. On a busy machine "a while" may be too short for its thread even to begin the call.
//! So the load is measured before a call is taken for asleep: every process with such a call makes another one, whose time
//! is known to be short, and the time that this took counts several times. Where Linux says of every thread that it sleeps,
//! none is on its way, and the while is shorter.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Shortest time after the last answer of a stretch at which calls are taken for asleep.
const IDLE: Duration = Duration::from_millis(20);
/// The same where all threads that could make a call, or return from one, sleep.
const SETTLED: Duration = Duration::from_millis(2);
/// How often threads are looked at.
const LOOK: Duration = Duration::from_millis(1);
/// How many times the time of the slowest probe passes after it.
const TIMES: u32 = 4;

/// What has been heard of the calls of a stretch.
#[derive(Debug)]
pub(super) struct Rest {
    /// The time of the last answer, or of the last signals.
    last: Instant,
    /// When threads were last looked at.
    looked: Instant,
    /// When the probes were begun, and which of them have not been answered.
    asked: Option<(Instant, BTreeSet<usize>)>,
    /// When the last probe was answered, and how long it took.
    told: Option<(Instant, Duration)>,
}

/// What is to do about calls that have not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing yet.
    Wait,
    /// Probes are to be begun.
    Probe,
    /// They sleep, and nothing wakes them.
    Asleep,
}

impl Rest {
    /// Returns one for calls that begin now.
    pub(super) const fn new(now: Instant) -> Self {
        Self { last: now, looked: now, asked: None, told: None }
    }

    /// Begins anew: a call was answered, or signals were sent.
    pub(super) fn again(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    /// Notes the numbers of probes that begin now.
    pub(super) fn probes(&mut self, now: Instant, numbers: BTreeSet<usize>) {
        self.told = numbers.is_empty().then_some((now, Duration::ZERO));
        self.asked = Some((now, numbers));
    }

    /// Notes the answer to a probe. Returns whether the number is one of a probe.
    pub(super) fn answered(&mut self, now: Instant, number: usize) -> bool {
        let Some((asked, left)) = &mut self.asked else { return false };
        let is_probe = left.remove(&number);
        if is_probe && left.is_empty() {
            self.told = Some((now, now - *asked));
        }
        is_probe
    }

    /// Returns the time since the last answer.
    pub(super) fn since(&self, now: Instant) -> Duration {
        now - self.last
    }

    /// Returns what is to do now. `sleep` looks whether all threads sleep.
    pub(super) fn next(&mut self, now: Instant, sleep: impl FnOnce() -> bool) -> Next {
        let (next, since) = match (&self.asked, self.told) {
            (None, _) if now - self.last > SETTLED => (Next::Probe, self.last),
            (Some(_), Some((told, took))) if now - told >= took * TIMES => (Next::Asleep, told),
            _ => return Next::Wait,
        };
        if now - since > IDLE {
            return next;
        }
        if now - self.looked < LOOK {
            return Next::Wait;
        }
        self.looked = now;
        if sleep() { next } else { Next::Wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_asleep_after_a_time_that_follows_the_load() {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let mut rest = Rest::new(began);
        let awake = || false;
        assert_eq!(rest.next(at(20), awake), Next::Wait);
        assert_eq!(rest.next(at(21), awake), Next::Probe);
        rest.probes(at(21), [7, 8].into());
        assert_eq!(rest.next(at(5000), awake), Next::Wait, "a probe takes seconds");
        assert!(rest.answered(at(30), 8));
        assert!(!rest.answered(at(30), 8) && !rest.answered(at(30), 3));
        assert_eq!(rest.next(at(5000), awake), Next::Wait, "one of two");
        assert!(rest.answered(at(521), 7));
        assert_eq!(rest.next(at(521 + 1999), awake), Next::Wait);
        assert_eq!(rest.next(at(521 + 2000), awake), Next::Asleep);
        rest.again(at(600));
        assert_eq!(rest.next(at(620), awake), Next::Wait);
        assert_eq!(rest.next(at(621), awake), Next::Probe);
        assert!(!rest.answered(at(621), 7), "an answer to an earlier probe");
        assert_eq!(rest.since(at(621)), Duration::from_millis(21));
    }

    #[test]
    fn threads_that_all_sleep_are_not_waited_for_longer_than_a_probe_says() {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let mut rest = Rest::new(began);
        assert_eq!(rest.next(at(2), || unreachable!("it is too soon to look")), Next::Wait);
        assert_eq!(rest.next(at(3), || false), Next::Wait);
        assert_eq!(rest.next(at(3), || unreachable!("it has just looked")), Next::Wait);
        assert_eq!(rest.next(at(4), || true), Next::Probe);
        rest.probes(at(4), [7].into());
        assert!(rest.answered(at(5), 7));
        assert_eq!(rest.next(at(8), || true), Next::Wait);
        assert_eq!(rest.next(at(9), || false), Next::Wait, "a thread was woken meanwhile");
        assert_eq!(rest.next(at(10), || true), Next::Asleep);
    }
}
