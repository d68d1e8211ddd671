//! `semtimedop`.

use crate::arch::Call;
use crate::rows::{Row, When, each_wait};
use crate::state::{Cx, Entered, Family, Wait, errno};

pub(crate) const ROWS: &[Row] = &[
    Row { number: libc::SYS_semtimedop, when: each_wait(When::Given(3)), entered: semtimedop },
    #[cfg(target_arch = "aarch64")]
    Row { number: libc::SYS_semop, when: When::Always, entered: crate::rows::noted },
    #[cfg(target_arch = "aarch64")]
    Row { number: libc::SYS_msgrcv, when: When::Always, entered: crate::rows::noted },
    #[cfg(target_arch = "aarch64")]
    Row { number: libc::SYS_msgsnd, when: When::Always, entered: crate::rows::noted },
];

fn semtimedop(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let Some(duration) = cx.timespec(call.args[3]) else { return Entered::Pass };
    let deadline = cx.after(duration);
    Entered::Wait(Wait { asked: *call, call: call.with(3, 0), deadline, family: &Semaphore })
}

struct Semaphore;

impl Family for Semaphore {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        errno(libc::EAGAIN)
    }
}
