//! `epoll_wait`, `epoll_pwait` and `epoll_pwait2`.

use crate::arch::Call;
use crate::rows::{Row, When, each_wait};
use crate::state::{Cx, Entered, Family, Wait};

pub(crate) const ROWS: &[Row] = &[
    #[cfg(target_arch = "x86_64")]
    Row { number: libc::SYS_epoll_wait, when: When::Positive(3), entered: epoll_wait },
    Row { number: libc::SYS_epoll_pwait, when: each_wait(When::Positive(3)), entered: epoll_wait },
    Row { number: libc::SYS_epoll_pwait2, when: each_wait(When::Given(3)), entered: epoll_pwait2 },
    #[cfg(target_arch = "aarch64")]
    Row { number: libc::SYS_io_getevents, when: When::Always, entered: crate::rows::noted },
];

fn epoll_wait(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let Some(ms) = u64::try_from(call.int(3)).ok().filter(|ms| *ms > 0) else {
        return Entered::Pass;
    };
    let (wait, deadline) = (call.with(3, u64::MAX), cx.after(ms * 1_000_000));
    Entered::Wait(Wait { asked: *call, call: wait, deadline, family: &Epoll })
}

fn epoll_pwait2(cx: &mut Cx<'_>, call: &Call) -> Entered {
    match cx.timespec(call.args[3]) {
        None | Some(0) => Entered::Pass,
        Some(duration) => {
            let deadline = cx.after(duration);
            Entered::Wait(Wait { asked: *call, call: call.with(3, 0), deadline, family: &Epoll })
        }
    }
}

struct Epoll;

impl Family for Epoll {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        0
    }
}
