//! POSIX timers: `timer_create` and its kin.
//!
//! The kernel makes each timer, and so chooses its number and refuses what it would refuse. It is never armed there.

use super::{read, set, write};
use crate::arch::Call;
use crate::rows::{Row, When};
use crate::state::{Cx, Entered, Family, State, Wait};
use crate::sys;
use crate::timetable::{Event, Key, PosixTimer, Timers};
use std::fs;

pub(crate) const ROWS: &[Row] = &[
    Row { number: libc::SYS_timer_create, when: When::Clock(0), entered: timer_create },
    Row { number: libc::SYS_timer_settime, when: When::Always, entered: timer_settime },
    Row { number: libc::SYS_timer_gettime, when: When::Always, entered: timer_gettime },
    Row { number: libc::SYS_timer_getoverrun, when: When::Always, entered: timer_getoverrun },
    Row { number: libc::SYS_timer_delete, when: When::Always, entered: timer_delete },
];

fn timer_create(_: &mut Cx<'_>, call: &Call) -> Entered {
    Entered::Wait(Wait { asked: *call, call: *call, deadline: None, family: &Create })
}

struct Create;

impl Family for Create {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        0
    }

    fn finished(&self, cx: &mut Cx<'_>, wait: &Wait, result: i64) -> i64 {
        let [_, event, number, ..] = wait.asked.args;
        if result == 0
            && let Some(number) = cx.int_at(number)
        {
            let timer = PosixTimer {
                clock: wait.asked.int(0),
                event: sigevent(cx, event, number),
                overrun: 0,
                delivered: 0,
            };
            let key = (cx.process(), number);
            cx.state.timers.posix.insert(key, timer);
        }
        result
    }
}

/// Reads a `struct sigevent`: value, signal, what to do, thread.
fn sigevent(cx: &Cx<'_>, address: u64, number: i32) -> Option<Event> {
    if address == 0 {
        return Some(Event { signal: libc::SIGALRM, value: number.into(), thread: None });
    }
    let [value, _] = cx.words(address).ok()?;
    let [signal, notify, thread] = [8, 12, 16].map(|at| cx.int_at(address + at));
    let thread = match notify? {
        libc::SIGEV_NONE => return None,
        libc::SIGEV_THREAD_ID => Some(thread?),
        _ => None,
    };
    // The kernel has checked the number, but another thread may have changed it since.
    let signal = signal.filter(|signal| (1..=64).contains(signal))?;
    Some(Event { signal, value, thread })
}

fn key(cx: &Cx<'_>, call: &Call) -> Option<(i32, i32)> {
    let key = (cx.process(), call.int(0));
    cx.state.timers.posix.contains_key(&key).then_some(key)
}

/// Timers of CPU time are the kernel's, and what it would refuse it refuses.
fn timer_settime(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let Some(key) = key(cx, call) else { return Entered::Pass };
    let Some(clock) = cx.state.timers.posix.get(&key).map(|timer| timer.clock) else {
        return Entered::Pass;
    };
    let Some(setting) = read(cx, clock, call.int(1), call.args[2]) else { return Entered::Pass };
    set(cx, Key::Posix(key.0, key.1), setting, call.args[3])
}

fn timer_gettime(cx: &mut Cx<'_>, call: &Call) -> Entered {
    match key(cx, call) {
        Some((process, number)) if call.args[1] != 0 => {
            let setting = cx.state.timers.setting(Key::Posix(process, number));
            Entered::Answer(write(cx, call.args[1], setting))
        }
        _ => Entered::Pass,
    }
}

fn timer_getoverrun(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let timer = key(cx, call).and_then(|key| cx.state.timers.posix.get(&key));
    timer.map_or(Entered::Pass, |timer| Entered::Answer(timer.delivered.into()))
}

fn timer_delete(cx: &mut Cx<'_>, call: &Call) -> Entered {
    if let Some((process, number)) = key(cx, call) {
        cx.state.timers.posix.remove(&(process, number));
        cx.state.timers.take(Key::Posix(process, number));
    }
    Entered::Pass
}

/// A timer has expired.
pub(super) fn expired(state: &mut State, process: i32, number: i32, count: u64) {
    let Timers { posix, .. } = &mut state.timers;
    let Some(timer) = posix.get_mut(&(process, number)) else { return };
    let Some(event) = timer.event else { return };
    if is_pending(process, event) {
        timer.overrun = timer.overrun.saturating_add(count);
        return;
    }
    timer.overrun = count - 1;
    sys::send_timer_signal(process, event.thread, event.signal, number, event.value);
}

/// Returns whether the signal of a timer is waiting to be delivered.
fn is_pending(process: i32, event: Event) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", event.thread.unwrap_or(process)));
    let name = if event.thread.is_some() { "SigPnd:" } else { "ShdPnd:" };
    let Ok(status) = status else { return false };
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let mask = line.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    mask.unwrap_or_default() >> (event.signal - 1) & 1 == 1
}
