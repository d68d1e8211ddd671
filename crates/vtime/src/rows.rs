//! What is known about a call that is stopped: when the filter stops it, and who answers.

use crate::arch::Call;
use crate::state::{Cx, Entered};

/// When the filter stops a call. It sees arguments, not what they point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Always.
    Always,
    /// If this argument is not 0: a pointer.
    Given(u8),
    /// If this argument, an `int`, is greater than 0: a timeout in ms.
    Positive(u8),
    /// If this argument names a clock that virtual time replaces.
    Clock(u8),
    /// If this argument, after a mask, is one of these numbers, and that one is not 0.
    OneOf(u8, u32, &'static [u32], u8),
}

/// A call that is stopped.
pub(crate) struct Row {
    pub(crate) number: i64,
    pub(crate) when: When,
    /// Says what becomes of it.
    pub(crate) entered: fn(&mut Cx<'_>, &Call) -> Entered,
}

/// The clocks that virtual time replaces: all but those of CPU time.
pub(crate) const CLOCKS: &[i32] = &[
    libc::CLOCK_REALTIME,
    libc::CLOCK_MONOTONIC,
    libc::CLOCK_MONOTONIC_RAW,
    libc::CLOCK_REALTIME_COARSE,
    libc::CLOCK_MONOTONIC_COARSE,
    libc::CLOCK_BOOTTIME,
    libc::CLOCK_REALTIME_ALARM,
    libc::CLOCK_BOOTTIME_ALARM,
    libc::CLOCK_TAI,
];

/// Returns when a call is stopped that any signal ends with `EINTR`, also one that has no handler. It is `when` if the
/// registers tell later how the call is made again, else whenever the call may wait.
pub(crate) const fn each_wait(when: When) -> When {
    match when {
        when if !cfg!(target_arch = "aarch64") => when,
        When::Positive(index) => When::Given(index),
        _ => When::Always,
    }
}

/// A call that is stopped only so that its registers are known.
#[cfg(target_arch = "aarch64")]
pub(crate) const fn noted(_: &mut Cx<'_>, _: &Call) -> Entered {
    Entered::Pass
}
