//! Real-time priority: what has no safe wrapper.
#![expect(unsafe_code, reason = "sched_setscheduler has no safe wrapper")]

use std::io;

/// Puts this process under SCHED_FIFO, from where programs that it becomes or starts inherit it.
///
/// # Errors
/// `EPERM` without the right to it.
pub(crate) fn set_fifo(priority: i32) -> io::Result<()> {
    // SAFETY: the struct is plain numbers, for which zero is a value.
    let mut parameter: libc::sched_param = unsafe { std::mem::zeroed() };
    parameter.sched_priority = priority;
    // SAFETY: the pointer is to a valid struct; 0 means this thread.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameter) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
