//! `setitimer`, `getitimer` and `alarm`: the real-time timer of a process. Those of CPU time are the kernel's.

use super::{expire, setting};
use crate::arch::Call;
use crate::clock::SECOND;
use crate::rows::{Row, When};
use crate::state::{Cx, Entered, errno};
use crate::sys;
use crate::timetable::{Key, REAL_TIMER, Setting};

pub(crate) const ROWS: &[Row] = &[
    Row { number: libc::SYS_setitimer, when: When::Always, entered: setitimer },
    Row { number: libc::SYS_getitimer, when: When::Always, entered: getitimer },
    #[cfg(target_arch = "x86_64")]
    Row { number: libc::SYS_alarm, when: When::Always, entered: alarm },
];

/// `ITIMER_REAL` of `sys/time.h`.
const REAL: i32 = 0;

fn setitimer(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let [_, new, old, ..] = call.args;
    if call.int(0) != REAL {
        return Entered::Pass;
    }
    let setting = if new == 0 {
        Setting::default()
    } else {
        let Ok(words) = cx.words::<4>(new) else { return Entered::Pass };
        let time = |seconds: i64, us: i64| {
            let (seconds, us) = (u64::try_from(seconds).ok()?, u64::try_from(us).ok()?);
            (us < 1_000_000).then(|| seconds.saturating_mul(SECOND).saturating_add(us * 1000))
        };
        let [Some(interval), Some(value)] = [time(words[0], words[1]), time(words[2], words[3])]
        else {
            return Entered::Pass;
        };
        setting(&cx.state.clock, libc::CLOCK_MONOTONIC, 0, value, interval)
    };
    let before = cx.state.timers.set(Key::Real(cx.process()), setting);
    expire(cx.state);
    Entered::Answer(if old == 0 { 0 } else { write(cx, old, before) })
}

fn getitimer(cx: &mut Cx<'_>, call: &Call) -> Entered {
    if call.int(0) != REAL {
        return Entered::Pass;
    }
    let setting = cx.state.timers.setting(Key::Real(cx.process()));
    Entered::Answer(write(cx, call.args[1], setting))
}

/// Writes a `struct itimerval`. Returns the result of the call.
fn write(cx: &mut Cx<'_>, address: u64, setting: Setting) -> i64 {
    let times = [setting.interval, setting.left(cx.now())];
    let [[a, b], [c, d]] = times.map(|ns| [ns / SECOND, ns % SECOND / 1000].map(u64::cast_signed));
    match cx.set_words(address, [a, b, c, d]) {
        Ok(()) => 0,
        Err(_) => errno(libc::EFAULT),
    }
}

#[cfg(target_arch = "x86_64")]
fn alarm(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let seconds = u64::from(call.int(0).cast_unsigned());
    let setting = setting(&cx.state.clock, libc::CLOCK_MONOTONIC, 0, seconds * SECOND, 0);
    let before = cx.state.timers.set(Key::Real(cx.process()), setting);
    let left = before.left(cx.now());
    let (seconds, ns) = (left / SECOND, left % SECOND);
    // Rounded to the nearest second, but not to none.
    let up = ns >= SECOND / 2 || (seconds == 0 && ns > 0);
    Entered::Answer((seconds + u64::from(up)).cast_signed())
}

/// The timer of a process has expired.
pub(super) fn expired(process: i32) {
    sys::send_timer_signal(process, None, libc::SIGALRM, REAL_TIMER, 0);
}
