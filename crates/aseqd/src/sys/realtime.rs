//! Real-time scheduling and resident memory: what has no safe wrapper.
#![expect(unsafe_code, reason = "sched_setscheduler and mlockall have no safe wrapper")]

use rustix::process::{Resource, getrlimit};
use std::io;

/// Above ordinary programs, below audio servers and the kernel's own threads.
const PRIORITY: i32 = 10;

/// Makes the calling thread a real-time one (`SCHED_FIFO`), or an ordinary one. Its children are
/// ordinary.
///
/// # Errors
/// `EPERM` without the privilege (`CAP_SYS_NICE`, or `RLIMIT_RTPRIO`).
pub(crate) fn schedule(real_time: bool) -> io::Result<()> {
    let (policy, priority) =
        if real_time { (libc::SCHED_FIFO, PRIORITY) } else { (libc::SCHED_OTHER, 0) };
    set_scheduler(policy | libc::SCHED_RESET_ON_FORK, priority)
}

/// The same with its children, and with whatever program it becomes, at a priority from 1 to 99.
///
/// # Errors
/// `EPERM` without the privilege.
pub(crate) fn schedule_descendants(priority: i32) -> io::Result<()> {
    set_scheduler(libc::SCHED_FIFO, priority)
}

fn set_scheduler(policy: i32, priority: i32) -> io::Result<()> {
    let param = libc::sched_param { sched_priority: priority };
    // SAFETY: the pointer is to a valid sched_param; 0 is the calling thread.
    match unsafe { libc::sched_setscheduler(0, policy, &raw const param) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Keeps the memory of this process from being paged out, once it has been touched.
///
/// # Errors
/// Those of `mlockall(2)`; `EPERM` where a limit would make later allocations fail.
pub(crate) fn stay_resident() -> io::Result<()> {
    if getrlimit(Resource::Memlock).current.is_some() && !rustix::process::geteuid().is_root() {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    let flags = libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT;
    // SAFETY: changes only whether pages may be written out.
    match unsafe { libc::mlockall(flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
