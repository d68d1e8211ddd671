//! Limits of time that programs have set for sockets.

use crate::arch::Call;
use std::collections::BTreeMap;
use std::fs;

/// Calls that wait for a socket, and whether the limit is that of receiving.
const CALLS: &[(i64, bool)] = &[
    (libc::SYS_read, true),
    (libc::SYS_readv, true),
    (libc::SYS_recvfrom, true),
    (libc::SYS_recvmsg, true),
    (libc::SYS_recvmmsg, true),
    (libc::SYS_accept, true),
    (libc::SYS_accept4, true),
    (libc::SYS_write, false),
    (libc::SYS_writev, false),
    (libc::SYS_sendto, false),
    (libc::SYS_sendmsg, false),
    (libc::SYS_sendmmsg, false),
    (libc::SYS_connect, false),
];

/// The limits of all sockets, in ns: of receiving and of sending.
#[derive(Default)]
pub(crate) struct Limits(BTreeMap<u64, [Option<u64>; 2]>);

impl Limits {
    /// Returns whether no socket has a limit.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how long a thread's call may wait, if its socket has a limit.
    pub(crate) fn of(&self, thread: i32, call: &Call) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let (_, receives) = CALLS.iter().find(|(number, _)| *number == call.number)?;
        self.0.get(&inode(thread, call.int(0))?)?[usize::from(!receives)]
    }

    /// Returns the limit of a socket that an option is about.
    pub(crate) fn get(&self, inode: u64, option: i32) -> Option<u64> {
        self.0.get(&inode)?[side(option)]
    }

    /// Sets it.
    pub(crate) fn set(&mut self, inode: u64, option: i32, limit: Option<u64>) {
        self.0.entry(inode).or_default()[side(option)] = limit;
        self.0.retain(|_, limits| limits.iter().any(Option::is_some));
    }
}

/// Returns which of the two limits an option is about.
const fn side(option: i32) -> usize {
    if option == 20 || option == 66 { 0 } else { 1 }
}

/// Returns the inode of a thread's socket.
pub(crate) fn inode(thread: i32, descriptor: i32) -> Option<u64> {
    let link = fs::read_link(format!("/proc/{thread}/fd/{descriptor}")).ok()?;
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}
