//! `io_uring`: refused. Its waits are in the kernel's own threads, which the tracer does not see.

use crate::arch::Call;
use crate::rows::{Row, When};
use crate::state::{Cx, Entered, errno};

pub(crate) const ROWS: &[Row] =
    &[Row { number: libc::SYS_io_uring_setup, when: When::Always, entered: refuse }];

/// Programs take it as a kernel without io_uring, and use other calls.
fn refuse(cx: &mut Cx<'_>, _: &Call) -> Entered {
    cx.state.notice("io_uring is refused, because its timeouts cannot be in virtual time");
    Entered::Answer(errno(libc::ENOSYS))
}
