//! Calls that choose how and where threads run.

use crate::arch::Call;
use crate::options::Cpus;
use crate::rows::{Row, When};
use crate::state::{Cx, Entered};

/// Real-time policies of `linux/sched.h`: `SCHED_FIFO`, `SCHED_RR` and `SCHED_DEADLINE`.
const REAL_TIME: &[u32] = &[1, 2, 6];
/// `SCHED_RESET_ON_FORK`, which may be added to a policy.
const RESET_ON_FORK: u32 = 0x4000_0000;

pub(crate) const ROWS: &[Row] = &[
    Row {
        number: libc::SYS_sched_setscheduler,
        when: When::OneOf(1, !RESET_ON_FORK, REAL_TIME, 2),
        entered: accept,
    },
    Row { number: libc::SYS_sched_setattr, when: When::Given(1), entered: sched_setattr },
    Row { number: libc::SYS_sched_setaffinity, when: When::Given(2), entered: sched_setaffinity },
];

/// A real-time thread would starve the tracer. In virtual time nobody is late anyway, so the call succeeds and changes
/// nothing.
fn accept(_: &mut Cx<'_>, _: &Call) -> Entered {
    Entered::Answer(0)
}

fn sched_setattr(cx: &mut Cx<'_>, call: &Call) -> Entered {
    // The first two fields are a size and the policy, of 32 bits each.
    let policy = cx.words::<1>(call.args[1]).map_or(0, |[word]| (word >> 32).cast_unsigned());
    let real_time = REAL_TIME.iter().any(|other| u64::from(*other) == policy & 0xffff_ffff);
    if real_time { Entered::Answer(0) } else { Entered::Pass }
}

/// With a limited number of processors, programs stay on those that the run has.
fn sched_setaffinity(cx: &mut Cx<'_>, _: &Call) -> Entered {
    match cx.state.options.cpus {
        Cpus::Count(_) => Entered::Answer(0),
        Cpus::All => Entered::Pass,
    }
}
