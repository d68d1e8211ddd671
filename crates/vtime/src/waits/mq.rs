//! `mq_timedsend` and `mq_timedreceive`.

use crate::arch::Call;
use crate::rows::{Row, When};
use crate::state::{Cx, Entered, Family, Wait, errno};

pub(crate) const ROWS: &[Row] = &[
    Row { number: libc::SYS_mq_timedsend, when: When::Given(4), entered: wait },
    Row { number: libc::SYS_mq_timedreceive, when: When::Given(4), entered: wait },
];

/// The timeout is a time of day.
fn wait(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let Some(time) = cx.timespec(call.args[4]) else { return Entered::Pass };
    let deadline = cx.state.clock.at(libc::CLOCK_REALTIME, time);
    Entered::Wait(Wait { asked: *call, call: call.with(4, 0), deadline, family: &Queue })
}

struct Queue;

impl Family for Queue {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        errno(libc::ETIMEDOUT)
    }

    /// With and without a timeout, the kernel restarts it after a handler if `SA_RESTART` says so.
    fn interrupted(&self, _: &mut Cx<'_>, _: &Wait, code: i64) -> i64 {
        code
    }
}
