//! Calls that read or set clocks.

use crate::arch::Call;
use crate::clock::SECOND;
use crate::rows::{Row, When};
use crate::state::{Cx, Entered, Family, Wait, errno};

/// Ticks a second in the result of `times`: `USER_HZ`, the same on both processors.
const TICKS: u64 = 100;

pub(crate) const ROWS: &[Row] = &[
    Row { number: libc::SYS_clock_gettime, when: When::Clock(0), entered: clock_gettime },
    Row { number: libc::SYS_gettimeofday, when: When::Always, entered: gettimeofday },
    #[cfg(target_arch = "x86_64")]
    Row { number: libc::SYS_time, when: When::Always, entered: time },
    Row { number: libc::SYS_times, when: When::Always, entered: times },
    Row { number: libc::SYS_sched_yield, when: When::Always, entered: sched_yield },
    Row { number: libc::SYS_clock_settime, when: When::Clock(0), entered: refuse },
    Row { number: libc::SYS_settimeofday, when: When::Always, entered: refuse },
    Row { number: libc::SYS_adjtimex, when: When::Given(0), entered: adjtimex },
    Row { number: libc::SYS_clock_adjtime, when: When::Clock(0), entered: adjtimex },
];

fn clock_gettime(cx: &mut Cx<'_>, call: &Call) -> Entered {
    cx.state.count_read(cx.thread);
    let Some(time) = cx.state.clock.read(call.int(0)) else { return Entered::Pass };
    let second = SECOND.cast_signed();
    let words = [time.div_euclid(second), time.rem_euclid(second)];
    Entered::Answer(written(cx.set_words(call.args[1], words)))
}

fn gettimeofday(cx: &mut Cx<'_>, call: &Call) -> Entered {
    cx.state.count_read(cx.thread);
    let (seconds, us) = realtime(cx);
    let [tv, zone, ..] = call.args;
    let mut result = 0;
    if tv != 0 {
        result = written(cx.set_words(tv, [seconds, us]));
    }
    // Minutes west of Greenwich and the kind of summer time, two numbers of 32 bits.
    if zone != 0 && result == 0 {
        result = written(cx.set_words(zone, [0]));
    }
    Entered::Answer(result)
}

#[cfg(target_arch = "x86_64")]
fn time(cx: &mut Cx<'_>, call: &Call) -> Entered {
    cx.state.count_read(cx.thread);
    let (seconds, _) = realtime(cx);
    let result = match call.args[0] {
        0 => 0,
        to => written(cx.set_words(to, [seconds])),
    };
    Entered::Answer(if result == 0 { seconds } else { result })
}

/// The kernel fills in the CPU times; only the result is the virtual clock's.
fn times(cx: &mut Cx<'_>, call: &Call) -> Entered {
    cx.state.count_read(cx.thread);
    Entered::Wait(Wait { asked: *call, call: *call, deadline: None, family: &Times })
}

struct Times;

impl Family for Times {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        0
    }

    fn finished(&self, cx: &mut Cx<'_>, _: &Wait, result: i64) -> i64 {
        if result < 0 && result >= errno(4095) {
            return result;
        }
        (cx.now() / (SECOND / TICKS)).cast_signed()
    }
}

/// A thread that gives way again and again waits for another one, or for a time.
fn sched_yield(cx: &mut Cx<'_>, _: &Call) -> Entered {
    cx.state.count_read(cx.thread);
    Entered::Pass
}

/// Setting a clock is refused as for an ordinary user. It would change the machine's clock, not the run's.
fn refuse(_: &mut Cx<'_>, _: &Call) -> Entered {
    Entered::Answer(errno(libc::EPERM))
}

/// What the kernel's clock is steered by is read from the machine; the time in it is virtual.
fn adjtimex(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let timex = timex(call);
    // The first field says what to change.
    match cx.words::<1>(timex) {
        Ok([modes]) if modes & 0xffff_ffff != 0 => Entered::Answer(errno(libc::EPERM)),
        Ok(_) => {
            Entered::Wait(Wait { asked: *call, call: *call, deadline: None, family: &Adjtimex })
        }
        Err(_) => Entered::Pass,
    }
}

const fn timex(call: &Call) -> u64 {
    if call.number == libc::SYS_adjtimex { call.args[0] } else { call.args[1] }
}

struct Adjtimex;

impl Family for Adjtimex {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        0
    }

    fn finished(&self, cx: &mut Cx<'_>, wait: &Wait, result: i64) -> i64 {
        if result >= 0 {
            let (seconds, us) = realtime(cx);
            let at = std::mem::offset_of!(libc::timex, time) as u64;
            let _written = cx.set_words(timex(&wait.asked) + at, [seconds, us]);
        }
        result
    }
}

/// Returns the time of day: seconds and microseconds.
fn realtime(cx: &Cx<'_>) -> (i64, i64) {
    let time = cx.state.clock.read(libc::CLOCK_REALTIME).unwrap_or_default();
    let us = time.div_euclid(1000);
    (us.div_euclid(1_000_000), us.rem_euclid(1_000_000))
}

fn written(result: std::io::Result<()>) -> i64 {
    if result.is_ok() { 0 } else { errno(libc::EFAULT) }
}
