//! `rt_sigtimedwait`.

use crate::arch::Call;
use crate::rows::{Row, When};
use crate::state::{Cx, Entered, Family, Wait, errno};
use crate::timetable::INFO_SIZE;

pub(crate) const ROWS: &[Row] = &[
    // Without a timeout too: what it returns may be the signal of a timer.
    Row { number: libc::SYS_rt_sigtimedwait, when: When::Always, entered: rt_sigtimedwait },
];

fn rt_sigtimedwait(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let timeout = call.args[2];
    let (wait, deadline) = match cx.timespec(timeout) {
        // The kernel refuses it, or looks once.
        None if timeout != 0 => return Entered::Pass,
        Some(0) | None => (*call, None),
        Some(duration) => (call.with(2, 0), cx.after(duration)),
    };
    Entered::Wait(Wait { asked: *call, call: wait, deadline, family: &Signal })
}

/// A wait for a signal, which another signal ends with `EINTR` whether it has a handler or not.
struct Signal;

impl Family for Signal {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        errno(libc::EAGAIN)
    }

    fn finished(&self, cx: &mut Cx<'_>, wait: &Wait, result: i64) -> i64 {
        let (process, info) = (cx.process(), wait.asked.args[1]);
        if result > 0
            && info != 0
            && let Ok(mut words) = cx.words::<INFO_SIZE>(info)
            && cx.state.timers.delivered(process, &mut words)
        {
            let _written = cx.set_words(info, words);
        }
        result
    }
}
