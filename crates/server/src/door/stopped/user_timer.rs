//! Stopped calls that create a user-driven timer: the program gets a descriptor, and its number in the struct that it
//! has passed.

use super::call::{fetch, write};
use super::path::low;
use aseqd_abi::ioctl::timers::CREATE;
use aseqd_abi::timer::TimerUinfo;
use aseqd_host::memory::Piece;
use aseqd_host::seccomp::{Listener, Notification};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;
use zerocopy::{FromBytes as _, IntoBytes as _};

/// Returns whether a call asks for a user-driven timer, on whatever descriptor.
pub(in crate::door) fn creates(call: &Notification) -> bool {
    call.number == libc::SYS_ioctl && low(call.args[1]).cast_unsigned() == CREATE
}

/// Returns the struct that a program has passed.
///
/// # Errors
/// `EFAULT` if it is not mapped, `EPERM` if this process must not read it, `ESRCH` if the thread is gone.
pub(in crate::door) fn asked(call: &Notification) -> Result<TimerUinfo, Errno> {
    let mut bytes = Vec::new();
    let piece = Piece { at: call.args[2], len: size_of::<TimerUinfo>() };
    if !fetch(call.thread, piece, &mut bytes)? {
        return Err(Errno::FAULT);
    }
    TimerUinfo::read_from_bytes(&bytes).map_err(|_| Errno::FAULT)
}

/// Gives a program the descriptor of its timer, at this number or at the lowest free one, and puts the answer into its
/// struct. The call goes on waiting.
///
/// # Errors
/// Those of [`asked`], `EFAULT` if the struct cannot be written, and those of [`Listener::give`].
pub(in crate::door) fn give(
    listener: &Listener,
    call: &Notification,
    descriptor: BorrowedFd<'_>,
    number: Option<i32>,
    info: TimerUinfo,
) -> Result<(), Errno> {
    // Nothing can take a descriptor back, so it is tried first whether its number can be written.
    put(listener, call, &asked(call)?)?;
    let fd = listener.give(call.id, descriptor, number, true)?;
    put(listener, call, &TimerUinfo { fd, ..info })
}

/// Writes the struct of a call, if the call still waits: otherwise its thread's number may be another's.
fn put(listener: &Listener, call: &Notification, info: &TimerUinfo) -> Result<(), Errno> {
    if !listener.is_valid(call.id) {
        return Err(Errno::SRCH);
    }
    write(call.thread, call.args[2], info.as_bytes())
}
