//! `nanosleep` and `clock_nanosleep`.

use crate::arch::Call;
use crate::rows::{Row, When};
use crate::state::{Again, Cx, Entered, Family, RESTART_NO_HANDLER, Wait};

pub(crate) const ROWS: &[Row] = &[
    Row { number: libc::SYS_nanosleep, when: When::Always, entered: nanosleep },
    Row { number: libc::SYS_clock_nanosleep, when: When::Clock(0), entered: clock_nanosleep },
];

fn nanosleep(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let Some(duration) = cx.timespec(call.args[0]) else { return Entered::Pass };
    sleep(call, cx.after(duration), &Sleep { remaining: Some(1) }, duration == 0)
}

fn clock_nanosleep(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let clock = call.int(0);
    // Linux does not sleep on these.
    let refused =
        [libc::CLOCK_MONOTONIC_RAW, libc::CLOCK_REALTIME_COARSE, libc::CLOCK_MONOTONIC_COARSE];
    let Some(time) = cx.timespec(call.args[2]).filter(|_| !refused.contains(&clock)) else {
        return Entered::Pass;
    };
    if call.args[1] & libc::TIMER_ABSTIME as u64 == 0 {
        return sleep(call, cx.after(time), &Sleep { remaining: Some(3) }, time == 0);
    }
    let deadline = cx.state.clock.at(clock, time);
    let past = deadline.is_some_and(|deadline| deadline <= cx.now());
    sleep(call, deadline, &Sleep { remaining: None }, past)
}

fn sleep(call: &Call, deadline: Option<u64>, family: &'static Sleep, over: bool) -> Entered {
    if over {
        return Entered::Answer(0);
    }
    // A poll of nothing sleeps until a signal, as these calls do. It looks at no list, so the first argument stays:
    // on aarch64 some kernels make an interrupted call again with the one that it had before the tracer changed it, and
    // others with the changed one.
    let poll = Call { number: libc::SYS_ppoll, args: [call.args[0], 0, 0, 0, 0, 0] };
    Entered::Wait(Wait { asked: *call, call: poll, deadline, family })
}

/// A sleep; the argument that points to where the remaining time belongs, if it has one.
struct Sleep {
    remaining: Option<usize>,
}

impl Family for Sleep {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        0
    }

    fn interrupted(&self, _: &mut Cx<'_>, _: &Wait, _: i64) -> i64 {
        RESTART_NO_HANDLER
    }

    fn disturbed(&self, cx: &mut Cx<'_>, wait: &Wait) -> Again {
        let to = self.remaining.map_or(0, |index| wait.asked.args[index]);
        if to != 0 {
            let remaining = cx.remaining(wait);
            cx.set_timespec(to, remaining);
        }
        Again::SameDeadline
    }
}
