//! `futex`, `futex_waitv` and `futex_wait`.

use crate::arch::Call;
use crate::rows::{Row, When};
use crate::state::{Cx, Entered, Family, RESTART_NO_HANDLER, Wait, errno};

/// Operations of `linux/futex.h`.
const WAIT: u32 = 0;
const LOCK_PI: u32 = 6;
const WAIT_BITSET: u32 = 9;
const WAIT_REQUEUE_PI: u32 = 11;
const LOCK_PI2: u32 = 13;
/// What an operation is without its flags.
const COMMAND: u32 = 127;
/// The flag of an operation whose timeout is on `CLOCK_REALTIME`.
const REALTIME: u32 = 256;

/// `futex_wait` of Linux 6.7, which libc does not have.
const SYS_FUTEX_WAIT: i64 = 455;

pub(crate) const ROWS: &[Row] = &[
    Row {
        number: libc::SYS_futex,
        when: When::OneOf(1, COMMAND, &[WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2], 3),
        entered: futex,
    },
    Row { number: libc::SYS_futex_waitv, when: When::Given(3), entered: futex_waitv },
    Row { number: SYS_FUTEX_WAIT, when: When::Given(4), entered: futex_wait },
];

fn futex(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let Some(time) = cx.timespec(call.args[3]) else { return Entered::Pass };
    let operation = call.int(1).cast_unsigned();
    let (command, realtime) = (operation & COMMAND, operation & REALTIME != 0);
    // The kernel refuses the flag of the clock with these.
    if realtime && [WAIT, LOCK_PI].contains(&command) {
        return Entered::Pass;
    }
    let deadline = if command == WAIT {
        cx.after(time)
    } else if command == LOCK_PI || realtime {
        cx.state.clock.at(libc::CLOCK_REALTIME, time)
    } else {
        cx.state.clock.at(libc::CLOCK_MONOTONIC, time)
    };
    let family = if [WAIT, WAIT_BITSET].contains(&command) {
        &Futex { handler_restarts: false }
    } else {
        &Futex { handler_restarts: true }
    };
    Entered::Wait(Wait { asked: *call, call: call.with(3, 0), deadline, family })
}

fn futex_waitv(cx: &mut Cx<'_>, call: &Call) -> Entered {
    absolute(cx, call, 3, call.int(4))
}

fn futex_wait(cx: &mut Cx<'_>, call: &Call) -> Entered {
    absolute(cx, call, 4, call.int(5))
}

fn absolute(cx: &Cx<'_>, call: &Call, timeout: usize, clock: i32) -> Entered {
    let known = [libc::CLOCK_REALTIME, libc::CLOCK_MONOTONIC].contains(&clock);
    let Some(time) = cx.timespec(call.args[timeout]).filter(|_| known) else {
        return Entered::Pass;
    };
    let deadline = cx.state.clock.at(clock, time);
    let family = &Futex { handler_restarts: true };
    Entered::Wait(Wait { asked: *call, call: call.with(timeout, 0), deadline, family })
}

struct Futex {
    /// Whether the call may be restarted after a signal's handler, which the code of the kernel says then. With a
    /// timeout, Linux ends the plain waits with `EINTR` whatever `SA_RESTART` says; without one it would restart them.
    handler_restarts: bool,
}

impl Family for Futex {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        errno(libc::ETIMEDOUT)
    }

    fn interrupted(&self, _: &mut Cx<'_>, _: &Wait, code: i64) -> i64 {
        if self.handler_restarts { code } else { RESTART_NO_HANDLER }
    }
}
