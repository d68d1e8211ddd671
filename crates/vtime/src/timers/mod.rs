//! Timers of programs: timerfd, POSIX timers and the real-time timer of `setitimer` and `alarm`.
//!
//! The kernel's own timers are never armed. Their settings are here, and what they do when they are due is done by the
//! tracer. Those that are due at the same time expire in the order in which they were armed, before any wait ends.

pub(crate) mod itimer;
pub(crate) mod posix;
pub(crate) mod timerfd;

use crate::clock::{Clock, SECOND};
use crate::state::{Cx, Entered, State, errno};
use crate::timetable::{Key, Setting};

/// The flag of an absolute time: `TIMER_ABSTIME` and `TFD_TIMER_ABSTIME`.
const ABSOLUTE: i32 = 1;

/// Does what is due now: one expiry a timer, in order. Returns whether anything was.
pub(crate) fn expire(state: &mut State) -> bool {
    let now = state.clock.now();
    let mut any = false;
    while let Some((time, order, key)) = state.timers.due.first().copied() {
        if time > now {
            break;
        }
        let mut setting = state.timers.take(key);
        let count = setting.expire(now);
        state.timers.put(key, setting, order);
        match key {
            Key::File(number) => timerfd::expired(state, number, count),
            Key::Posix(process, number) => posix::expired(state, process, number, count),
            Key::Real(process) => itimer::expired(process),
        }
        any = true;
    }
    any
}

/// Reads a `struct itimerspec` and says what a timer is set to by it. Returns `None` where the kernel would refuse it.
fn read(cx: &Cx<'_>, clock: i32, flags: i32, address: u64) -> Option<Setting> {
    let words = cx.words::<4>(address).ok()?;
    let time = |seconds: i64, ns: i64| {
        let (seconds, ns) = (u64::try_from(seconds).ok()?, u64::try_from(ns).ok()?);
        (ns < SECOND).then(|| seconds.saturating_mul(SECOND).saturating_add(ns))
    };
    let [interval, value] = [time(words[0], words[1])?, time(words[2], words[3])?];
    Some(setting(&cx.state.clock, clock, flags, value, interval))
}

fn setting(clock: &Clock, number: i32, flags: i32, value: u64, interval: u64) -> Setting {
    let due = match value {
        0 => None,
        value if flags & ABSOLUTE != 0 => clock.at(number, value),
        value => clock.after(value),
    };
    Setting { due, interval }
}

/// Writes a `struct itimerspec`, unless the address is 0. Returns the result of the call.
fn write(cx: &mut Cx<'_>, address: u64, setting: Setting) -> i64 {
    if address == 0 {
        return 0;
    }
    let times = [setting.interval, setting.left(cx.now())];
    let [[a, b], [c, d]] = times.map(|ns| [ns / SECOND, ns % SECOND].map(u64::cast_signed));
    match cx.set_words(address, [a, b, c, d]) {
        Ok(()) => 0,
        Err(_) => errno(libc::EFAULT),
    }
}

/// Carries out a call that sets a timer to a `struct itimerspec`.
fn set(cx: &mut Cx<'_>, key: Key, setting: Setting, old: u64) -> Entered {
    let before = cx.state.timers.set(key, setting);
    let result = write(cx, old, before);
    // A time in the past is over at once.
    expire(cx.state);
    Entered::Answer(result)
}
